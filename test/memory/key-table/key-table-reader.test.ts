/** The reader by example: what it finds, and what it says when the table is not as it should be. */
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/base/index.ts'
import { KeyTableReader, KeyTableWriter, NOT_A_STRING, TORN } from '../../../src/memory/index.ts'
import { beginWrite, endWrite } from '../../../src/memory/seqlock.ts'

const OPTIONS = { segmentBytes: 2 ** 14, pageBytes: 1024, stripes: 2 }
const never = (): number => {
  throw new RangeError('nobody asks for the time of a key that does not expire')
}

describe.each(['x64', 'arm64'])('on %s', (arch) => {
  test('text of any characters is found as its user wrote it', () => {
    const { table, reader } = pair({ ...OPTIONS, arch })
    const values = [
      '',
      'a',
      'ASCII of sixteen',
      'x'.repeat(17),
      'Käse',
      'ключ'.repeat(40),
      '🙂'.repeat(1000),
      'y'.repeat(9000),
    ]
    for (const value of values) {
      for (const name of ['', 'key', 'ключ', 'k'.repeat(300)]) {
        table.putString(Buffer.from(name).toString('latin1'), Buffer.from(value))
        expect(reader.getString(name, never) === value).toBe(true)
        expect(Buffer.from(reader.getBytes(name, never) as Uint8Array).toString() === value).toBe(true)
        expect(reader.getString(`${name}!`, never)).toBe(undefined)
      }
    }
  })

  test('bytes that are no UTF-8 become replacement characters, and stay as they are as bytes', () => {
    const { table, reader } = pair({ ...OPTIONS, arch })
    table.putString('\xff', Uint8Array.of(0xc3, 0x28, 0xff))
    expect(reader.getBytes(Uint8Array.of(255), never)).toEqual(Uint8Array.of(0xc3, 0x28, 0xff))
    expect(reader.getString('\xff', never)).toBe(undefined)
    table.putString('k', Uint8Array.of(0xc3, 0x28, 0xff))
    expect(reader.getString('k', never)).toBe('\ufffd(\ufffd')
  })

  test('bytes that are returned belong to the caller', () => {
    const { table, reader } = pair({ ...OPTIONS, arch })
    const kept = ['one', 'x'.repeat(100), 'y'.repeat(5000)].map((value, i) => {
      table.putString(`key:${i}`, value)
      return [reader.getBytes(`key:${i}`, never) as Uint8Array, value] as const
    })
    for (let i = 0; i < 3; i++) {
      table.putString(`key:${i}`, 'z'.repeat(5000))
      reader.getBytes(`key:${i}`, never)
    }
    for (const [bytes, value] of kept) expect(Buffer.from(bytes).toString() === value).toBe(true)
  })
})

test('a key reads as missing from its expiry on', () => {
  const { table, reader } = pair(OPTIONS)
  const ref = table.putString('key', 'value', { expireAt: 2 ** 40 })
  for (const [now, isThere] of [
    [2 ** 40 - 1, true],
    [2 ** 40, false],
    [2 ** 41, false],
  ] as const) {
    expect(reader.getString('key', () => now)).toBe(isThere ? 'value' : undefined)
    expect(reader.getBytes('key', () => now)?.valueOf()).toEqual(
      isThere ? Uint8Array.from(Buffer.from('value')) : undefined,
    )
    expect(reader.has('key', () => now)).toBe(isThere)
    expect(reader.expireAt('key', () => now)).toBe(isThere ? 2 ** 40 : undefined)
    expect(reader.typeOf('key', () => now)).toBe(isThere ? 0 : undefined)
  }
  table.setExpireAt(ref, 0)
  expect([reader.expireAt('key', never), reader.expireAt('none', never)]).toEqual([0, undefined])
})

test('an object is there, but is no string', () => {
  const { table, reader } = pair(OPTIONS)
  table.putObject('key', 4, 77)
  expect([reader.getString('key', never), reader.getBytes('key', never)]).toEqual([
    NOT_A_STRING,
    NOT_A_STRING,
  ])
  expect([reader.has('key', never), reader.typeOf('key', never)]).toEqual([true, 4])
})

