/** What verifying finds in directories of a real keyspace, whole and damaged by hand. */
import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { copyDirectory } from '../../../../src/keyspace/durability/offline/copy-directory.ts'
import { applyRepair } from '../../../../src/keyspace/durability/offline/repair-directory.ts'
import { planRepair } from '../../../../src/keyspace/durability/offline/repair-plan.ts'
import { manifestOf, verifyDirectory } from '../../../../src/keyspace/durability/offline/verify-directory.ts'
import {
  CLOCK,
  CREATED_AT,
  commit,
  concluded,
  craft,
  DIRECTORY,
  DISK,
  decided,
  flip,
  makeReal,
  offsetsIn,
  prepared,
  recordsIn,
  segmentPath,
  walk,
} from './crafted-directory.ts'

const folder = mkdtempSync(join(tmpdir(), 'shardloom-verify-'))
const real = join(folder, 'real')
let made = 0

beforeAll(() => makeReal(real))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function copyOf(dir: string): string {
  const copy = join(folder, `copy${++made}`)
  cpSync(dir, copy, { recursive: true, filter: (path) => !path.endsWith('lock') })
  return copy
}

const verify = (dir: string) => verifyDirectory(DISK, dir)

describe('a directory of a real keyspace', () => {
  test('is fine, and what is in it is counted', async () => {
    const totals: [number, number][] = []
    const report = await verifyDirectory(DISK, real, (done, total) => void totals.push([done, total]))
    expect(report.verdict).toBe('fine')
    expect(totals.at(-1)?.[0]).toBe(totals.at(-1)?.[1])
    const count = (kind: string): number =>
      report.shards.reduce((sum, { records }) => sum + (records[kind] ?? 0), 0)
    // The hash, and the keys that were there at the snapshot.
    expect(report.shards.reduce((sum, { snapshot }) => sum + (snapshot?.keys ?? 0), 0)).toBe(25 + 1 + 3)
    expect(count('state')).toBe(29)
    // 40 rounds of two, and the locks of two snapshots; eight transactions, each with parts in both shards.
    expect(count('commit')).toBe(82)
    expect([count('prepared'), count('concluded')]).toEqual([16, 16])
    expect(count('decided')).toBeGreaterThanOrEqual(8)
    for (const { first, last, inDoubt, tail, damages } of report.shards) {
      expect(first?.revision).toBeLessThan(last?.revision as number)
      expect([inDoubt, tail, damages]).toEqual([{ decided: 0, forgotten: 0 }, undefined, []])
    }
  })

  test('has a tail when it was cut within its last records, or goes on with something else', async () => {
    const dir = copyOf(real)
    const path = segmentPath(dir, 0, 2)
    const offsets = await offsetsIn(path)
    const end = statSync(path).size
    const whole = readFileSync(path)
    for (const at of [offsets.at(-1) as number, offsets.at(-3) as number]) {
      for (const size of [at + 1, at + 31, at + 33]) {
        writeFileSync(path, whole)
        truncateSync(path, size)
        const { verdict, shards } = await verify(dir)
        expect([verdict, shards[0]?.tail]).toMatchObject(['tail', { path, offset: at, lostBytes: size - at }])
      }
    }
    writeFileSync(path, whole)
    appendFileSync(path, 'what was being written')
    expect((await verify(dir)).shards[0]?.tail).toMatchObject({ offset: end, lostBytes: 22 })
  })

  test('is damaged, with file and offset, wherever a bit was flipped in the middle', async () => {
    const dir = copyOf(real)
    const path = segmentPath(dir, 1, 2)
    const offsets = await offsetsIn(path)
    for (const [i, offset] of offsets.slice(1, -3).entries()) {
      const at = offset + ((i * 7) % ((offsets[i + 2] as number) - offset))
      flip(path, at, i % 8)
      const { verdict, shards } = await verify(dir)
      flip(path, at, i % 8)
      // A record that only tells of a sync may stand before the next one: then that is the place.
      const found = shards[1]?.damages[0]
      expect([verdict, found?.file]).toEqual(['damage', path])
      expect(found?.offset).toBeGreaterThanOrEqual(offset)
      expect(found?.offset).toBeLessThanOrEqual(at)
    }
    expect((await verify(dir)).verdict).toBe('fine')
  })
})

describe('every bit of a small directory', () => {
  test('is proven: no flip is fine', { timeout: 60_000 }, async () => {
    const steps = [
      commit(1, 'a'),
      prepared(2, 'b'),
      decided(2),
      concluded(2),
      ...walk(3, ['a', 'b']),
      commit(4, 'c'),
    ]
    const dir = await craft(join(folder, 'small'), [steps])
    const stride = process.env['SHL_SOAK'] ? 1 : 43
    for (const number of [1, 2]) {
      const path = segmentPath(dir, 0, number)
      for (let bit = number; bit < 8 * statSync(path).size; bit += stride) {
        flip(path, bit >> 3, bit & 7)
        const { verdict } = await verify(dir)
        flip(path, bit >> 3, bit & 7)
        expect(verdict, `segment ${number}, bit ${bit}`).not.toBe('fine')
        // What was synced, and is not at the end, is never taken for a tail.
        if (number === 1) expect(verdict, `segment ${number}, bit ${bit}`).toBe('damage')
      }
    }
    expect((await verify(dir)).verdict).toBe('fine')
  })
})

