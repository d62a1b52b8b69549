/**
 * The key table against a map: any sequence of operations, all invariants after each, and what a reader on
 * the same thread finds.
 *
 * Pages are small, so that values of up to 200 KiB have many chunks and tables of several sizes, and pages
 * fill, empty and are compacted all the time. With `arm64` every payload word is accessed atomically.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/base/index.ts'
import { KeyTableReader, KeyTableWriter, NOT_A_STRING } from '../../../src/memory/index.ts'

const RUNS = process.env['SHL_SOAK'] ? 2000 : 80
const NOW = 1_000_000

interface Entry {
  value: string
  type: number
  object: number
  isRaw: boolean
  expireAt: number
  revision: number
  clock: number
  isIndexed: boolean
}

const KEYS = 20
const key = fc.nat(KEYS - 1)
const size = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 300 }) },
  { weight: 2, arbitrary: fc.integer({ min: 300, max: 9000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 9000, max: 200 * 1024 }) },
)
const time = fc.constantFrom(undefined, 0, NOW - 1, NOW, NOW + 1, 2 ** 40 + 7)
const revision = fc.constantFrom(undefined, 0, 5, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER)
const text = fc.record({ size, first: fc.nat(255), isAscii: fc.boolean() })
const operation = fc.oneof(
  fc.record({ do: fc.constant('put' as const), key, text, expireAt: time, revision, isBytes: fc.boolean() }),
  fc.record({ do: fc.constant('append' as const), key, text, isBytes: fc.boolean() }),
  fc.record({ do: fc.constant('appendMany' as const), key, text, times: fc.nat(20) }),
  fc.record({ do: fc.constant('putAgain' as const), key, first: fc.nat(255), less: fc.nat(3) }),
  fc.record({ do: fc.constant('overwrite' as const), key, text, offset: size }),
  fc.record({ do: fc.constant('object' as const), key, type: fc.integer({ min: 1, max: 15 }), id: fc.nat() }),
  fc.record({ do: fc.constant('remove' as const), key }),
  fc.record({ do: fc.constant('removeMany' as const), from: key, count: key }),
  fc.record({ do: fc.constant('mark' as const), key, expireAt: fc.nat(), clock: fc.nat(2 ** 24 - 1) }),
  fc.record({ do: fc.constant('compact' as const), budget: fc.integer({ min: 1, max: 200 }) }),
  fc.record({ do: fc.constant('scan' as const), count: fc.integer({ min: 1, max: 20 }) }),
  fc.record({ do: fc.constant('clear' as const), isSure: fc.integer({ min: 0, max: 15 }) }),
)
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never

describe.each([
  ['x64', 2],
  ['arm64', 16],
])('on %s with %i stripes', (arch, stripes) => {
  test('any operations leave the table as a map would be', () => {
    fc.assert(
      fc.property(fc.array(operation, { minLength: 1, maxLength: 100, size: 'max' }), (operations) => {
        const twin = new Twin(arch, stripes)
        for (const each of operations) {
          twin.apply(each)
          twin.table.checkTable()
        }
        twin.compareAll()
        while (twin.table.compact(7) > 0) twin.table.checkTable()
        twin.compareAll()
        for (const name of [...twin.map.keys()]) twin.remove(name)
        twin.table.checkTable()
        expect(twin.table.usedBytes).toBe(twin.emptyBytes)
      }),
      { numRuns: RUNS },
    )
  })
})

/** The table and the map that it has to be like. */
class Twin {
  readonly map = new Map<string, Entry>()
  readonly table: KeyTableWriter
  readonly reader: KeyTableReader
  readonly emptyBytes: number

  constructor(arch: string, stripes: number) {
    this.table = new KeyTableWriter({ segmentBytes: 2 ** 16, pageBytes: 4096, stripes, arch })
    this.reader = new KeyTableReader(this.table.directory, (id) => this.table.segments[id], { arch })
    this.emptyBytes = this.table.usedBytes
  }

