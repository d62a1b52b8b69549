/** A keyspace with files on real threads: closed and opened, refused, and with threads that are lost. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRuntime, type Keyspace } from 'shardloom'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { testRuntime } from '../../support/runtime.ts'

const KEYS = Array.from({ length: 60 }, (_, i) => `key:${i}`)

let dir: string

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'shl-durable-'))
})

afterEach(() => {
  rmSync(dir, { recursive: true, force: true, maxRetries: 5 })
})

const open = (options: object = {}) => testRuntime({ threads: 2, keyspace: { dir, ...options } })

/** One of each type, with times, and a lock. */
async function fill(keyspace: Keyspace): Promise<void> {
  await Promise.all(KEYS.map((key, i) => keyspace.set(key, `${i}`)))
  await keyspace.command('SET', 'with time', 'x', 'PXAT', '4102444800000')
  await keyspace.hash('hash').set({ a: '1', b: '2' })
  await keyspace.command('HPEXPIREAT', 'hash', '4102444800000', 'FIELDS', '1', 'a')
  await keyspace.list('list').push('1', '2', '3')
  await keyspace.command('SADD', 'set', 'x', 'y')
  await keyspace.zset('zset').add('m', 1.5)
  await keyspace.mset({ m1: 'x', m2: 'x', m3: 'x' })
  await keyspace.command('LOCK.ACQUIRE', 'lock', 'me', 'PX', '3600000')
}

async function everything(keyspace: Keyspace): Promise<unknown> {
  const asked: string[][] = [
    ['GET', 'with time'],
    ['PEXPIRETIME', 'with time'],
    ['HGETALL', 'hash'],
    ['HPEXPIRETIME', 'hash', 'FIELDS', '2', 'a', 'b'],
    ['LRANGE', 'list', '0', '-1'],
    ['ZRANGE', 'zset', '0', '-1', 'WITHSCORES'],
    ['SCARD', 'set'],
    ['MGET', 'm1', 'm2', 'm3'],
    ['MGET', ...KEYS],
    ['LOCK.VALIDATE', 'lock', '1'],
    ['DBSIZE'],
  ]
  return Promise.all(asked.map(([name, ...args]) => keyspace.command(name!, ...args)))
}

