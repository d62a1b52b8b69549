/** What a directory says of itself: whole or not at all, and refused when it is not ours. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readManifest, shardFolder, writeManifest } from '../../../src/keyspace/durability/manifest.ts'
import { SimulatedDisk } from '../../../src/testkit/index.ts'

const DIR = '/some/where/data'
const FILE = `${DIR}/shardloom.json`
const MANIFEST = { format: 1, directory: 'abc', shards: 4, createdAt: '2026-01-31T12:00:00.000Z' }

async function written(options: ConstructorParameters<typeof SimulatedDisk>[0] = {}): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk(options)
  await disk.makeFolder(DIR)
  void writeManifest(disk, DIR, MANIFEST).catch(() => undefined)
  await new Promise((resolve) => void setImmediate(resolve))
  return disk
}

describe('a manifest', () => {
  test('is read as it was written, also after a power cut that takes new folders', async () => {
    const disk = await written()
    for (let seed = 0; seed < 40; seed++) {
      expect(await readManifest(disk.afterPowerCut(seed), DIR)).toEqual(MANIFEST)
    }
    expect(shardFolder(DIR, 7)).toBe(`${DIR}/shard-0007`)
  })

  test('says which version has made it, which nothing depends on', async () => {
    const disk = await written()
    const text = Buffer.from(disk.contentOf(FILE)!).toString()
    const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))
    expect(JSON.parse(text)).toEqual({
      ...MANIFEST,
      writtenBy: `shardloom ${version}`,
      checksum: expect.stringMatching(/^[0-9a-f]{8}$/),
    })
    disk.putFile(FILE, Buffer.from(JSON.stringify(MANIFEST)))
    expect(await readManifest(disk, DIR)).toEqual(MANIFEST)
  })

  test('is refused when any bit of it is flipped, or says the same', async () => {
    const disk = new SimulatedDisk()
    await disk.makeFolder(DIR)
    const grown = { ...MANIFEST, hashSeed: [1, 4_294_967_295] as const, dealt: 2, isSpreading: true as const }
    await writeManifest(disk, DIR, grown)
    const whole = Buffer.from(disk.contentOf(FILE)!)
    let refused = 0
    for (let bit = 0; bit < 8 * whole.length; bit++) {
      const flipped = Buffer.from(whole)
      flipped[bit >> 3] = flipped[bit >> 3]! ^ (1 << (bit & 7))
      disk.putFile(FILE, flipped)
      const found = await readManifest(disk, DIR).catch((error: { code: string }) => error)
      if ('code' in found!) {
        expect(found.code).toBe('SHL_DIRECTORY_UNKNOWN')
        refused++
      } else expect(found, `bit ${bit}: ${flipped}`).toEqual(grown)
    }
    // What may differ is a space, and the name of the checksum.
    expect(refused).toBeGreaterThan(0.75 * 8 * whole.length)
  })

  test('is there whole or not at all, wherever it was cut off', async () => {
    const calls = (await written()).calls.length
    const seen = new Set<boolean>()
    for (let cut = 1; cut < calls; cut++) {
      const disk = await written({
        onCall: ({ index }) => (index === cut ? { type: 'stop', sizeBytes: 10 } : undefined),
      })
      for (const one of [disk.afterKill(), disk.afterPowerCut(cut), disk.afterPowerCut(cut + 1000)]) {
        await one.makeFolder(DIR)
        const found = await readManifest(one, DIR)
        if (found !== undefined) expect(found).toEqual(MANIFEST)
        seen.add(found === undefined)
        // Whoever comes next writes it over what was left.
        if (found === undefined) await writeManifest(one, DIR, MANIFEST)
        expect(await readManifest(one, DIR)).toEqual(MANIFEST)
      }
    }
    expect(seen.size).toBe(2)
  })

  test.each([
    ['no JSON', '{ "format": 1', 'is no JSON'],
    [
      'of another format',
      JSON.stringify({ ...MANIFEST, format: 2 }),
      'its format is 2, this version reads 1',
    ],
    ['without shards', JSON.stringify({ ...MANIFEST, shards: 'four' }), 'is not whole'],
    ['without a directory', JSON.stringify({ ...MANIFEST, directory: undefined }), 'is not whole'],
    ['empty', '', 'is no JSON'],
    ['null', 'null', 'its format is undefined'],
    ['of no shards', JSON.stringify({ ...MANIFEST, shards: 0 }), 'is not whole'],
  ])('that is %s is refused', async (_, text, reason) => {
    const disk = new SimulatedDisk()
    disk.putFile(FILE, Buffer.from(text))
    await expect(readManifest(disk, DIR)).rejects.toMatchObject({
      code: 'SHL_DIRECTORY_UNKNOWN',
      message: expect.stringContaining(reason),
    })
  })
})
