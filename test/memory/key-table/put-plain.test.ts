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

  test('text that is not ASCII is read back as UTF-8', () => {
    const table = new KeyTableWriter({ ...OPTIONS, arch })
    const reader = new KeyTableReader(table.directory, (id) => table.segments[id], { arch })
    put(table, 'k', 'plain', 1, 1)
    expect(reader.getString('k', () => 0)).toBe('plain')
    put(table, 'k', Buffer.from('grün').toString('latin1'), 2, 1)
    expect(reader.getString('k', () => 0)).toBe('grün')
  })
})
