/** `shardloom repair` on directories of a real keyspace: it tells, asks, and does what it told. */
import { copyFileSync, cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { lockDirectory } from '../../../src/storage/index.ts'
import {
  contentOf,
  filesIn,
  flip,
  makeReal,
  offsetsIn,
  segmentPath,
} from '../../keyspace/durability/offline/crafted-directory.ts'
import { run } from './captured-output.ts'

const folder = mkdtempSync(join(tmpdir(), 'shardloom-repair-command-'))
const real = join(folder, 'real')
let made = 0

beforeAll(() => makeReal(real))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function damaged(...shards: number[]): Promise<string> {
  const dir = join(folder, `dir${++made}`)
  cpSync(real, dir, { recursive: true, filter: (path) => basename(path) !== 'lock' })
  for (const shard of shards) {
    const path = segmentPath(dir, shard, 2)
    flip(path, ((await offsetsIn(path)).at(-12) as number) + 35)
  }
  return dir
}

test('nothing is changed unless somebody agrees', async () => {
  const dir = await damaged(0)
  const before = filesIn(dir)
  for (const answer of [undefined, '', 'y', 'yes', 'REPAIR']) {
    const { code, out, err } = await run(['repair', dir], answer === undefined ? {} : { answer })
    expect([answer, code]).toEqual([answer, 1])
    expect(out).toMatch(/\nshard 0: .*00000002\.log, offset \d+: the checksum of a record is wrong\n/)
    expect(err).toContain('nothing was changed')
    expect(filesIn(dir)).toEqual(before)
  }
})

test('what was told is done, and the directory opens', async () => {
  const dir = await damaged(1)
  const { code, out } = await run(['repair', dir], { answer: ' repair ' })
  expect(code).toBe(0)
  expect(out).toMatch(/\n {2}lost: \d+ commits? that can be read, in \d/)
  expect(out).toMatch(/\nrepaired; what was damaged or cut is in .*damaged-20/)
  expect((await run(['verify', dir])).code).toBe(0)
  const { 'all:a': a, 'all:b': b, 'all:c': c } = await contentOf(dir)
  expect([b, c]).toEqual([a, a])
  expect(await run(['repair', dir, '--yes'])).toMatchObject({
    code: 0,
    err: '',
    out: expect.stringContaining('no damage'),
  })
})

test('--shard repairs one, and leaves the damage of others', async () => {
  const dir = await damaged(0, 1)
  expect((await run(['repair', dir, '--shard', '2', '--yes'])).err).toContain('has shards 0..1')
  expect((await run(['repair', dir, '--shard', '0', '--yes'])).code).toBe(0)
  const { out } = await run(['verify', dir, '--json'])
  const [first, second] = JSON.parse(out).shards
  expect(first.damages).toEqual([])
  // It may be gone with what a transaction took away there; it is never repaired in silence.
  const { code } = await run(['verify', dir])
  expect(code).toBe(second.damages.length > 0 ? 2 : 0)
  expect((await run(['repair', dir, '--yes'])).code).toBe(0)
  expect((await run(['verify', dir])).code).toBe(0)
})

test('a directory that somebody has open is left alone', async () => {
  const dir = await damaged(0)
  const lock = await lockDirectory(dir)
  const { code, err } = await run(['repair', dir, '--yes'])
  await lock.release()
  expect(code).toBe(2)
  expect(err).toMatch(/^shardloom: .*directory is in use: .*pid=\d+/)
  expect((await run(['repair', dir, '--yes'])).code).toBe(0)
})

test('what cannot be repaired is told, and nothing is changed', async () => {
  const dir = await damaged()
  // The snapshot that stands for all that is gone.
  flip(segmentPath(dir, 0, 2), 300)
  const before = filesIn(dir)
  const { code, err } = await run(['repair', dir, '--yes'])
  expect([code, filesIn(dir)]).toEqual([2, before])
  expect(err).toMatch(
    /log cannot be repaired: .*offset=\d+: .*no whole snapshot would be left; restore a backup/,
  )
})

test('a copy of a segment that is put away is said to be no loss', async () => {
  const dir = await damaged()
  copyFileSync(segmentPath(dir, 0, 2), segmentPath(dir, 0, 3))
  const { code, out } = await run(['repair', dir, '--yes', '--shard', '0'])
  expect(code).toBe(0)
  expect(out).toContain('\n  lost: nothing: what goes is of elsewhere, or a copy of what stays\n')
})
