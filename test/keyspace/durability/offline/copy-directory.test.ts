/** Copies of real directories: what they hold, and when none is made. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { copyDirectory } from '../../../../src/keyspace/durability/offline/copy-directory.ts'
import { verifyDirectory } from '../../../../src/keyspace/durability/offline/verify-directory.ts'
import { lockDirectory } from '../../../../src/storage/index.ts'
import {
  CLOCK,
  contentOf,
  DISK,
  filesIn,
  flip,
  makeReal,
  openKeyspace,
  segmentPath,
} from './crafted-directory.ts'

const folder = mkdtempSync(join(tmpdir(), 'shardloom-copies-'))
const real = join(folder, 'real')
const options = { disk: DISK, clock: CLOCK }

beforeAll(() => makeReal(real))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const idOf = (dir: string): string => JSON.parse(readFileSync(join(dir, 'shardloom.json'), 'utf8')).directory

test('a copy holds the same, and is a directory of its own', async () => {
  const before = filesIn(real)
  const to = join(folder, 'same')
  const { manifest, shards, attempts } = await copyDirectory(real, to, options)
  expect(filesIn(real), 'what is copied is not touched').toEqual(before)
  expect(attempts).toBe(1)
  expect(manifest.copyOf).toMatchObject({ directory: idOf(real), revision: expect.any(Number) })
  expect(idOf(to)).toBe(manifest.directory)
  expect(manifest.directory).not.toBe(idOf(real))
  expect(shards.every(({ records }) => records > 40)).toBe(true)
  expect(await contentOf(to)).toEqual(await contentOf(real))
})

test('a copy of a copy is the same again, and files of one are refused by the other', async () => {
  const [one, two] = [join(folder, 'one'), join(folder, 'two')]
  await copyDirectory(real, one, options)
  await copyDirectory(one, two, options)
  const { verdict, shards } = await verifyDirectory(DISK, two)
  expect([verdict, shards.map(({ records }) => records)]).toEqual([
    'fine',
    (await verifyDirectory(DISK, one)).shards.map(({ records }) => records),
  ])
  writeFileSync(segmentPath(two, 0, 2), readFileSync(segmentPath(one, 0, 2)))
  await expect(openKeyspace(two)).rejects.toMatchObject({ code: 'SHL_LOG_FOREIGN' })
})

test('a restore goes back to any revision since the snapshot, to a state that was there', async () => {
  const dir = join(folder, 'states')
  const runtime = await openKeyspace(dir)
  const { keyspace } = runtime
  await keyspace.set('count', '0')
  await keyspace.snapshot()
  for (let i = 1; i <= 20; i++) {
    await keyspace.mset({ 'tx:a': `${i}`, 'tx:b': `${i}`, 'tx:c': `${i}` })
    await keyspace.incrBy('count', 1)
  }
  await runtime.close()
  const { shards } = await verifyDirectory(DISK, dir)
  const first = Math.max(...shards.map(({ snapshot }) => snapshot?.revision ?? 0))
  const last = Math.max(...shards.map((shard) => shard.last?.revision ?? 0))
  const seen: string[] = []
  for (let revision = first; revision <= last; revision += Math.ceil((last - first) / 3)) {
    const to = join(folder, `at${revision}`)
    await copyDirectory(dir, to, { ...options, cut: { toRevision: revision } })
    const content = await contentOf(to)
    const stamps = ['tx:a', 'tx:b', 'tx:c'].map((key) => Number(content[key] ?? 0))
    expect(new Set(stamps).size).toBe(1)
    const behind = (stamps[0] as number) - Number(content['count'])
    expect([0, 1], 'the count follows its transaction').toContain(behind)
    seen.push(`${stamps[0]}`)
  }
  expect(new Set(seen).size).toBeGreaterThan(2)
  await expect(
    copyDirectory(dir, join(folder, 'early'), { ...options, cut: { toRevision: first - 1 } }),
  ).rejects.toMatchObject({ code: 'SHL_COPY_TOO_OLD' })
  expect(readdirSync(folder)).not.toContain('early')
})

test('a copy goes nowhere but into an empty folder that nobody has', async () => {
  const to = join(folder, 'taken')
  mkdirSync(to)
  writeFileSync(join(to, 'notes.txt'), '')
  await expect(copyDirectory(real, to, options)).rejects.toMatchObject({
    code: 'SHL_COPY_TARGET',
    details: { to, found: 'notes.txt' },
  })
  await expect(copyDirectory(real, join(to, 'notes.txt'), options)).rejects.toMatchObject({
    code: 'SHL_COPY_TARGET',
  })
  const held = join(folder, 'held')
  const lock = await lockDirectory(held)
  await expect(copyDirectory(real, held, options)).rejects.toMatchObject({ code: 'SHL_DIRECTORY_IN_USE' })
  await lock.release()
  await copyDirectory(real, held, options)
})

test('of a damaged directory no copy is made', async () => {
  const [bad, to] = [join(folder, 'bad'), join(folder, 'never')]
  await copyDirectory(real, bad, options)
  flip(segmentPath(bad, 1, 2), 300)
  await expect(copyDirectory(bad, to, options)).rejects.toMatchObject({ code: 'SHL_LOG_DAMAGED' })
  expect(readdirSync(folder)).not.toContain('never')
})

test('a copy that was not written whole has no manifest', async () => {
  const to = join(folder, 'torn')
  let writes = 0
  const open: typeof DISK.open = async (path, mode) => {
    const file = await DISK.open(path, mode)
    const write: typeof file.write = async (position, bytes) => {
      if (path.includes('shard-0001') && ++writes > 2)
        throw Object.assign(new Error('no room'), { code: 'EIO' })
      return await file.write(position, bytes)
    }
    return { ...file, write }
  }
  await expect(copyDirectory(real, to, { ...options, disk: { ...DISK, open } })).rejects.toMatchObject({
    code: 'SHL_LOG_FAILED',
  })
  expect(readdirSync(to)).not.toContain('shardloom.json')
})

test('a copy that does not read as it was written is refused', async () => {
  const to = join(folder, 'lies')
  // A disk that loses the end of a file without a word.
  const open: typeof DISK.open = async (path, mode) => {
    const file = await DISK.open(path, mode)
    const isCopy = path.startsWith(to) && mode === 'read' && path.includes('shard-0000')
    const size = async (): Promise<number> => (await file.size()) - (isCopy ? 200 : 0)
    return { ...file, size }
  }
  await expect(copyDirectory(real, to, { ...options, disk: { ...DISK, open } })).rejects.toMatchObject({
    code: 'SHL_LOG_DAMAGED',
  })
  expect(readdirSync(to)).not.toContain('shardloom.json')
})
