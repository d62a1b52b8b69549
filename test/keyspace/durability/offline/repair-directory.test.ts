/** Real directories, damaged anywhere and repaired: they open, and transactions are whole in them. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { seededRandom } from '../../../../src/base/index.ts'
import { applyRepair } from '../../../../src/keyspace/durability/offline/repair-directory.ts'
import { planRepair } from '../../../../src/keyspace/durability/offline/repair-plan.ts'
import { manifestOf, verifyDirectory } from '../../../../src/keyspace/durability/offline/verify-directory.ts'
import {
  CLOCK,
  commit,
  concluded,
  contentOf,
  craft,
  DISK,
  decided,
  filesIn,
  flip,
  makeReal,
  offsetsIn,
  prepared,
  segmentPath,
} from './crafted-directory.ts'

const folder = mkdtempSync(join(tmpdir(), 'shardloom-repair-'))
const real = join(folder, 'real')
const RUNS = process.env['SHL_SOAK'] ? 200 : 3

beforeAll(() => makeReal(real))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function copyOf(name: string): string {
  const dir = join(folder, name)
  cpSync(real, dir, { recursive: true, filter: (path) => basename(path) !== 'lock' })
  return dir
}

/** Flips a bit of a record that is not among the last ones. */
async function damage(dir: string, seed: number): Promise<{ path: string; offset: number }> {
  const random = seededRandom(seed)
  const path = segmentPath(dir, random.below(2), 2)
  const offsets = await offsetsIn(path)
  // Behind the snapshot and its end, so that something of it can be kept.
  const first = offsets.findIndex((_, i) => i > 30)
  const offset = offsets[first + random.below(offsets.length - first - 6)] as number
  flip(path, offset + random.below(40), random.below(8))
  return { path, offset }
}

test('wherever a log is damaged, what is left opens, and has transactions whole', {
  timeout: 120_000,
}, async () => {
  const whole = await contentOf(real)
  for (let seed = 1; seed <= RUNS; seed++) {
    const dir = copyOf(`run${seed}`)
    const { path } = await damage(dir, seed)
    const before = readFileSync(path)
    const plan = await planRepair(DISK, dir, await manifestOf(DISK, dir), undefined)
    expect(plan.shards.map(({ kind }) => kind)).toContain('cut')
    const attic = await applyRepair(DISK, CLOCK, plan)
    // The damaged file is kept as it was, and what stays is its beginning.
    const away = readFileSync(join(attic, basename(join(path, '..')), basename(path)))
    expect(away.equals(before), `seed ${seed}`).toBe(true)
    expect((await verifyDirectory(DISK, dir)).verdict).toBe('fine')
    const left = await contentOf(dir)
    const stamps = ['all:a', 'all:b', 'all:c'].map((key) => left[key])
    expect(new Set(stamps).size, `seed ${seed}: ${stamps.join()}`).toBe(1)
    for (const key of Object.keys(left)) expect(whole).toHaveProperty(key)
  }
})

test('a transaction that is decided again is there when the directory is opened', async () => {
  // Shard 0 owns `b` and shard 1 `a`. The decision is lost, and shard 1 has concluded.
  const dir = await craft(join(folder, 'again'), [
    [prepared(2, 'b', 'two'), decided(2), concluded(2), commit(4, 'b', 'four')],
    [prepared(2, 'a', 'two'), concluded(2), commit(3, 'a', 'three')],
  ])
  const path = segmentPath(dir, 0, 1)
  flip(path, ((await offsetsIn(path))[2] as number) + 9)
  const plan = await planRepair(DISK, dir, await manifestOf(DISK, dir), undefined)
  await applyRepair(DISK, CLOCK, plan)
  expect(await contentOf(dir)).toEqual({ a: 'three', b: 'two' })
})

test('what is fine is not touched', async () => {
  const dir = copyOf('untouched')
  const { path } = await damage(dir, 3)
  const sizes = filesIn(dir)
  const manifest = await manifestOf(DISK, dir)
  const plan = await planRepair(DISK, dir, manifest, undefined)
  expect(filesIn(dir), 'a plan changes nothing').toEqual(sizes)
  const before = readFileSync(path)
  await applyRepair(DISK, CLOCK, plan)
  const cut = plan.shards.find((repair) => repair.damage !== undefined)?.cut
  expect(readFileSync(path).subarray(0, cut?.offset).equals(before.subarray(0, cut?.offset))).toBe(true)
  expect(readdirSync(dir).filter((name) => name.startsWith('damaged-'))).toHaveLength(1)
  expect((await planRepair(DISK, dir, manifest, undefined)).shards).toEqual([])
})

test('a repair that is stopped at any call can be begun again', async () => {
  for (let call = 1; ; call++) {
    const dir = copyOf(`stop${call}`)
    await damage(dir, 5)
    const manifest = await manifestOf(DISK, dir)
    const plan = await planRepair(DISK, dir, manifest, undefined)
    let left = call
    const stopping =
      (name: 'rename' | 'syncFolder' | 'open') =>
      async (...args: never[]) => {
        if (left-- === 0) throw Object.assign(new Error('stopped'), { code: 'EIO' })
        return await (DISK[name] as (...args: never[]) => Promise<never>)(...args)
      }
    const disk = {
      ...DISK,
      rename: stopping('rename'),
      syncFolder: stopping('syncFolder'),
      open: stopping('open'),
    }
    const isDone = await applyRepair(disk, CLOCK, plan).then(
      () => true,
      () => false,
    )
    const again = await planRepair(DISK, dir, manifest, undefined)
    // Cut already, perhaps, and a decision that went with it is not written again yet.
    if (again.shards.length + again.decisions.revisions.length > 0)
      await applyRepair(DISK, { ...CLOCK, wallMs: () => CLOCK.wallMs() + 1000 }, again)
    expect((await verifyDirectory(DISK, dir)).verdict, `call ${call}`).toBe('fine')
    rmSync(dir, { recursive: true })
    if (isDone) break
    expect(call).toBeLessThan(100)
  }
})