  apply(each: Operation): void {
    const { table, map } = this
    switch (each.do) {
      case 'put': {
        const name = nameOf(each.key)
        const value = textOf(each.text)
        const options = { expireAt: each.expireAt, revision: each.revision }
        const keyBytes = Buffer.from(name, 'latin1')
        const bytes = Buffer.from(`x${value}`, 'latin1')
        const ref = each.isBytes
          ? table.putStringBytes(keyBytes, 0, keyBytes.length, bytes, 1, value.length, options)
          : table.putString(name, value, options)
        expect(ref).toBe(table.find(name))
        const entry = this.entry(name)
        Object.assign(entry, { value, type: 0, object: 0, isRaw: false })
        if (each.expireAt !== undefined) entry.expireAt = each.expireAt
        if (each.revision !== undefined) entry.revision = each.revision
        this.compare(name)
        break
      }
      case 'append': {
        const entry = map.get(nameOf(each.key))
        if (entry?.type !== 0) break
        const value = textOf(each.text)
        const ref = table.find(nameOf(each.key))
        table.append(ref, each.isBytes ? Buffer.from(value, 'latin1') : value)
        entry.value += value
        entry.isRaw = true
        this.compare(nameOf(each.key))
        break
      }
      case 'appendMany': {
        const entry = map.get(nameOf(each.key))
        if (entry?.type !== 0) break
        const value = textOf({ ...each.text, size: Math.min(each.text.size, 3000) })
        for (let i = 0; i < each.times; i++) {
          table.append(table.find(nameOf(each.key)), value)
          entry.value += value
          entry.isRaw = true
        }
        this.compare(nameOf(each.key))
        break
      }
      case 'putAgain': {
        // About as long as it was: in the place of the old value, if that is not too roomy.
        const entry = map.get(nameOf(each.key))
        if (entry === undefined) break
        const size = Math.max(0, entry.value.length - each.less)
        entry.value = textOf({ size, first: each.first, isAscii: each.first % 2 === 0 })
        table.putString(nameOf(each.key), entry.value)
        Object.assign(entry, { type: 0, object: 0, isRaw: false })
        this.compare(nameOf(each.key))
        break
      }
      case 'overwrite': {
        const entry = map.get(nameOf(each.key))
        if (entry?.type !== 0) break
        const value = textOf(each.text)
        table.overwrite(table.find(nameOf(each.key)), each.offset, value)
        if (value !== '') {
          const before = entry.value.padEnd(each.offset, '\0')
          entry.value = before.slice(0, each.offset) + value + before.slice(each.offset + value.length)
        }
        entry.isRaw = true
        this.compare(nameOf(each.key))
        break
      }
      case 'object':
        table.putObject(nameOf(each.key), each.type, each.id)
        Object.assign(this.entry(nameOf(each.key)), {
          value: '',
          type: each.type,
          object: each.id,
          isRaw: false,
        })
        this.compare(nameOf(each.key))
        break
      case 'remove':
        this.remove(nameOf(each.key))
        break
      case 'removeMany':
        for (let i = 0; i < each.count; i++) this.remove(nameOf((each.from + i) % KEYS))
        break
      case 'mark': {
        const entry = map.get(nameOf(each.key))
        if (!entry) break
        const ref = table.find(nameOf(each.key))
        table.setExpireAt(ref, each.expireAt)
        table.setAccessClock(ref, each.clock)
        table.setInExpiryIndex(ref, each.clock % 2 === 0)
        entry.expireAt = each.expireAt
        entry.clock = each.clock
        entry.isIndexed = each.clock % 2 === 0
        this.compare(nameOf(each.key))
        break
      }
      case 'compact':
        expect(table.compact(each.budget)).toBeLessThanOrEqual(each.budget)
        break
      case 'scan':
        this.scan(each.count)
        break
      case 'clear':
        if (each.isSure > 0) break
        table.clear()
        map.clear()
        expect(table.usedBytes).toBe(this.emptyBytes)
    }
  }