describe('damage of files', () => {
  const steps = [commit(1, 'a'), 'segment', commit(2, 'b'), 'segment', commit(3, 'c')] as const
  const damagesOf = async (dir: string) => {
    const { verdict, shards } = await verify(dir)
    return [
      verdict,
      ...shards.flatMap(({ damages }) =>
        damages.map(({ file, reason }) => [file.slice(dir.length + 1), reason]),
      ),
    ]
  }

  test('a segment in the middle is missing', async () => {
    const dir = await craft(join(folder, 'gap'), [steps])
    rmSync(segmentPath(dir, 0, 2))
    const file = 'shard-0000/00000003.log'
    expect(await damagesOf(dir)).toEqual(['damage', [file, 'the segment before it, number 2, is missing']])
  })

  test('the first one is missing, and no snapshot takes its place', async () => {
    const dir = await craft(join(folder, 'head'), [steps])
    rmSync(segmentPath(dir, 0, 1))
    const reason = 'the segments before it are gone, and no whole snapshot is behind it'
    expect(await damagesOf(dir)).toEqual(['damage', ['shard-0000/00000002.log', reason]])
  })

  test('two segments are swapped', async () => {
    const dir = await craft(join(folder, 'swap'), [steps])
    const [one, two] = [segmentPath(dir, 0, 1), segmentPath(dir, 0, 2)]
    renameSync(one, `${one}.x`)
    renameSync(two, one)
    renameSync(`${one}.x`, two)
    const [verdict, first, second] = await damagesOf(dir)
    expect([verdict, first?.[0], second?.[0]]).toEqual([
      'damage',
      'shard-0000/00000001.log',
      'shard-0000/00000002.log',
    ])
    expect(first?.[1]).toContain('segment=2, wanted ')
  })

  test('the log of a shard is missing, or all of them', async () => {
    const dir = await craft(join(folder, 'none'), [steps, steps])
    rmSync(join(dir, 'shard-0001'), { recursive: true })
    const missing = (shard: string): string[] => [shard, 'the log is missing']
    expect(await damagesOf(dir)).toEqual(['damage', missing('shard-0001')])
    rmSync(join(dir, 'shard-0000'), { recursive: true })
    expect(await damagesOf(dir)).toEqual(['damage', missing('shard-0000'), missing('shard-0001')])
    // Nobody begins anew without being told.
    const manifest = { format: 1, directory: DIRECTORY, shards: 2, createdAt: CREATED_AT }
    await expect(planRepair(DISK, dir, manifest, undefined)).rejects.toMatchObject({
      code: 'SHL_REPAIR_HOPELESS',
      details: { reason: 'the log is missing' },
    })
    await expect(
      copyDirectory(dir, join(folder, 'copy'), { disk: DISK, clock: CLOCK }),
    ).rejects.toMatchObject({ code: 'SHL_LOG_DAMAGED', details: { reason: 'the log is missing' } })
  })

  test('the manifest is missing, broken, or of another version', async () => {
    const dir = await craft(join(folder, 'manifest'), [steps])
    const path = join(dir, 'shardloom.json')
    const text = readFileSync(path, 'utf8')
    const refusal = async (): Promise<string> =>
      await verify(dir).then(String, ({ code, message }) => `${code} ${message}`)
    writeFileSync(path, text.replace('"format": 1', '"format": 2'))
    expect(await refusal()).toMatch(/^SHL_DIRECTORY_UNKNOWN .*its format is 2/)
    writeFileSync(path, text.slice(0, 20))
    expect(await refusal()).toMatch(/^SHL_DIRECTORY_UNKNOWN .*is no JSON/)
    rmSync(path)
    expect(await refusal()).toMatch(/^SHL_DIRECTORY_UNKNOWN .*it has no shardloom.json/)
    await expect(verify(join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'SHL_DIRECTORY_UNKNOWN' })
  })
})

describe('transactions in doubt', () => {
  test('are damage when another shard has concluded one, and no decision is left', async () => {
    const dir = await craft(join(folder, 'torn'), [[prepared(1, 'a'), concluded(1)], [prepared(1, 'b')]])
    const { verdict, shards } = await verify(dir)
    expect([verdict, shards[0]?.damages, shards[1]?.damages]).toMatchObject([
      'damage',
      [],
      [{ reason: 'another shard has concluded transaction 1, and its decision is missing' }],
    ])
    const manifest = await manifestOf(DISK, dir)
    const plan = await planRepair(DISK, dir, manifest, undefined)
    expect(plan).toMatchObject({ shards: [], decisions: { revisions: [1] } })
    await applyRepair(DISK, CLOCK, plan)
    expect((await verify(dir)).verdict).toBe('fine')
    expect((await recordsIn(dir, 2)).map((records) => records.join(' '))).toEqual(['1:p1 1:e1 1:d1', '1:p1'])
  })

  test('are told apart by whether some shard has decided them', async () => {
    const dir = await craft(join(folder, 'doubt'), [
      [prepared(1, 'a'), prepared(2, 'a'), decided(1), concluded(1)],
      [prepared(1, 'b'), prepared(2, 'b')],
    ])
    const { verdict, shards } = await verify(dir)
    expect(verdict).toBe('fine')
    expect(shards.map(({ inDoubt }) => inDoubt)).toEqual([
      { decided: 0, forgotten: 1 },
      { decided: 1, forgotten: 1 },
    ])
  })
})
