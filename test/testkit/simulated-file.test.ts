/** The bytes of a file on a simulated disk: what a process sees, what a kill leaves, and what a power cut. */
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/base/index.ts'
import { SECTOR_BYTES, SimulatedFile } from '../../src/testkit/simulated-file.ts'

const filled = (count: number, byte: number): Uint8Array => new Uint8Array(count).fill(byte)

/** All that power cuts leave, each once. */
function cuts(file: SimulatedFile, count = 400): Uint8Array[] {
  const random = seededRandom(7)
  const found = new Map<string, Uint8Array>()
  for (let i = 0; i < count; i++) {
    const { bytes } = file.cut(random, [0, 0.5, 1][i % 3]!)
    found.set(Buffer.from(bytes).toString('latin1'), bytes)
  }
  return [...found.values()]
}

function synced(bytes: Uint8Array): SimulatedFile {
  return new SimulatedFile(bytes)
}

test('a process sees what was written, and zeros in a hole', () => {
  const file = new SimulatedFile()
  file.write(3, filled(2, 1))
  expect([...file.bytes]).toEqual([0, 0, 0, 1, 1])
  const into = new Uint8Array(4)
  expect(file.read(2, into)).toBe(3)
  expect([...into]).toEqual([0, 1, 1, 0])
  expect(file.read(9, into)).toBe(0)
})

test('a length that was cut and grows again reads zeros behind the cut', () => {
  const file = synced(filled(8, 5))
  file.truncate(2)
  file.truncate(4)
  expect([...file.bytes]).toEqual([5, 5, 0, 0])
})

test('each sector that was not synced is lost or kept, by itself', () => {
  const file = synced(filled(3 * SECTOR_BYTES, 1))
  file.write(0, filled(3 * SECTOR_BYTES, 2))
  const seen = cuts(file).map((bytes) => [0, 1, 2].map((sector) => bytes[sector * SECTOR_BYTES]).join(''))
  expect(seen.sort()).toEqual(['111', '112', '121', '122', '211', '212', '221', '222'])
})

test('a sector is written whole, in any of its versions', () => {
  const file = synced(filled(SECTOR_BYTES, 1))
  file.write(10, filled(10, 2))
  file.write(100, filled(10, 3))
  const seen = cuts(file).map((bytes) => [bytes[10], bytes[100]].join(''))
  expect(seen.sort()).toEqual(['11', '21', '23'])
})

test('a file that has grown reads zeros where a sector was lost, and has any length between', () => {
  const file = synced(filled(100, 1))
  file.write(100, filled(2000, 2))
  const all = cuts(file, 2000)
  const lengths = new Set(all.map((bytes) => bytes.length))
  expect(Math.min(...lengths)).toBe(100)
  expect(Math.max(...lengths)).toBe(2100)
  expect(lengths.size).toBeGreaterThan(100)
  for (const bytes of all) expect([...bytes.subarray(0, 100)].every((byte) => byte === 1)).toBe(true)
  const hasLost = all.some((bytes) => bytes[700] === 0 && bytes[1200] === 2)
  expect(hasLost).toBe(true)
})

test('what was synced is there after every power cut, and what a sync came too early for is not', () => {
  const file = new SimulatedFile()
  file.write(0, filled(600, 1))
  const { moment } = file
  file.write(600, filled(600, 2))
  file.sync(moment)
  const all = cuts(file)
  for (const bytes of all) expect([...bytes.subarray(0, 600)].every((byte) => byte === 1)).toBe(true)
  expect(all.some((bytes) => bytes.length === 600)).toBe(true)
  expect(all.length).toBeGreaterThan(3)
  file.sync(file.moment)
  expect(cuts(file).map((bytes) => bytes.length)).toEqual([1200])
})

test('a cut that was not synced may be undone', () => {
  const file = synced(filled(600, 1))
  file.truncate(10)
  const lengths = cuts(file).map((bytes) => bytes.length)
  expect(Math.min(...lengths)).toBe(10)
  expect(Math.max(...lengths)).toBe(600)
})

test('after a sync that failed another one helps only what was written again', () => {
  const file = synced(filled(2 * SECTOR_BYTES, 1))
  file.write(0, filled(2 * SECTOR_BYTES, 2))
  file.failSync(file.moment)
  file.sync(file.moment)
  expect(cuts(file)).toHaveLength(4)
  // Any byte of a sector makes all of it dirty.
  file.write(0, filled(1, 2))
  file.sync(file.moment)
  const seen = cuts(file).map((bytes) => [bytes[1], bytes[SECTOR_BYTES]].join(''))
  expect(seen.sort()).toEqual(['21', '22'])
})

test('a copy is what a kill leaves: all that was written, and as little of it synced', () => {
  const file = synced(filled(SECTOR_BYTES, 1))
  file.write(0, filled(SECTOR_BYTES, 2))
  const copy = file.copy()
  file.sync(file.moment)
  file.write(0, filled(SECTOR_BYTES, 3))
  expect(copy.bytes[0]).toBe(2)
  expect(cuts(copy).map((bytes) => bytes[0])).toEqual(expect.arrayContaining([1, 2]))
  expect(cuts(copy)).toHaveLength(2)
  copy.sync(copy.moment)
  expect(cuts(copy)).toHaveLength(1)
})
