/** A window on a file: whatever is asked for, in whatever order, is what is in the file. */
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/base/index.ts'
import { FileWindow } from '../../src/storage/file-window.ts'
import { SimulatedDisk } from '../../src/testkit/simulated-disk.ts'

const random = seededRandom(2)
const content = Buffer.from(Array.from({ length: 5000 }, () => random.below(256)))

async function windowOn(windowBytes: number): Promise<{ window: FileWindow; disk: SimulatedDisk }> {
  const disk = new SimulatedDisk()
  disk.putFile('/f', content)
  const file = await disk.open('/f', 'read')
  return { window: new FileWindow(file, await file.size(), windowBytes), disk }
}

test('any range of a file is held, and one that the file ends before is not', async () => {
  for (const windowBytes of [64, 512, 4096, 100_000]) {
    const { window } = await windowOn(windowBytes)
    for (let i = 0; i < 300; i++) {
      const offset = random.below(content.length)
      const count = random.below(1500)
      const isWithin = offset + count <= content.length
      expect(await window.holds(offset, count)).toBe(isWithin)
      if (!isWithin) continue
      expect(window.has(offset, count)).toBe(true)
      const at = offset - window.base
      expect(
        window.area.bytes.subarray(at, at + count).equals(content.subarray(offset, offset + count)),
      ).toBe(true)
    }
  }
})

test('a reader that goes forward reads the file once, but for what lies across an edge', async () => {
  const { window, disk } = await windowOn(1024)
  for (let offset = 0; offset + 50 <= content.length; offset += 50) {
    if (!window.has(offset, 50)) await window.holds(offset, 50)
  }
  const read = disk.calls.filter(({ operation }) => operation === 'read')
  const sum = read.reduce((bytes, { sizeBytes = 0 }) => bytes + sizeBytes, 0)
  expect(read).toHaveLength(5)
  expect(sum).toBeLessThan(content.length + 5 * 50)
})

test('a file that gives less than its size holds nothing there', async () => {
  const disk = new SimulatedDisk()
  disk.putFile('/f', content)
  const file = await disk.open('/f', 'read')
  const window = new FileWindow(file, 6000, 512)
  expect(await window.holds(4900, 200)).toBe(false)
  expect(await window.holds(4900, 100)).toBe(true)
})
