/**
 * The lock on a directory: what it leaves there, by which paths it holds, what it cannot be taken on, and
 * why.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join, relative } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type DirectoryLock,
  type DirectoryLockOptions,
  type Held,
  type LockSystem,
  lockDirectory,
  lockSystemOf,
} from '../../src/storage/directory-lock.ts'
import { ManualClock } from '../support/manual-clock.ts'

const SYSTEM = lockSystemOf(process.platform)
const SINCE = new Date(new ManualClock().wallMs()).toISOString()
/** This process's name in the lock folder. */
const OWN_NAME = expect.stringMatching(`^process-${process.pid}-${Date.parse(SINCE)}-[0-9a-f]{16}\\.sock$`)

let root: string
let dir: string
const taken: DirectoryLock[] = []

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'shardloom-lock-'))
  dir = join(root, 'data')
})
afterEach(async () => {
  await Promise.all(taken.splice(0).map((lock) => lock.release()))
  rmSync(root, { recursive: true, force: true })
})

async function take(path = dir, options: DirectoryLockOptions = {}): Promise<DirectoryLock> {
  const lock = await lockDirectory(path, { clock: new ManualClock(), ...options })
  taken.push(lock)
  return lock
}

/** The real system, but for some of it. */
function takeWith(part: Partial<LockSystem>): Promise<DirectoryLock> {
  return take(dir, { system: { ...SYSTEM, ...part } })
}

