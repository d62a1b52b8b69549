/** `putPlainBytes` does in one step what a find, a put and two setters do in four, or nothing. */
import { describe, expect, test } from 'vitest'
import { KeyTableReader, KeyTableWriter } from '../../../src/memory/index.ts'

const OPTIONS = { segmentBytes: 65_536, pageBytes: 1024, stripes: 8 }

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}

function put(table: KeyTableWriter, key: string, value: string, revision: number, clock: number): number {
  const bytes = bytesOf(`<${key}=${value}>`)
  return table.putPlainBytes(bytes, 1, key.length, key.length + 2, value.length, revision, clock)
}

describe.each(['x64', 'arm64'])('putPlainBytes with the memory accesses of %s', (arch) => {
  test('sets value, revision and access clock of new keys and of strings, short, long and in chunks', () => {
    const table = new KeyTableWriter({ ...OPTIONS, arch })
    const lengths = [0, 1, 7, 64, 65, 300, 5000, 64, 0]
    lengths.forEach((length, i) => {
      for (const key of ['a', 'some key', 'é'.repeat(20)]) {
        const value = `${i}${key}`.repeat(length).slice(0, length)
        const ref = put(table, key, value, 2 ** 40 + i, 0xffffff - i)
        expect(ref).toBe(table.find(key))
        expect(table.valueString(ref)).toBe(value)
        expect(table.revision(ref)).toBe(2 ** 40 + i)
        expect(table.accessClock(ref)).toBe(0xffffff - i)
        expect(table.expireAt(ref)).toBe(0)
        table.checkTable()
      }
    })
    expect(table.count).toBe(3)
  })

  test('is one change for readers when the key is there', () => {
    const table = new KeyTableWriter({ ...OPTIONS, arch })
    put(table, 'k', 'before', 1, 1)
    const sequences = new Int32Array(table.directory)
    const before = sequences.slice(16, 16 + 8 * 4)
    put(table, 'k', 'behind', 2, 2)
    const changed = before.map((word, i) => sequences[16 + i]! - word).filter((by) => by !== 0)
    expect([...changed]).toEqual([2])
  })

  test('touches no key that expires, or holds an object, or is too long', () => {
    const table = new KeyTableWriter({ ...OPTIONS, arch })
    table.putString('expires', 'old', { expireAt: 5, revision: 3 })
    table.putObject('object', 2, 77, { revision: 3 })
    for (const key of ['expires', 'object', 'x'.repeat(table.keyBytesMax + 1)]) {
      expect(put(table, key, 'new', 9, 9)).toBe(0)
    }
    expect(table.valueString(table.find('expires'))).toBe('old')
    expect(table.objectOf(table.find('object'))).toBe(77)
    expect(table.revision(table.find('object'))).toBe(3)
    expect(table.count).toBe(2)
    table.checkTable()
  })

  test('addPlainBytes adds to integers as far as a number is exact, and does nothing to all else', () => {
    const table = new KeyTableWriter({ ...OPTIONS, arch })
    const max = Number.MAX_SAFE_INTEGER
    const add = (before: string | undefined, step: number): [number, string] => {
      if (before !== undefined) put(table, 'n', before, 1, 1)
      const sum = table.addPlainBytes(bytesOf('-n'), 1, 1, step, 2 ** 33, 7)
      return [sum, table.valueString(table.find('n'))]
    }
    expect(add(undefined, -12)).toEqual([-12, '-12'])
    expect([table.revision(table.find('n')), table.accessClock(table.find('n'))]).toEqual([2 ** 33, 7])
    expect(add('0', 1)).toEqual([1, '1'])
    expect(add('-1', 1)).toEqual([0, '0'])
    expect(add('9', 1)).toEqual([10, '10'])
    expect(add(`${max - 1}`, 1)).toEqual([max, `${max}`])
    expect(add(`${-max}`, 1)).toEqual([1 - max, `${1 - max}`])
    for (const [before, step] of [
      ...[[`${max}`, 1] as const, [`${-max}`, -1] as const, ['9007199254740993', -5] as const],
      ...['', '-', '01', '-0', '+1', ' 1', '1 ', '1.0', 'x', '1'.repeat(900)].map(
        (text) => [text, 1] as const,
      ),
    ]) {
      expect(add(before, step)).toEqual([Number.NaN, before])
    }
    table.putObject('n', 2, 77, { revision: 3 })
    expect(table.addPlainBytes(bytesOf('-n'), 1, 1, 1, 9, 9)).toBeNaN()
    expect(table.revision(table.find('n'))).toBe(3)
    table.checkTable()
  })

  test('text that is not ASCII is read back as UTF-8', () => {
    const table = new KeyTableWriter({ ...OPTIONS, arch })
    const reader = new KeyTableReader(table.directory, (id) => table.segments[id], { arch })
    put(table, 'k', 'plain', 1, 1)
    expect(reader.getString('k', () => 0)).toBe('plain')
    put(table, 'k', Buffer.from('grün').toString('latin1'), 2, 1)
    expect(reader.getString('k', () => 0)).toBe('grün')
  })
})
