/**
 * The disk of the machine, on real files: it does what the interface says, in the same words as the simulated
 * one, on which everything else is tested; and a log on it does what it does there.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { type Disk, systemClock } from '../../src/base/index.ts'
import { examineLog, KIND_COMMIT, LogWriter, systemDisk } from '../../src/storage/index.ts'
import { SimulatedDisk } from '../../src/testkit/simulated-disk.ts'
import { rejection } from '../support/runtime.ts'

const root = mkdtempSync(join(tmpdir(), 'shardloom-disk-'))
const isWindows = process.platform === 'win32'
let folder = ''
let runs = 0

beforeEach(() => {
  folder = join(root, String(runs++))
  mkdirSync(folder)
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** Runs on either disk: what it returns must not differ. */
type Script = (disk: Disk, folder: string) => Promise<unknown>

const bytesOf = (text: string): Buffer => Buffer.from(text)

async function put(disk: Disk, path: string, text: string): Promise<void> {
  const file = await disk.open(path, 'create')
  await file.write(0, bytesOf(text))
  await file.close()
}

async function textOf(disk: Disk, path: string): Promise<string> {
  const file = await disk.open(path, 'read')
  const bytes = Buffer.alloc(await file.size())
  await file.read(0, bytes)
  await file.close()
  return bytes.toString()
}

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return (await rejection(promise))['code']
}

const scripts: Record<string, Script> = {
  'files are written and read anywhere, and say how much': async (disk, dir) => {
    const file = await disk.open(join(dir, 'a'), 'create')
    const said: unknown[] = [await file.size(), await file.write(3, bytesOf('abc')), await file.size()]
    const into = Buffer.alloc(10, 'x')
    said.push(await file.read(1, into), into.toString(), await file.read(6, into), await file.read(99, into))
    said.push(await file.write(1, bytesOf('Z')), await file.sync(), await file.close())
    return [...said, await textOf(disk, join(dir, 'a'))]
  },
  'files are cut, and made longer by zeros': async (disk, dir) => {
    const file = await disk.open(join(dir, 'a'), 'create')
    await file.write(0, bytesOf('hello'))
    await file.truncate(2)
    await file.truncate(4)
    await file.close()
    return await textOf(disk, join(dir, 'a'))
  },
  'what is opened for writing is there, and keeps what is in it': async (disk, dir) => {
    await put(disk, join(dir, 'a'), 'hello')
    const file = await disk.open(join(dir, 'a'), 'write')
    await file.write(0, bytesOf('J'))
    const into = Buffer.alloc(5)
    await file.read(0, into)
    await file.close()
    return into.toString()
  },
  'files are renamed, also over others, listed and removed': async (disk, dir) => {
    await put(disk, join(dir, 'a'), 'a')
    await put(disk, join(dir, 'b'), 'b')
    await disk.rename(join(dir, 'a'), join(dir, 'b'))
    await disk.makeFolder(join(dir, 'deep', 'er'))
    await disk.makeFolder(join(dir, 'deep', 'er'))
    const names = (await disk.list(dir)).sort()
    const text = await textOf(disk, join(dir, 'b'))
    await disk.remove(join(dir, 'b'))
    await disk.syncFolder(dir)
    return [names, text, await disk.list(dir), await disk.list(join(dir, 'deep', 'er'))]
  },
  'errors have their codes': async (disk, dir) => {
    const file = await disk.open(join(dir, 'a'), 'create')
    await file.close()
    const readable = await disk.open(join(dir, 'a'), 'read')
    const refused = await codeOf(readable.write(0, bytesOf('x')))
    await readable.close()
    return [
      refused,
      await codeOf(disk.open(join(dir, 'a'), 'create')),
      await codeOf(disk.open(join(dir, 'none'), 'read')),
      await codeOf(disk.open(join(dir, 'none'), 'write')),
      await codeOf(disk.list(join(dir, 'none'))),
      await codeOf(disk.remove(join(dir, 'none'))),
      await codeOf(disk.rename(join(dir, 'none'), join(dir, 'b'))),
      await codeOf(file.write(0, bytesOf('x'))),
    ]
  },
  'a log is written, cut, and read': async (disk, dir) => {
    const owner = { directory: 'f00d', shard: 0 }
    const how = { segmentBytes: 3000, syncEveryMs: 1, reserveBytes: 200_000 }
    const options = { disk, clock: systemClock(), folder: dir, ...owner, ...how }
    const log = await LogWriter.open(options, await examineLog(disk, dir, owner, () => undefined))
    for (let revision = 1; revision <= 100; revision++) {
      log.begin().raw(Buffer.alloc(revision * 3, revision))
      log.append({ kind: KIND_COMMIT, revision, atMs: 1, participants: [] })
      if (revision % 10 === 0) await log.reached(revision % 20 === 0 ? 'fsync' : 'os', log.appended)
    }
    const removed = await log.removeBefore(2)
    await log.close()
    const revisions: number[] = []
    const seen = await examineLog(disk, dir, owner, (record) => {
      const isWhole = record.payload.every((byte) => byte === record.revision)
      if (record.kind === KIND_COMMIT && isWhole) revisions.push(record.revision)
    })
    return [
      removed,
      seen.segments.length > 3,
      seen.tail,
      revisions,
      (await disk.list(dir)).includes('reserve'),
    ]
  },
}