/** Asks until it is answered, as whoever is told that a shard is down does. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await ask()
    } catch (error) {
      if (tries > 200) throw error
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
}

describe('a keyspace with files', () => {
  test('has everything when it is opened again, with snapshots and without, also by getSync', async () => {
    const first = await open({ shards: 3 })
    await fill(first.keyspace)
    const before = await everything(first.keyspace)
    await first.close()
    const second = await open()
    expect(await everything(second.keyspace)).toEqual(before)
    expect(second.keyspace.getSync('key:7')).toBe('7')
    await second.keyspace.snapshot()
    await second.close()
    const third = await open({ shards: 3 })
    expect(await everything(third.keyspace)).toEqual(before)
    // Tokens and revisions go on.
    const lock = await third.keyspace.lock('another')
    expect(lock.token).toBeGreaterThan(1n)
    await lock.release()
    await third.close()
  })

  test('has its slots where they were moved to, and what was written there', async () => {
    const first = await open({ shards: 3 })
    await fill(first.keyspace)
    const slots = [...KEYS, 'hash', 'lock', 'with time'].map((key) => first.keyspace.shardOf(key).slot)
    await first.keyspace.moveSlots(slots, 2)
    await first.keyspace.command('DEL', 'key:0')
    await first.keyspace.moveSlots([first.keyspace.shardOf('key:0').slot], 0)
    await first.keyspace.set('key:1', 'moved')
    const before = await everything(first.keyspace)
    await first.close()
    const second = await open({ shards: 3 })
    const { keyspace } = second
    expect(keyspace.shardOf('key:1').shard).toBe(2)
    expect(keyspace.shardOf('key:0').shard).toBe(0)
    expect(await everything(keyspace)).toEqual(before)
    expect(keyspace.getSync('key:1')).toBe('moved')
    expect(keyspace.getSync('key:0')).toBeUndefined()
    // They may go on, and a snapshot says the same.
    await keyspace.moveSlots(slots, 1)
    await keyspace.snapshot()
    await second.close()
    const third = await open({ shards: 3 })
    expect(third.keyspace.shardOf('key:1').shard).toBe(1)
    expect(await everything(third.keyspace)).toEqual(before)
    await third.close()
  })

  test('that is refused leaves nothing behind in the process', async () => {
    await (await open({ shards: 2 })).close()
    const before = process.listenerCount('beforeExit')
    for (let i = 0; i < 3; i++) await expect(open({ shards: 1 })).rejects.toThrow('or more')
    expect(process.listenerCount('beforeExit')).toBe(before)
  })

  test('is refused with fewer shards, and gives its share to more', { timeout: 60_000 }, async () => {
    const first = await open({ shards: 2 })
    await fill(first.keyspace)
    const before = await everything(first.keyspace)
    await first.close()
    await expect(open({ shards: 1 })).rejects.toMatchObject({
      code: 'SHL_OPTION_INVALID',
      message: expect.stringContaining('or more'),
    })
    const second = await open({ shards: 4 })
    expect(await everything(second.keyspace)).toEqual(before)
    const manifest = () => JSON.parse(readFileSync(join(dir, 'shardloom.json'), 'utf8')) as object
    expect(manifest()).toMatchObject({ shards: 4, dealt: 2 })
    await patiently(async () => expect(manifest()).not.toHaveProperty('isSpreading'))
    const slots = Array.from({ length: 60 }, (_, i) => second.keyspace.shardOf(`key:${i}`).shard)
    expect(new Set(slots).size).toBe(4)
    expect(await everything(second.keyspace)).toEqual(before)
    await second.close()
    // It has as many from now on.
    const third = await open()
    expect(KEYS.map((_, i) => third.keyspace.shardOf(`key:${i}`).shard)).toEqual(slots)
    expect(await everything(third.keyspace)).toEqual(before)
    await third.close()
  })

  test('that is damaged is refused at once, with the file and the place', async () => {
    const beginMs = performance.now()
    const first = await open({ shards: 2 })
    const openMs = performance.now() - beginMs
    await fill(first.keyspace)
    await first.close()
    const folder = join(dir, 'shard-0001')
    const file = join(folder, readdirSync(folder).find((name) => name.endsWith('.log'))!)
    const bytes = readFileSync(file)
    bytes[400]! ^= 1
    writeFileSync(file, bytes)
    const startMs = performance.now()
    const error = (await open().catch((thrown: unknown) => thrown)) as {
      code: string
      details: object
      message: string
    }
    expect(error).toMatchObject({ code: 'SHL_LOG_DAMAGED', details: { file, offset: expect.any(Number) } })
    expect(performance.now() - startMs).toBeLessThan(3 * openMs + 2000)
    // Nothing was changed by that, and what was opened is closed.
    expect(readFileSync(file)).toEqual(bytes)
    bytes[400]! ^= 1
    writeFileSync(file, bytes)
    const again = await open()
    expect(again.keyspace.getSync('key:7')).toBe('7')
    await again.close()
  })

  test('without a directory takes no options about files', async () => {
    await expect(createRuntime({ threads: 1, keyspace: { durability: 'fsync' } })).rejects.toMatchObject({
      code: 'SHL_OPTION_INVALID',
    })
  })
})

describe('a thread that is lost', () => {
  test('comes back with all that its shards had, and callers notice a delay', async () => {
    const runtime = await open({ shards: 4 })
    const { keyspace } = runtime
    await fill(keyspace)
    const before = await everything(keyspace)
    let isDone = false
    const missed: unknown[] = []
    // Who reads memory finds each key, or is told that the shard is down.
    const read = async (): Promise<void> => {
      for (let i = 0; !isDone; i++) {
        try {
          if (keyspace.getSync(`key:${i % 60}`) !== String(i % 60)) missed.push(i % 60)
        } catch (error) {
          if ((error as { code?: string }).code !== 'SHL_SHARD_DOWN') missed.push(error)
        }
        if (i % 60 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
      }
    }
    const reading = read()
    for (const thread of [1, 2]) {
      await (runtime as unknown as { killThread(thread: number): Promise<void> }).killThread(thread)
      expect(await patiently(() => everything(keyspace))).toEqual(before)
      expect(await patiently(() => keyspace.mset({ m1: 'y', m2: 'y', m3: 'y' }))).toBeUndefined()
      expect(await patiently(() => keyspace.mset({ m1: 'x', m2: 'x', m3: 'x' }))).toBeUndefined()
    }
    isDone = true
    await reading
    expect(missed).toEqual([])
    await runtime.close()
    const again = await open()
    expect(await everything(again.keyspace)).toEqual(before)
  })

  test('leaves transactions whole, while they go on', { timeout: 60_000 }, async () => {
    const runtime = await open({ shards: 4 })
    const { keyspace } = runtime
    const names = ['m1', 'm2', 'm3', 'm4', 'm5', 'm6', 'm7']
    let isOver = false
    let acknowledged = 0
    let issued = 0
    const write = async (): Promise<void> => {
      while (!isOver) {
        const n = ++issued
        try {
          await keyspace.mset(Object.fromEntries(names.map((name) => [name, String(n)])))
          acknowledged = n
        } catch {
          await new Promise((resolve) => setTimeout(resolve, 1))
        }
      }
    }
    const writing = write()
    for (let round = 0; round < 4; round++) {
      await new Promise((resolve) => setTimeout(resolve, 100 + 37 * round))
      await (runtime as unknown as { killThread(thread: number): Promise<void> }).killThread(1 + (round % 2))
      const values = (await patiently(() => keyspace.mget(names))) as string[]
      expect(new Set(values).size, values.join()).toBe(1)
    }
    isOver = true
    await writing
    const values = (await patiently(() => keyspace.mget(names))) as string[]
    expect(new Set(values).size, values.join()).toBe(1)
    expect(Number(values[0])).toBeGreaterThanOrEqual(acknowledged)
    expect(acknowledged).toBeGreaterThan(5)
    await runtime.close()
    const again = await open()
    expect(await again.keyspace.mget(names)).toEqual(values)
  })
})
