/**
 * What clients of WATCHREV are sent is what was committed, wherever and whenever they pass from a stream of
 * their own to the feed and back. The shards and streams are those of keyspace/watch, in orders that a seed
 * decides; a client is whatever takes pushes, and reads when it wants.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Clock, type Random, type ShardloomError, seededRandom } from '../../../src/base/index.ts'
import type { WatchRequest } from '../../../src/server/catalog/index.ts'
import { CATCHING_UP_MAX, CatchUpLine } from '../../../src/server/push/catch-up-line.ts'
import { type FeedClient, RevisionFeed } from '../../../src/server/push/revision-feed.ts'
import { RevisionWatch } from '../../../src/server/push/revision-watch.ts'
import { type EncodedReply, ReplyDecoder } from '../../../src/server/resp/index.ts'
import {
  LAST_KEY as END,
  expectedOf,
  type SeenCommit,
  WatchWorld,
  writeAtRandom,
} from '../../support/watch-world.ts'

const RUNS = process.env['SHL_SOAK'] ? 500 : 25
const SHARDS = 3

/** A client: it reads at once, or not at all for a while. */
class FakeClient {
  readonly resp = 3
  readonly sent: SeenCommit[] = []
  readonly progress: number[] = []
  lost: number | undefined
  outputBytes = 0
  isReading = true
  onPush: () => void = () => {}

  push(reply: unknown): void {
    const decoder = new ReplyDecoder()
    for (const chunk of (reply as EncodedReply).chunks) decoder.feed(chunk)
    const value = decoder.next() as unknown as { items: { text?: string; value?: number; items?: never[] }[] }
    const [word, revision, changes] = value.items
    expect(this.lost).toBeUndefined()
    if (word!.text === 'watchrev-lost') this.lost = Number(revision!.value)
    else if (changes!.items!.length === 0) this.progress.push(Number(revision!.value))
    else {
      const keys = changes!.items!.map(({ items }: { items: { text: string }[] }) => items[1]!.text)
      this.sent.push({ revision: Number(revision!.value), keys: keys.sort() })
    }
    // One commit is more than it may leave unread.
    if (!this.isReading) this.outputBytes = 2 ** 21
    this.onPush()
  }

  read(isReading: boolean): void {
    this.isReading = isReading
    if (isReading) this.outputBytes = 0
  }

  get isDone(): boolean {
    return this.lost !== undefined || this.sent.some(({ keys }) => keys.includes(END))
  }
}

interface Watching {
  readonly client: FakeClient
  readonly watch: RevisionWatch
  readonly start: Promise<number>
}

/** A thread's watches, without its server. */
class FakeThread {
  readonly line: CatchUpLine
  readonly #client: FeedClient
  readonly #later = new Set<() => void>()
  #feed: RevisionFeed | undefined
  feeds = 0