function namesIn(folder = dir): string[] {
  return readdirSync(join(folder, 'lock')).sort()
}

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: as the test wants it`), { code })
}

/** Descriptors that this process has open. */
function openFiles(): number {
  return readdirSync('/proc/self/fd').length
}

const IN_USE = { code: 'SHL_DIRECTORY_IN_USE', retryable: true, details: { pid: process.pid, since: SINCE } }

describe('one process', () => {
  test('has it, until it gives it back', async () => {
    const lock = await take()
    expect(lock).toMatchObject({ dir, pid: process.pid, since: SINCE })
    await expect(take()).rejects.toMatchObject({ ...IN_USE, details: { ...IN_USE.details, dir } })
    await expect(take()).rejects.toThrow(
      `directory is in use: dir=${dir} pid=${process.pid} since=${SINCE}; `,
    )
    await lock.release()
    await take()
  })

  test('has it once, of many that ask at the same time', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 30 }, () => take()))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject(IN_USE)
    expect(namesIn()).toEqual(['owner-1.sock', OWN_NAME])
  })

  test('cannot have it by another path', async () => {
    await take()
    const link = join(root, 'link')
    symlinkSync(dir, link)
    const paths = [
      link,
      `${dir}/`,
      join(root, 'x', '..', 'data'),
      relative(process.cwd(), dir),
      `${link}/../data`,
    ]
    for (const path of paths) await expect(take(path)).rejects.toMatchObject(IN_USE)
  })

  test('has it by a relative path, wherever it goes', async () => {
    const before = process.cwd()
    const lock = await take(relative(before, dir))
    process.chdir(root)
    try {
      expect(lock.dir).toBe(dir)
      await lock.release()
      expect(namesIn()).toEqual(['owner-1.sock'])
    } finally {
      process.chdir(before)
    }
  })

  test('may have others beside it, and below', async () => {
    await take()
    await take(join(root, 'other'))
    await take(join(dir, 'below'))
  })

  test('gives it back once, whoever asks', async () => {
    const lock = await take()
    await Promise.all([lock.release(), lock.release(), lock[Symbol.asyncDispose]()])
    const next = await take()
    await lock.release()
    await expect(take()).rejects.toMatchObject(IN_USE)
    await next[Symbol.asyncDispose]()
    await take()
  })
})

describe('the folder', () => {
  test('holds the highest number for ever, and nothing of those before', async () => {
    for (let count = 1; count <= 12; count++) {
      const lock = await take()
      expect(namesIn()).toEqual([`owner-${count}.sock`, OWN_NAME])
      await lock.release()
      expect(namesIn()).toEqual([`owner-${count}.sock`])
    }
  })

  test('is cleared of what processes have left that were killed', async () => {
    mkdirSync(join(dir, 'lock'), { recursive: true })
    for (const name of ['owner-3.sock', 'owner-10.sock', 'process-7-8-a1.sock', 'process-9-9-b2.sock']) {
      writeFileSync(join(dir, 'lock', name), '')
    }
    await take()
    expect(namesIn()).toEqual(['owner-11.sock', OWN_NAME])
  })

  test('may hold other files: they mean nothing, and stay', async () => {
    mkdirSync(join(dir, 'lock'), { recursive: true })
    const names = ['owner-0.sock', 'owner-x.sock', 'owner-9', 'owner-1234567890123456.sock', 'notes.txt']
    for (const name of names) writeFileSync(join(dir, 'lock', name), '')
    await take()
    expect(namesIn()).toEqual([...[...names, 'owner-1.sock'].sort(), OWN_NAME])
  })

  test('keeps the numbers when somebody else’s first name cannot be removed', async () => {
    mkdirSync(join(dir, 'lock'), { recursive: true })
    for (const name of ['owner-3.sock', 'process-1-8-a1.sock']) writeFileSync(join(dir, 'lock', name), '')
    const lock = await takeWith({
      unlink: (path) =>
        basename(path).startsWith('process-') ? Promise.reject(systemError('EPERM')) : SYSTEM.unlink(path),
    })
    expect(namesIn()).toEqual(['owner-3.sock', 'owner-4.sock', 'process-1-8-a1.sock', OWN_NAME])
    await lock.release()
    await take()
    expect(namesIn()).toEqual(['owner-5.sock', OWN_NAME])
  })

  test('shows nobody’s names after a refusal, and no file stays open', async () => {
    const lock = await take()
    await expect(take()).rejects.toMatchObject(IN_USE)
    const before = openFiles()
    for (let count = 0; count < 20; count++) await expect(take()).rejects.toMatchObject(IN_USE)
    expect(openFiles()).toBe(before)
    expect(namesIn()).toEqual(['owner-1.sock', OWN_NAME])
    await lock.release()
    expect(openFiles()).toBeLessThan(before)
  })
})

describe('a path', () => {
  /** On both sides of the 107 bytes of a socket's address, for either name; then as long as a name may be. */
  const lengths = [...Array.from({ length: 60 }, (_, i) => i + 5), 254]

  test('may be longer than an address of a socket', async () => {
    const before = openFiles()
    for (const length of lengths) {
      const deep = join(root, 'é'.repeat(Math.floor(length / 2)) + 'e'.repeat(length % 2), 'data')
      const lock = await take(deep)
      await expect(take(deep)).rejects.toMatchObject(IN_USE)
      expect(namesIn(deep)).toEqual(['owner-1.sock', OWN_NAME])
      await lock.release()
      await (await take(deep)).release()
      expect(namesIn(deep)).toEqual(['owner-2.sock'])
    }
    expect(openFiles()).toBe(before)
    expect(readdirSync(root)).toHaveLength(lengths.length)
  })
})

describe('an owner is only told by its pid where that is known', () => {
  test('another process listens there that nobody knows', async () => {
    mkdirSync(join(dir, 'lock'), { recursive: true })
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(join(dir, 'lock', 'owner-4.sock'), resolve))
    try {
      await expect(take()).rejects.toMatchObject({
        code: 'SHL_DIRECTORY_IN_USE',
        details: { dir, pid: undefined, since: undefined },
      })
    } finally {
      await closeServer(server)
    }
  })

  test('its files cannot be looked at', async () => {
    await take()
    const refused = takeWith({ identity: () => Promise.reject(systemError('EACCES')) })
    await expect(refused).rejects.toMatchObject({ code: 'SHL_DIRECTORY_IN_USE', details: { pid: undefined } })
  })

  test('names that others have there are not mistaken for its own', async () => {
    await take()
    for (const name of ['process-1-1-aa.sock', 'process-999999-1-zz.sock']) {
      writeFileSync(join(dir, 'lock', name), '')
    }
    await expect(take()).rejects.toMatchObject(IN_USE)
  })
})

describe('a directory cannot be locked', () => {
  const unusable = (reason: unknown) => ({
    code: 'SHL_DIRECTORY_UNUSABLE',
    retryable: false,
    details: { dir, reason },
  })

  test('that is a file', async () => {
    writeFileSync(dir, '')
    const refused = take()
    await expect(refused).rejects.toMatchObject(unusable(expect.stringContaining('ENOTDIR')))
    await expect(refused).rejects.toMatchObject({ cause: { code: 'ENOTDIR' } })
  })

  test('on a file system that other machines may have mounted, unless that is wanted', async () => {
    const networkFileSystem = async (path: string) => (path === join(dir, 'lock') ? 'NFS' : undefined)
    await expect(takeWith({ networkFileSystem })).rejects.toMatchObject(
      unusable(expect.stringContaining('NFS')),
    )
    await take(dir, { system: { ...SYSTEM, networkFileSystem }, allowNetworkFileSystem: true })
  })

  test.each(['EPERM', 'ENOTSUP', 'EMLINK', 'EXDEV'])('where a socket has one name only: %s', async (code) => {
    const refused = takeWith({ link: () => Promise.reject(systemError(code)) })
    await expect(refused).rejects.toMatchObject(
      unusable(`its file system gives sockets no second name: ${code}`),
    )
    expect(namesIn()).toEqual([])
  })

  test('where a second name does not lead to the socket', async () => {
    const refused = takeWith({ connect: async () => 'dead' })
    await expect(refused).rejects.toMatchObject(unusable(expect.stringContaining('does not lead')))
    expect(namesIn()).toEqual(['owner-1.sock'])
    await take()
  })

  test('where there are no sockets, or they may not be asked', async () => {
    const noSockets = takeWith({ listen: () => Promise.reject(systemError('ENOTSUP')) })
    await expect(noSockets).rejects.toMatchObject(unusable('ENOTSUP: as the test wants it'))
    await take()
    const noAnswer = takeWith({ connect: () => Promise.reject(systemError('EACCES')) })
    await expect(noAnswer).rejects.toMatchObject(unusable('EACCES: as the test wants it'))
    expect(namesIn()).toEqual(['owner-1.sock', OWN_NAME])
  })

  test('and says so in words', async () => {
    writeFileSync(dir, '')
    await expect(take()).rejects.toThrow(
      `directory cannot be used: dir=${dir}: ENOTDIR: not a directory, mkdir`,
    )
  })
})

test('a file system that loses what was linked does not keep it busy for ever', async () => {
  let attempts = 0
  const refused = takeWith({
    link: () => {
      attempts++
      return Promise.reject(systemError('EEXIST'))
    },
  })
  await expect(refused).rejects.toMatchObject({ code: 'SHL_DIRECTORY_IN_USE', details: { pid: undefined } })
  expect(attempts).toBe(100)
  expect(namesIn()).toEqual([])
})

describe('where the system opens a file for one alone', () => {
  /** As macOS and Windows do. */
  function aloneSystem(): LockSystem {
    const open = new Set<string>()
    const refuse = async (): Promise<never> => expect.fail('no sockets where files will do')
    return {
      ...SYSTEM,
      listen: refuse,
      connect: refuse,
      link: refuse,
      async openAlone(path): Promise<Held | undefined> {
        if (open.has(path)) return undefined
        writeFileSync(path, '')
        open.add(path)
        return {
          async close() {
            open.delete(path)
          },
        }
      },
    }
  }

  test('it is held by that file, and the owner’s name beside it', async () => {
    const system = aloneSystem()
    const lock = await take(dir, { system })
    expect(namesIn()).toEqual(['owner.lock', OWN_NAME])
    await expect(take(dir, { system })).rejects.toMatchObject(IN_USE)
    await lock.release()
    await take(dir, { system })
    expect(namesIn()).toEqual(['owner.lock', OWN_NAME])
    await expect(take(dir, { system })).rejects.toMatchObject(IN_USE)
  })

  test('it has no owner whose name is not there yet', async () => {
    const system = aloneSystem()
    await take(dir, { system })
    for (const name of namesIn().filter((found) => found !== 'owner.lock')) rmSync(join(dir, 'lock', name))
    await expect(take(dir, { system })).rejects.toMatchObject({
      code: 'SHL_DIRECTORY_IN_USE',
      details: { pid: undefined },
    })
  })

  test('it is given back when its name cannot be written', async () => {
    const system = aloneSystem()
    const touch = () => Promise.reject(systemError('ENOSPC'))
    await expect(take(dir, { system: { ...system, touch } })).rejects.toMatchObject({
      code: 'SHL_DIRECTORY_UNUSABLE',
      details: { reason: 'ENOSPC: as the test wants it' },
    })
    await take(dir, { system })
  })

  // Linux does not know these flags, and opens the file for everybody.
  test.runIf(process.platform === 'linux').each(['darwin', 'win32'] as const)(
    'a system that does not do what it was asked for is found out: %s',
    async (platform) => {
      const before = openFiles()
      await expect(take(dir, { system: lockSystemOf(platform) })).rejects.toMatchObject({
        code: 'SHL_DIRECTORY_UNUSABLE',
        details: { reason: expect.stringContaining('opens no file for one alone') },
      })
      expect(openFiles()).toBe(before)
    },
  )
})

test('the real system tells who listens from who does not', async () => {
  const folder = join(root, 'sockets')
  await SYSTEM.makeFolder(folder)
  const held = await SYSTEM.listen(join(folder, 'a'))
  await expect(SYSTEM.listen(join(folder, 'a'))).rejects.toMatchObject({ code: 'EADDRINUSE' })
  await SYSTEM.link(join(folder, 'a'), join(folder, 'b'))
  expect(await SYSTEM.identity(join(folder, 'a'))).toBe(await SYSTEM.identity(join(folder, 'b')))
  writeFileSync(join(folder, 'file'), '')
  expect(await SYSTEM.connect(join(folder, 'a'))).toBe('alive')
  expect(await SYSTEM.connect(join(folder, 'b'))).toBe('alive')
  expect(await SYSTEM.connect(join(folder, 'file'))).toBe('dead')
  expect(await SYSTEM.connect(join(folder, 'nothing'))).toBe('gone')
  await held.close()
  expect((await SYSTEM.list(folder)).map((path) => basename(path)).sort()).toEqual(['b', 'file'])
  expect(await SYSTEM.connect(join(folder, 'b'))).toBe('dead')
  await expect(SYSTEM.connect(join(folder, 'b', 'below'))).rejects.toMatchObject({ code: 'ENOTDIR' })
  expect(SYSTEM.unique()).not.toBe(SYSTEM.unique())
  expect(await SYSTEM.networkFileSystem(folder)).toBeUndefined()
  expect(existsSync(folder)).toBe(true)
})

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}