describe.each(Object.entries(scripts))('%s', (_, script) => {
  test('on a real disk as on a simulated one', async () => {
    const simulated = new SimulatedDisk()
    simulated.putFolder('/dir')
    const expected = await script(simulated, '/dir')
    expect(await script(systemDisk(), folder)).toEqual(expected)
  })
})

test('a folder that cannot be made is refused at once, also where nothing can be', async () => {
  const disk = systemDisk()
  writeFileSync(join(folder, 'file'), '')
  expect(await codeOf(disk.makeFolder(join(folder, 'file')))).toBe('EEXIST')
  expect(await codeOf(disk.makeFolder(join(folder, 'file', 'below')))).toBe('ENOTDIR')
  // Node's own way of making folders above never ends there.
  if (process.platform === 'linux') {
    expect(await codeOf(disk.makeFolder('/proc/shardloom/data'))).toBe('ENOENT')
  }
  const deep = join(folder, 'a', 'b', 'c')
  await Promise.all([disk.makeFolder(deep), disk.makeFolder(deep), disk.makeFolder(join(folder, 'a', 'x'))])
  await disk.makeFolder(deep)
  expect(await disk.list(join(folder, 'a'))).toEqual(expect.arrayContaining(['b', 'x']))
})

test.skipIf(isWindows)('data are for nobody else', async () => {
  const disk = systemDisk()
  await disk.makeFolder(join(folder, 'deep', 'er'))
  await (await disk.open(join(folder, 'a'), 'create')).close()
  expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o600)
  expect(statSync(join(folder, 'deep')).mode & 0o777).toBe(0o700)
})

test.skipIf(isWindows)('more than two gigabytes are taken in parts', async () => {
  const file = await systemDisk().open('/dev/null', 'write')
  // Untouched memory: it is never there.
  expect(await file.write(0, new Uint8Array(2 ** 31 + 1))).toBe(1024 ** 3)
  await file.close()
})

test.skipIf(!existsSync('/dev/full'))('a disk that is full says so', async () => {
  const file = await systemDisk().open('/dev/full', 'write')
  expect(await codeOf(file.write(0, bytesOf('x')))).toBe('ENOSPC')
  await file.close()
})

test('what others have put into the folder is listed as it is named', async () => {
  writeFileSync(join(folder, 'ä ö.log'), 'x')
  expect(await systemDisk().list(folder)).toEqual(['ä ö.log'])
  expect(readFileSync(join(folder, 'ä ö.log'), 'utf8')).toBe('x')
})