test('a segment that has not come makes a read torn; when it has, the value is there', () => {
  const table = new KeyTableWriter(OPTIONS)
  const come: SharedArrayBuffer[] = []
  const reader = new KeyTableReader(table.directory, (id) => come[id])
  for (let i = 0; i < 200; i++) table.putString(`key:${i}`, 'v'.repeat(200))
  table.putString('long', 'w'.repeat(20_000))
  expect(table.segments.length).toBeGreaterThan(3)
  const names = Array.from({ length: 200 }, (_, i) => `key:${i}`)
  expect(names.map((name) => reader.getString(name, never))).toContain(TORN)
  expect(reader.getString('long', never)).toBe(TORN)
  come.push(...table.segments)
  for (const name of names) expect(reader.getString(name, never)).toBe('v'.repeat(200))
  expect(reader.getString('long', never) === 'w'.repeat(20_000)).toBe(true)
})

test('a writer that died in the middle of a write makes reads of its stripe torn, after a while', () => {
  const { table } = pair(OPTIONS)
  const reader = new KeyTableReader(table.directory, (id) => table.segments[id], {
    spinsMax: 100,
    napsMax: 2,
  })
  const names = Array.from({ length: 20 }, (_, i) => `key:${i}`)
  for (const name of names) table.putString(name, 'v')
  const stripe = table.stripes.stripeOf(table.hashOfKey('key:0'))
  const isIn = (name: string): boolean => table.stripes.stripeOf(table.hashOfKey(name)) === stripe
  beginWrite(table.stripes.directory, stripe)
  for (const name of names) expect(reader.getString(name, never)).toBe(isIn(name) ? TORN : 'v')
  expect([reader.getBytes('key:0', never), reader.has('key:0', never)]).toEqual([TORN, TORN])
  expect([reader.expireAt('key:0', never), reader.typeOf('key:0', never)]).toEqual([TORN, TORN])
  endWrite(table.stripes.directory, stripe)
  for (const name of names) expect(reader.getString(name, never)).toBe('v')
})

test('what is not the directory of a key table is refused', () => {
  expect(() => new KeyTableReader(new SharedArrayBuffer(4096), () => undefined)).toThrow('directory')
})

test.each(['x64', 'arm64'])('nothing that memory may hold makes a reader fail (%s)', (arch) => {
  const random = seededRandom(7)
  const outcomes = new Map<string, number>()
  for (let round = 0; round < 300; round++) {
    const { table, reader } = pair({ ...OPTIONS, arch })
    const names = Array.from({ length: 40 }, (_, i) => `key:${i}`)
    for (const name of names)
      table.putString(name, 'v'.repeat(random.below(8) === 0 ? random.below(5000) : 12))
    // Words are spoilt everywhere but where the sequences are: with numbers that are wild, or look like ours.
    const words = table.stripes.directory
    const all = new Int32Array(words.buffer)
    for (let i = 0; i < 60 * (1 + (round % 20)); i++) {
      const at = 16 + random.below(all.length - 16)
      if (at < 24 && (at & 3) === 0) continue
      const draw = random.below(4)
      all[at] =
        draw === 0
          ? random.below(2 ** 32)
          : draw === 1
            ? random.below(2 ** 12)
            : all[random.below(all.length)]!
    }
    for (const name of names) {
      for (const found of [
        reader.getString(name, () => 5),
        reader.getBytes(name, () => 5),
        reader.typeOf(name, () => 5),
      ]) {
        const kind = typeof found === 'symbol' ? String(found) : typeof found
        outcomes.set(kind, (outcomes.get(kind) ?? 0) + 1)
      }
    }
  }
  expect([...outcomes.keys()].sort()).toEqual(
    ['Symbol(not a string)', 'Symbol(torn)', 'number', 'object', 'string', 'undefined'].sort(),
  )
})

function pair(options: object): { table: KeyTableWriter; reader: KeyTableReader } {
  const table = new KeyTableWriter(options)
  return { table, reader: new KeyTableReader(table.directory, (id) => table.segments[id], options) }
}
