/**
 * A copy that is made while the keyspace is written to: transactions over shards are whole in it, and an
 * effect is never there without its cause.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createRuntime } from '../../../../dist/src/index.js'
import { systemClock } from '../../../../src/base/index.ts'
import { copyDirectory } from '../../../../src/keyspace/durability/offline/copy-directory.ts'
import { systemDisk } from '../../../../src/storage/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'shardloom-copy-'))
const SHARDS = 3
const ROUNDS = process.env['SHL_SOAK'] ? 30 : 3
const KEYS = Array.from({ length: 8 }, (_, i) => `k${i}`)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

type Runtime = Awaited<ReturnType<typeof createRuntime>>

async function open(dir: string): Promise<Runtime> {
  // Small segments, and snapshots all the time: what a copy has to live with.
  const keyspace = { shards: SHARDS, dir, logSegmentBytes: 64 * 1024, snapshotBytes: 64 * 1024 }
  return await createRuntime({ threads: 2, keyspace })
}

test('a copy under load is the keyspace at one revision', { timeout: 600_000 }, async () => {
  const dir = join(folder, 'data')
  const runtime = await open(dir)
  const { keyspace } = runtime
  let isOver = false
  let stamp = 0
  const transactions = async (): Promise<void> => {
    while (!isOver) {
      const text = String(++stamp)
      await keyspace.mset(Object.fromEntries(KEYS.map((key) => [`tx:${key}`, text])))
    }
  }
  // Each key is written when the one before it was acknowledged: no copy may have a later one further.
  const chain = async (id: number): Promise<void> => {
    for (let i = 1; !isOver; i++) for (const key of KEYS) await keyspace.set(`chain${id}:${key}`, String(i))
  }
  const filler = async (): Promise<void> => {
    for (let i = 0; !isOver; i++) await keyspace.set(`fill:${i % 50}`, `${i}`.padEnd(500, '.'))
  }
  const load = [transactions(), transactions(), chain(0), chain(1), chain(2), filler()]
  while (stamp < 8) await keyspace.get('a')
  const options = { disk: systemDisk(), clock: systemClock() }
  const seen: { stamps: number; attempts: number }[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const to = join(folder, `copy-${round}`)
    const { attempts } = await copyDirectory(dir, to, options)
    const copy = await open(to)
    const stamps = await copy.keyspace.mget(KEYS.map((key) => `tx:${key}`))
    expect(new Set(stamps).size, `transactions are whole: ${stamps.join()}`).toBe(1)
    for (let id = 0; id < 3; id++) {
      const steps = (await copy.keyspace.mget(KEYS.map((key) => `chain${id}:${key}`))).map((step) =>
        Number(step ?? 0),
      )
      const sorted = [...steps].sort((a, b) => b - a)
      expect(steps, 'no effect without its cause').toEqual(sorted)
      expect((steps[0] as number) - (steps.at(-1) as number)).toBeLessThanOrEqual(1)
    }
    seen.push({ stamps: Number(stamps[0]), attempts })
    await copy.close()
  }
  isOver = true
  await Promise.all(load)
  await runtime.close()
  for (const [i, { stamps }] of seen.entries()) expect(stamps).toBeGreaterThan(seen[i - 1]?.stamps ?? 0)
})