  constructor({ client }: WatchWorld) {
    const after: Clock['after'] = (ms, task, options) => {
      if (ms < 1000) return client.clock.after(ms, task, options)
      this.#later.add(task)
      return { cancel: () => void this.#later.delete(task) }
    }
    this.#client = { ...client, memory: client.memory, clock: { ...client.clock, after } }
    this.line = new CatchUpLine(this.#client.clock)
  }

  /** A second has passed. */
  pass(): void {
    const due = [...this.#later]
    this.#later.clear()
    for (const task of due) task()
  }

  watch(patterns: readonly string[], since?: number, progressMs = 0): Watching {
    const client = new FakeClient()
    const parts = this.#client
    if (this.#feed === undefined) {
      this.feeds++
      this.#feed = new RevisionFeed(parts, 0, false, () => {
        this.#feed = undefined
      })
    }
    const names: WatchRequest['names'] = patterns.map((pattern, index) => ({
      index,
      kind: 'pattern',
      pattern,
    }))
    const watch = new RevisionWatch({
      client: parts,
      session: client,
      request: { names, id: '', since, values: false, progressMs },
      db: 0,
      feed: this.#feed,
      line: this.line,
      onLost: () => {},
    })
    return { client, watch, start: watch.start() }
  }
}

async function settle(world: WatchWorld, random: Random, isDone: () => boolean): Promise<void> {
  for (let i = 0; !isDone(); i++) {
    if (i > 20_000) throw new Error('never done')
    world.write(random.below(SHARDS), [END])
    await world.pause()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const seeds = fc.integer({ min: 0, max: 2 ** 31 })

describe('watches that share a feed', () => {
  it('are sent everything once and in order, from now on or from the past, read or not', async () => {
    let handedOver = 0
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const random = seededRandom(seed)
        const world = new WatchWorld(random)
        const thread = new FakeThread(world)
        // All fit its stream, or the feed becomes wider, and narrow again, as others come and go.
        const widest = ['', 'a', 'none'][random.below(3)]!
        const first = thread.watch([`${widest}*`, END])
        const from = await first.start
        let isOver = false
        const clients = Array.from({ length: 6 }, async (_, i) => {
          for (let j = random.below(40); j > 0; j--) await world.pause()
          const prefix = ['', 'a', 'b'][random.below(3)]!
          const since = i % 2 === 0 ? undefined : from + random.below(world.revision - from + 1)
          const passer = thread.watch([`${prefix}:${i}:*`])
          passer.start.catch(() => 'it ends')
          const { client, watch, start } = thread.watch([`${prefix}*`, END], since)
          const began = await start
          if (since !== undefined) expect(began).toBe(since)
          // It stops reading, and reads again, now and then.
          const moods = (async () => {
            while (!isOver) {
              client.read(random.below(3) > 0)
              for (let j = random.below(20); j >= 0; j--) await world.pause()
              passer.watch.end()
              thread.pass()
            }
            client.read(true)
          })()
          await moods
          return { client, watch, began, prefix }
        })
        await writeAtRandom(world, random, 10)
        isOver = true
        const all = await Promise.all(clients)
        await settle(world, random, () => [first, ...all].every(({ client }) => client.isDone))
        for (const { client, watch, began, prefix } of all) {
          expect(client.lost).toBeUndefined()
          const upTo = client.sent.at(-1)!.revision
          expect(client.sent).toEqual(expectedOf(world.written, began, prefix, upTo))
          watch.end()
        }
        expect(first.client.sent).toEqual(
          expectedOf(world.written, from, widest, first.client.sent.at(-1)!.revision),
        )
        handedOver += all.length
        first.watch.end()
        expect(thread.line.begun).toBe(0)
      }),
      { numRuns: RUNS },
    )
    expect(handedOver).toBe(RUNS * 6)
  })

  it('keep that when streams break, and say so when a shard has lost its history', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const random = seededRandom(seed)
        const world = new WatchWorld(random)
        const thread = new FakeThread(world)
        const clients = [thread.watch(['*']), thread.watch(['a*', END]), thread.watch(['b*', END])]
        const starts = await Promise.all(clients.map(({ start }) => start))
        const doesCrash = random.below(2) === 0
        const breaking = (async () => {
          for (let i = 0; i < 4; i++) {
            for (let j = random.below(20); j > 0; j--) await world.pause()
            world.shards[random.below(SHARDS)]!.breakStreams()
          }
          if (doesCrash) world.crash(random.below(SHARDS))
        })()
        await Promise.all([writeAtRandom(world, random, 8), breaking])
        await settle(world, random, () => clients.every(({ client }) => client.isDone))
        for (const [i, { client, watch }] of clients.entries()) {
          const upTo = client.sent.at(-1)?.revision ?? 0
          expect(client.sent).toEqual(expectedOf(world.written, starts[i]!, ['', 'a', 'b'][i]!, upTo))
          if (!doesCrash) expect(client.lost).toBeUndefined()
          if (client.lost !== undefined) expect(client.lost).toBeGreaterThanOrEqual(upTo)
          watch.end()
        }
      }),
      { numRuns: RUNS },
    )
  })
})

