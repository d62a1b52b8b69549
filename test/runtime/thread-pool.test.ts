/** When threads are started and ended: beside each other as far as Node stands it. */
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { nodePlatform } from '../../src/runtime/platform.ts'
import { resolveSettings } from '../../src/runtime/settings.ts'
import type { ThreadStart } from '../../src/runtime/thread-bootstrap.ts'
import { ThreadPool } from '../../src/runtime/thread-pool.ts'
import { allocateThread, attachThread, type Port } from '../../src/transport/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { rejection } from '../support/runtime.ts'

/** A thread that is ready when the test says so. */
class FakeWorker {
  readonly start: ThreadStart
  readonly heard: unknown[] = []
  readonly #listeners = new Map<string, (value?: unknown) => void>()
  isTerminated = false

  constructor(start: ThreadStart) {
    this.start = start
    ;(start.controlPort as Port & { on(event: 'message', heard: (message: unknown) => void): void }).on(
      'message',
      (message) => this.heard.push(message),
    )
  }

  get links(): number[] {
    return this.start.links.map(({ thread }) => thread)
  }

  on(event: string, listener: (value?: unknown) => void): void {
    this.#listeners.set(event, listener)
  }

  ready(): void {
    this.start.controlPort.postMessage({ type: 'ready' })
  }

  async terminate(): Promise<void> {
    this.isTerminated = true
  }

  unref(): void {}

  /** It is gone: by itself, or since it was terminated. */
  exit(error?: Error): void {
    if (error !== undefined) this.#listeners.get('error')?.(error)
    this.start.controlPort.close()
    this.#listeners.get('exit')?.()
  }
}

const pools: { readonly workers: FakeWorker[] }[] = []

afterEach(() => {
  for (const { workers } of pools.splice(0)) for (const { start } of workers) start.controlPort.close()
})

function poolOf({ cores }: { cores: number }) {
  const { limits, timeouts, mailbox } = resolveSettings({
    limits: { actorsMax: 16, asksMax: 16, ringBytes: 4096 },
  })
  const { actorsMax, messageBytesMax } = limits
  const systemSettings = { ...timeouts, mailbox, actorsMax, messageBytesMax }
  const workers: FakeWorker[] = []
  const clock = new ManualClock()
  const startThread = async (start: ThreadStart): Promise<never> => {
    const worker = new FakeWorker(start)
    workers.push(worker)
    return worker as never
  }
  const pool = new ThreadPool({
    platform: { ...nodePlatform(), clock, startThread },
    mainMemory: attachThread(allocateThread(0, systemSettings.actorsMax, limits.asksMax)),
    runtimeBuffer: new SharedArrayBuffer(64),
    metricsBuffer: new SharedArrayBuffer(64),
    systemSettings,
    idle: 'park',
    cores,
    asksMax: limits.asksMax,
    ringBytes: limits.ringBytes,
    threadsMax: 8,
    startTimeoutMs: 1000,
    resourceLimits: undefined,
    prepare: async () => undefined,
    onLink: () => undefined,
    onMessage: () => undefined,
    onEnded: () => undefined,
  })
  pools.push({ workers })
  return { pool, workers, clock }
}

async function turns(): Promise<void> {
  for (let i = 0; i < 10; i++) await turn()
}

describe('threads', () => {
  test('start as many at once as there are cores, and know of those that are not ready yet', async () => {
    const { pool, workers } = poolOf({ cores: 2 })
    const starts = [pool.start('shared'), pool.start('shared'), pool.start('shared')]
    await turns()
    expect(workers.map(({ links }) => links)).toEqual([[0], [0, 1]])
    expect(workers[0]?.heard).toMatchObject([{ type: 'link', thread: 2 }])
    // The second is ready first: the third takes its turn.
    workers[1]?.ready()
    expect((await starts[1])?.state).toBe('running')
    await turns()
    expect(workers.map(({ links }) => links)).toEqual([[0], [0, 1], [0, 1, 2]])
    for (const worker of workers) worker.ready()
    expect((await Promise.all(starts)).map(({ id }) => id)).toEqual([1, 2, 3])
    expect(pool.running()).toHaveLength(3)
  })

  test('are terminated when none is starting, and none starts meanwhile', async () => {
    const { pool, workers } = poolOf({ cores: 4 })
    const first = pool.start('shared')
    await turns()
    workers[0]?.ready()
    const thread = await first
    const second = pool.start('shared')
    await turns()
    const ended = pool.terminate(thread, 'terminated')
    const third = pool.start('shared')
    await turns()
    expect([workers.length, workers[0]?.isTerminated]).toEqual([2, false])
    workers[1]?.ready()
    await second
    await turns()
    expect([workers.length, workers[0]?.isTerminated]).toEqual([2, true])
    workers[0]?.exit()
    expect(await ended).toBe(true)
    await turns()
    expect(workers[2]?.links).toEqual([0, 2])
    workers[2]?.ready()
    await third
  })

  test('one that fails is ended when none is starting, and those that start beside it are told', async () => {
    const { pool, workers, clock } = poolOf({ cores: 4 })
    const failing = rejection(pool.start('shared'))
    await turns()
    clock.advance(500)
    const other = pool.start('shared')
    await turns()
    clock.advance(500)
    expect(await failing).toMatchObject({ code: 'SHL_THREAD_START' })
    await turns()
    expect(workers[1]?.heard).toMatchObject([{ type: 'thread_lost', thread: 1 }])
    expect(workers[0]?.isTerminated).toBe(false)
    workers[1]?.ready()
    await other
    await turns()
    expect(workers[0]?.isTerminated).toBe(true)
    expect(pool.running().map(({ id }) => id)).toEqual([2])
  })
})
