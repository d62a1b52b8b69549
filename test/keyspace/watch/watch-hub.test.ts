/**
 * The watchers of one shard, over a real engine: what a record says, who is told, and what it costs nobody
 * else.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { seededRandom } from '../../../src/base/index.ts'
import { commandTable } from '../../../src/keyspace/commands/index.ts'
import { ShardEngine } from '../../../src/keyspace/engine/index.ts'
import { CommitFeed } from '../../../src/keyspace/watch/commit-feed.ts'
import { WatchHub } from '../../../src/keyspace/watch/watch-hub.ts'
import type { WatchItem, WatchRequest } from '../../../src/keyspace/watch/watch-messages.ts'
import { ManualEngineClock } from '../../support/engine.ts'
import { ManualClock } from '../../support/manual-clock.ts'

type Batch = WatchItem & { type: 'batch' }

let revision = 0
let clock: ManualClock
let engineClock: ManualEngineClock
let engine: ShardEngine
let hub: WatchHub
let stop: AbortController
let recording: boolean[]
const foreign = new Set<string>()

beforeEach(() => {
  revision = 0
  foreign.clear()
  clock = new ManualClock()
  engineClock = new ManualEngineClock()
  engine = new ShardEngine({
    commands: commandTable,
    clock: engineClock,
    random: seededRandom(1),
    nextRevision: () => ++revision,
  })
  recording = []
  hub = new WatchHub({
    feed: new CommitFeed(engine),
    clock,
    limits: { recordsMax: 2000, bytesMax: 2 ** 20 },
    keepMs: 1000,
    database: (index) => engine.database(index),
    revision: () => revision,
    floor: () => Number.POSITIVE_INFINITY,
    transactions: () => [],
    owns: (key) => !foreign.has(key),
    onRecording: (isRecording) => recording.push(isRecording),
  })
  stop = new AbortController()
})

afterEach(() => stop.abort())

function run(...argv: string[]): void {
  engine.execute({ id: 'test', resp: 3, db: 0 }, argv)
}

function watch(
  patterns: readonly string[],
  options: Partial<WatchRequest> & { readonly classes?: WatchRequest['filter']['classes'] } = {},
): AsyncGenerator<WatchItem, void> {
  const { classes, ...rest } = options
  const filter = { db: 0, patterns, ...(classes && { classes }) }
  return hub.watch({ filter, values: false, queueMax: 10_000, whenSlow: 'cut', ...rest }, stop.signal)
}

async function opened(stream: AsyncGenerator<WatchItem, void>): Promise<WatchItem & { type: 'open' }> {
  return (await stream.next()).value as WatchItem & { type: 'open' }
}

async function batch(stream: AsyncGenerator<WatchItem, void>): Promise<Batch> {
  return (await stream.next()).value as Batch
}

function told({ records }: Batch): string[] {
  return records.flatMap(({ changes }) => changes.map(({ key, event, type }) => `${event} ${key} ${type}`))
}

describe('what a record says', () => {
  it('names event, key and what the key holds then', async () => {
    const stream = watch(['*'])
    await opened(stream)
    run('SET', 'a', '1')
    run('LPUSH', 'l', 'x')
    run('RENAME', 'l', 'm')
    run('LPOP', 'm')
    expect(told(await batch(stream))).toEqual([
      'set a string',
      'lpush l list',
      'rename_from l none',
      'rename_to m list',
      'lpop m none',
      'del m none',
    ])
  })

  it('holds the value at that revision when somebody wants values, for him alone', async () => {
    const stream = watch(['*'], { values: true })
    const plain = watch(['*'])
    await opened(stream)
    await opened(plain)
    run('SET', 'a', '1')
    run('APPEND', 'a', '2')
    run('DEL', 'a')
    const values = (await batch(stream)).records.flatMap(({ changes }) => changes.map(({ value }) => value))
    expect(values).toEqual(['1', '12', undefined])
    expect((await batch(plain)).records[0]?.changes).toEqual([
      { db: 0, key: 'a', event: 'set', type: 'string' },
    ])
  })

  it('does not touch the key, nor remove one whose time has come', async () => {
    const stream = watch(['*'], { values: true })
    await opened(stream)
    run('SET', 'a', '1', 'PX', '10')
    await batch(stream)
    const clockOfA = engine.database(0).accessClockOf('a')
    run('SET', 'b', '1')
    expect(engine.database(0).accessClockOf('a')).toBe(clockOfA)
    engineClock.advance(20)
    run('GET', 'a')
    expect(told(await batch(stream))).toEqual(['set b string', 'expired a none'])
  })

  it('leaves out keys that another shard owns', async () => {
    const stream = watch(['*'])
    await opened(stream)
    foreign.add('a')
    run('SET', 'a', '1')
    run('SET', 'b', '1')
    expect(told(await batch(stream))).toEqual(['set b string'])
  })
})

describe('who is told', () => {
  it('is who names the key, or a pattern that fits it, or all of a database that is emptied', async () => {
    const streams = [watch(['a']), watch(['b*']), watch(['x', '[bc]1']), watch(['*'], { classes: ['h'] })]
    for (const stream of streams) await opened(stream)
    run('SET', 'a', '1')
    run('SET', 'b1', '1')
    run('HSET', 'h', 'f', 'v')
    expect(told(await batch(streams[0]!))).toEqual(['set a string'])
    expect(told(await batch(streams[1]!))).toEqual(['set b1 string'])
    expect(told(await batch(streams[2]!))).toEqual(['set b1 string'])
    expect(told(await batch(streams[3]!))).toEqual(['hset h hash'])
    run('FLUSHDB')
    for (const stream of streams.slice(0, 3)) expect(told(await batch(stream))).toEqual(['flushdb  none'])
  })

  it('gets only the changes that fit, and how far the shard is', async () => {
    const stream = watch(['a*'])
    await opened(stream)
    run('MSET', 'a1', '1', 'b1', '2', 'a2', '3')
    run('SET', 'b2', '1')
    const first = await batch(stream)
    expect(told(first)).toEqual(['set a1 string', 'set a2 string'])
    expect(first.through).toBe(revision)
  })

  it('is told of progress when it asks for it, and not before it is true', async () => {
    const stream = watch(['a'])
    const { id } = await opened(stream)
    run('SET', 'b', '1')
    const next = batch(stream)
    let isTold = false
    void next.then(() => {
      isTold = true
    })
    hub.progress({ id, revision: revision + 1 })
    await new Promise((resolve) => setImmediate(resolve))
    expect(isTold).toBe(false)
    run('SET', 'b', '2')
    hub.afterTransaction()
    expect(await next).toEqual({ type: 'batch', records: [], through: revision })
  })
})

describe('recording', () => {
  it('begins with the first watch, and costs nothing before and some time after', async () => {
    expect(engine.onCommit).toBeUndefined()
    const stream = watch(['*'])
    await opened(stream)
    expect(engine.onCommit).toBeDefined()
    await stream.return()
    run('SET', 'a', '1')
    const again = watch(['*'], { since: 0 })
    expect((await opened(again)).isCompacted).toBe(false)
    expect(told(await batch(again))).toEqual(['set a string'])
    await again.return()
    clock.advance(999)
    expect(engine.onCommit).toBeDefined()
    clock.advance(1)
    expect(engine.onCommit).toBeUndefined()
    expect(recording).toEqual([true, false])
  })

  it('says when the past is gone, and from where one can go on', async () => {
    const stream = watch(['*'])
    await opened(stream)
    for (let i = 0; i < 2500; i++) run('SET', `k${i}`, 'v')
    const late = watch(['*'], { since: 3 })
    expect(await opened(late)).toMatchObject({ isCompacted: true, oldest: 500 })
    expect(await late.next()).toEqual({ done: true, value: undefined })
    const inTime = watch(['*'], { since: 500 })
    expect(await opened(inTime)).toMatchObject({ isCompacted: false })
    const keys: string[] = []
    while (keys.length < 2000) keys.push(...told(await batch(inTime)))
    expect(keys).toHaveLength(2000)
    expect(keys[0]).toBe('set k500 string')
    await expect(stream.next()).rejects.toMatchObject({ code: 'SHL_WATCH_SLOW' })
  })

  it('has no values of a time when nobody wanted any', async () => {
    const stream = watch(['*'])
    await opened(stream)
    run('SET', 'a', '1')
    expect(await opened(watch(['*'], { since: 0, values: true }))).toMatchObject({
      isCompacted: true,
      oldest: 1,
    })
    run('SET', 'a', '2')
    const later = watch(['*'], { since: 1, values: true })
    expect(await opened(later)).toMatchObject({ isCompacted: false })
    expect((await batch(later)).records[0]?.changes[0]?.value).toBe('2')
  })

  it('looks at a long past in steps, so that others have their turn', async () => {
    const stream = watch(['*'])
    await opened(stream)
    for (let i = 0; i < 1999; i++) run('SET', `k${i}`, 'v')
    run('SET', 'needle', 'v')
    const patient = watch(['needle'], { since: 0 })
    await opened(patient)
    const batches: Batch[] = []
    while (batches.every(({ records }) => records.length === 0)) batches.push(await batch(patient))
    expect(told(batches.at(-1)!)).toEqual(['set needle string'])
    const throughs = batches.map(({ through }) => through)
    expect(throughs).toEqual([...throughs].sort((a, b) => a - b))
  })
})
