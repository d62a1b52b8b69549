/** `shardloom verify` on directories of a real keyspace: text, JSON, exit codes. */
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  flip,
  makeReal,
  offsetsIn,
  openKeyspace,
  segmentPath,
} from '../../keyspace/durability/offline/crafted-directory.ts'
import { run } from './captured-output.ts'

const folder = mkdtempSync(join(tmpdir(), 'shardloom-verify-command-'))
const dir = join(folder, 'data')

beforeAll(() => makeReal(dir))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('what is fine is told with figures, and ends with 0', async () => {
  const { code, out, err } = await run(['verify', dir])
  expect([code, err]).toEqual([0, ''])
  expect(out).toMatch(/data: format 1, 2 shards, made 20/)
  expect(out).toMatch(
    /\nshard 1\n {2}files {5}1 segment, \d+\.\d KiB\n {2}records {3}1 segment, .*\d+ commit/,
  )
  expect(out).toMatch(/\n {2}snapshot {2}\d+ keys, revision \d+, 20/)
  expect(out).toMatch(/\nfine: every record is as it was written\n$/)
})

test('a bar goes to a terminal only', async () => {
  const { out, err } = await run(['verify', dir], { isTerminal: true })
  const [nothing, ...bars] = err.split('\r\x1b[K')
  expect([nothing, bars.pop()]).toEqual(['', ''])
  expect(bars.length).toBeGreaterThan(0)
  for (const bar of bars) expect(bar).toMatch(/^verifying [█░]{30} \d+ %$/)
  expect(out).not.toContain('\x1b')
})

test('--json tells the same, and the exit codes tell tails and damage apart', async () => {
  const json = async () => {
    const { code, out } = await run(['verify', dir, '--json'])
    return { code, report: JSON.parse(out) }
  }
  expect(await json()).toMatchObject({
    code: 0,
    report: { verdict: 'fine', shards: [{ shard: 0 }, { shard: 1 }] },
  })
  const path = segmentPath(dir, 1, 2)
  const whole = readFileSync(path)
  const last = (await offsetsIn(path)).at(-1) as number
  truncateSync(path, last + 9)
  expect(await json()).toMatchObject({
    code: 1,
    report: { verdict: 'tail', shards: [{}, { tail: { path, offset: last, lostBytes: 9 } }] },
  })
  writeFileSync(path, whole)
  flip(path, 400)
  expect(await json()).toMatchObject({
    code: 2,
    report: { verdict: 'damage', shards: [{}, { damages: [{ file: path }] }] },
  })
  writeFileSync(path, whole)
})

test('it may be asked while the owner writes', async () => {
  const runtime = await openKeyspace(dir)
  let isOver = false
  const load = (async () => {
    for (let i = 0; !isOver; i++) await runtime.keyspace.set(`live:${i % 9}`, 'x'.repeat(200))
  })()
  for (let i = 0; i < 5; i++) expect([0, 1]).toContain((await run(['verify', dir])).code)
  isOver = true
  await load
  await runtime.close()
  expect((await run(['verify', dir])).code).toBe(0)
})
