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

describe.each(['x64', 'arm64'])('what would lead out of memory is torn (%s)', (arch) => {
  const UNITS = OPTIONS.segmentBytes / 8
  const setUp = (value: string) => {
    const { table, reader } = pair({ ...OPTIONS, arch })
    const ref = table.putString('12345678', value)
    const words = table.arena.wordsOf(ref)
    const outcomes = (): unknown[] => [
      reader.getString('12345678', never),
      reader.getBytes('12345678', never),
    ]
    return { table, words, ref, record: table.arena.wordOf(ref), outcomes }
  }
  /** Puts a copy of the record where it ends with the segment, `words` words behind its key. */
  const moveToEnd = (words: number) => {
    const all = setUp('v'.repeat(100))
    const record = (all.words.length - 11 - words) & -2
    all.words.copyWithin(record, all.record, all.record + Math.min(11 + words, all.words.length - record))
    all.table.stripes.locate(all.ref)
    all.table.stripes.linkWords[all.table.stripes.linkWord] = record >> 1
    return all.outcomes
  }

  test('a value that goes on behind the end of its segment', () => {
    expect(moveToEnd(1)()).toEqual([TORN, TORN])
    expect(moveToEnd(25)()).toEqual(['v'.repeat(100), Uint8Array.from(Buffer.alloc(100, 'v'))])
  })

  test('a record, or a bucket array, that does', () => {
    for (const units of [1, 2, 3, 4]) {
      const { table, ref, outcomes } = setUp('v')
      table.stripes.locate(ref)
      table.stripes.linkWords[table.stripes.linkWord] = UNITS - units
      expect(outcomes()).toEqual([TORN, TORN])
    }
    const { table, outcomes } = setUp('v')
    const stripe = table.stripes.stripeOf(table.hashOfKey('12345678'))
    for (const [buckets, log2] of [
      [UNITS - 1, 8],
      [1, 0],
      [1, 9],
      [1, 32],
      [1, -1],
    ]) {
      table.stripes.directory[stripe + 1] = buckets!
      table.stripes.directory[stripe + 2] = log2!
      expect(outcomes().filter((outcome) => outcome !== TORN && outcome !== undefined)).toEqual([])
    }
  })

  test.each([
    [
      'a table',
      (table: KeyTableWriter, ref: number) => [table.arena.wordsOf(ref), table.records.valueWord(ref)],
    ],
    [
      'a chunk',
      (table: KeyTableWriter, ref: number) => {
        const chunks = table.records.pointer(ref)
        return [table.arena.wordsOf(chunks), table.arena.wordOf(chunks) + 1]
      },
    ],
  ] as const)('%s of a long value that does', (_, pointerOf) => {
    const { table, ref, outcomes } = setUp('w'.repeat(2000))
    const [words, at] = pointerOf(table, ref) as [Int32Array, number]
    words[at] = UNITS - 1
    expect(outcomes()).toEqual([TORN, TORN])
  })

  test('a length that no value has', () => {
    for (const length of [-1, 513, 2 ** 31 - 1]) {
      const { words, record, outcomes } = setUp('v'.repeat(100))
      words[record + 4] = length
      expect(outcomes()).toEqual([TORN, TORN])
    }
    for (const length of [-1, 0, 2 ** 30]) {
      const { words, record, outcomes } = setUp('v'.repeat(1000))
      words[record + 4] = length
      expect(outcomes()).toEqual([TORN, TORN])
    }
  })

  test('a chain that is a circle', () => {
    const { table, words, record, ref, outcomes } = setUp('v')
    words[record] = ref
    words[record + 1]! ^= 1
    expect(outcomes()).toEqual([TORN, TORN])
    expect(table.count).toBe(1)
  })
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