  remove(name: string): void {
    const ref = this.table.find(name)
    expect(ref !== 0).toBe(this.map.delete(name))
    if (ref !== 0) this.table.remove(ref)
    expect(this.reader.has(name, () => NOW)).toBe(false)
  }

  entry(name: string): Entry {
    let entry = this.map.get(name)
    if (!entry) {
      const none = { expireAt: 0, revision: 0, clock: 0, isIndexed: false }
      entry = { value: '', type: 0, object: 0, isRaw: false, ...none }
      this.map.set(name, entry)
    }
    return entry
  }

  scan(count: number): void {
    const found: string[] = []
    let cursor = 0
    do {
      cursor = this.table.scan(cursor, count, (ref) => found.push(this.table.keyOf(ref)))
    } while (cursor !== 0)
    expect(found.sort()).toEqual([...this.map.keys()].sort())
    const sampled = this.table.sample(seededRandom(count))
    expect(sampled === 0 ? undefined : this.map.has(this.table.keyOf(sampled))).toBe(
      this.map.size === 0 ? undefined : true,
    )
  }

  compareAll(): void {
    expect(this.table.count).toBe(this.map.size)
    for (const name of this.map.keys()) this.compare(name)
  }

  compare(name: string): void {
    const { table, reader } = this
    const entry = this.map.get(name)!
    const ref = table.find(name)
    const bytes = Buffer.from(name, 'latin1')
    expect(table.findBytes(bytes, 0, bytes.length)).toBe(ref)
    expect(table.keyOf(ref)).toBe(name)
    expect(table.hashOf(ref)).toBe(table.hashOfKey(name))
    const found: number[] = []
    table.findByHash(table.hashOf(ref), (each) => found.push(each))
    expect(found).toContain(ref)
    expect({
      value: '',
      type: table.typeOf(ref),
      object: entry.type === 0 ? 0 : table.objectOf(ref),
      isRaw: table.isRaw(ref),
      expireAt: table.expireAt(ref),
      revision: table.revision(ref),
      clock: table.accessClock(ref),
      isIndexed: table.inExpiryIndex(ref),
    }).toEqual({ ...entry, value: '' })
    const isExpired = entry.expireAt !== 0 && entry.expireAt <= NOW
    expect(reader.typeOf(bytes, () => NOW)).toBe(isExpired ? undefined : entry.type)
    expect(reader.expireAt(bytes, () => NOW)).toBe(isExpired ? undefined : entry.expireAt)
    const read = reader.getBytes(bytes, () => NOW)
    if (entry.type !== 0) {
      expect(read).toBe(isExpired ? undefined : NOT_A_STRING)
      return
    }
    expect(table.valueLength(ref)).toBe(entry.value.length)
    expect(table.valueString(ref) === entry.value).toBe(true)
    const middle = entry.value.length >> 1
    expect(table.valueSlice(ref, middle, entry.value.length) === entry.value.slice(middle)).toBe(true)
    const wanted = Buffer.from(entry.value, 'latin1')
    expect(Buffer.compare(table.valueBytes(ref), wanted)).toBe(0)
    if (isExpired) return expect(read).toBe(undefined)
    expect(Buffer.compare(read as Uint8Array, wanted)).toBe(0)
    // Half of the names have characters above ASCII; as text they are other keys.
    if (/^[\0-\x7f]*$/.test(name)) expect(reader.getString(name, () => NOW)).toBe(wanted.toString())
  }
}

/** Names of all lengths around those that a word, a loop and a page end at. */
function nameOf(index: number): string {
  const length = [0, 1, 3, 4, 5, 16, 63, 64, 65, 3000][index % 10]!
  return `${'k'.repeat(length)}${index % 2 === 0 ? index : `\xe9${index}`}`
}

function textOf({ size: length, first, isAscii }: { size: number; first: number; isAscii: boolean }): string {
  const codes = Buffer.alloc(length)
  for (let i = 0; i < length; i++) codes[i] = (first + i * 7) & (isAscii ? 127 : 255)
  return codes.toString('latin1')
}