it('a client that never reads is told that it has lost some, and the others lose nothing', async () => {
  const random = seededRandom(7)
  const world = new WatchWorld(random, SHARDS, { recordsMax: 1024, bytesMax: 2 ** 30 })
  const thread = new FakeThread(world)
  const [slow, quick] = [thread.watch(['a*', END]), thread.watch(['a*', END])]
  const start = Math.max(await slow.start, await quick.start)
  slow.client.read(false)
  for (let i = 0; i < 5000; i++) {
    world.write(i % SHARDS, [`a:${i}`])
    if (i % 64 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await settle(world, random, () => quick.client.isDone)
  expect(slow.client.sent).toHaveLength(1)
  slow.client.read(true)
  await settle(world, random, () => slow.client.isDone)
  expect(slow.client.lost).toBeGreaterThan(slow.client.sent[0]!.revision)
  const upTo = quick.client.sent.at(-1)!.revision
  expect(quick.client.sent.filter(({ revision }) => revision > start)).toEqual(
    expectedOf(world.written, start, 'a', upTo),
  )
})

it('however many catch up, few do so at a time, and shards have one stream when they have', async () => {
  const random = seededRandom(3)
  const world = new WatchWorld(random)
  const thread = new FakeThread(world)
  const first = thread.watch(['*'])
  const from = await first.start
  for (let i = 0; i < 50; i++) world.write(i % SHARDS, [`a:${i}`])
  const many = Array.from({ length: 3 * CATCHING_UP_MAX }, () => thread.watch(['a:*', END], from))
  let most = 0
  await settle(world, random, () => {
    most = Math.max(most, ...world.shards.map(({ hub }) => hub.watcherCount))
    return many.every(({ client }) => client.isDone) && thread.line.begun === 0
  })
  expect(most).toBeLessThanOrEqual(CATCHING_UP_MAX + 2)
  await settle(world, random, () => world.shards.every(({ hub }) => hub.watcherCount === 1))
  expect(thread.feeds).toBe(1)
  for (const { client } of many) {
    expect(client.sent).toEqual(expectedOf(world.written, from, 'a:', client.sent.at(-1)!.revision))
  }
  for (const { watch } of [first, ...many]) watch.end()
  await settle(world, random, () => world.shards.every(({ hub }) => hub.watcherCount === 0))
})

it('who comes while the stream is made narrower is not left out by the next one', async () => {
  const random = seededRandom(11)
  const world = new WatchWorld(random)
  const thread = new FakeThread(world)
  const [all, some] = [thread.watch(['*']), thread.watch(['b*', END])]
  await Promise.all([all.start, some.start])
  all.watch.end()
  thread.pass()
  const late = thread.watch(['a*', END])
  const start = await late.start
  for (let i = 0; i < 150; i++) {
    world.write(i % SHARDS, [`a:${i}`])
    await world.pause()
  }
  await settle(world, random, () => late.client.sent.length > 150)
  const upTo = late.client.sent.at(-1)!.revision
  expect(late.client.sent).toEqual(expectedOf(world.written, start, 'a', upTo))
})

it('more patterns than shards are to try are told apart by the thread', async () => {
  const random = seededRandom(13)
  const world = new WatchWorld(random)
  const thread = new FakeThread(world)
  const all = Array.from({ length: 70 }, (_, i) => thread.watch([`${i}:*`, END]))
  const start = Math.max(...(await Promise.all(all.map((one) => one.start))))
  for (let i = 0; i < 140; i++) world.write(i % SHARDS, [`${i % 70}:x`, `${(i + 1) % 70}:y`, 'other:z'])
  await settle(world, random, () => all.every(({ client }) => client.isDone))
  for (const [i, { client, watch }] of all.entries()) {
    const upTo = client.sent.at(-1)!.revision
    expect(client.sent).toEqual(expectedOf(world.written, start, `${i}:`, upTo))
    watch.end()
  }
})

it('a watch ends where the history does not go back so far, and while it waits', async () => {
  const random = seededRandom(5)
  const world = new WatchWorld(random)
  world.revision = 100
  const thread = new FakeThread(world)
  const code = (error: unknown): string => (error as ShardloomError).code
  await expect(thread.watch(['*'], 7).start.catch(code)).resolves.toBe('SHL_WATCH_COMPACTED')
  for (const since of [undefined, 100]) {
    const { watch, start } = thread.watch(['*'], since)
    watch.end()
    await expect(start.catch(code)).resolves.toBe('SHL_STREAM_CANCELLED')
  }
  // The same at each step of a stream that takes the place of another one.
  for (let steps = 0; steps < 60; steps++) {
    const first = thread.watch(['a*'])
    await first.start
    world.write(0, ['elsewhere'])
    const second = thread.watch(['b*'])
    for (let i = 0; i < steps; i++) await null
    first.watch.end()
    second.watch.end()
    await second.start.catch((error) => expect(code(error)).toBe('SHL_STREAM_CANCELLED'))
  }
  expect(thread.line.begun).toBe(0)
  await settle(world, random, () => world.shards.every(({ hub }) => hub.watcherCount === 0))
})

it('a feed that had nothing to tell for long is not why others cannot begin', async () => {
  const random = seededRandom(17)
  const world = new WatchWorld(random, SHARDS, { recordsMax: 1024, bytesMax: 2 ** 30 })
  const thread = new FakeThread(world)
  const first = thread.watch(['idle:*', END])
  const from = await first.start
  const goOn = (): void => {
    for (let i = 0; i < 2 * SHARDS * 1024; i++) world.write(i % SHARDS, ['elsewhere'])
  }
  goOn()
  const since = world.revision
  const late = Array.from({ length: CATCHING_UP_MAX + 4 }, (_, i) => thread.watch([`a:${i}`, END], since))
  const other = thread.watch(['b:*', END])
  const begun = await Promise.all([...late, other].map(({ start }) => start))
  expect(begun.slice(0, -1)).toEqual(late.map(() => since))
  expect(begun.at(-1)).toBeGreaterThanOrEqual(since)
  // Nor why it does not get narrower; who comes then has to wait for that.
  goOn()
  other.watch.end()
  thread.pass()
  await thread.watch(['b:*', END]).start
  for (let i = 0; i < 50; i++) world.write(i % SHARDS, [`a:${i}`, 'idle:x'])
  await settle(world, random, () => [first, ...late].every(({ client }) => client.isDone))
  for (const [i, { client, watch }] of late.entries()) {
    const upTo = client.sent.at(-1)!.revision
    expect(client.sent).toEqual(
      expectedOf(world.written, since, '', upTo)
        .map(({ revision, keys }) => ({
          revision,
          keys: keys.filter((key) => [`a:${i}`, END].includes(key)),
        }))
        .filter(({ keys }) => keys.length > 0),
    )
    watch.end()
  }
  const upTo = first.client.sent.at(-1)!.revision
  expect(first.client.sent).toEqual(expectedOf(world.written, from, 'idle:', upTo))
})

it('progress is told in line with what is sent', async () => {
  const random = seededRandom(9)
  const world = new WatchWorld(random)
  const thread = new FakeThread(world)
  const clients = [thread.watch(['none'], undefined, 10), thread.watch(['none'], 0, 10)]
  await Promise.all(clients.map(({ start }) => start))
  await settle(world, random, () => clients.every(({ client }) => client.progress.length > 2))
  for (const { client, watch } of clients) {
    expect(client.progress).toEqual([...new Set(client.progress)].sort((a, b) => a - b))
    expect(client.progress.at(-1)).toBeLessThanOrEqual(world.revision)
    watch.end()
  }
})
