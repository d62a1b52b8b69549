/** Tasks on real threads: answers, errors, limits, cancelling, and tasks that take their thread with them. */
import { execFile } from 'node:child_process'
import { getEventListeners } from 'node:events'
import { promisify } from 'node:util'
import type { Runtime, RuntimeOptions, Transferred } from 'shardloom'
import { createRuntime } from 'shardloom'
import { describe, expect, test } from 'vitest'
import { rejection, sleep } from '../support/runtime.ts'

const TASKS = new URL('../support/actors/tasks.mjs', import.meta.url)

async function withRuntime(
  options: RuntimeOptions,
  body: (runtime: Runtime) => Promise<void>,
): Promise<void> {
  const runtime = await createRuntime({ threads: 0, ...options })
  try {
    await body(runtime)
  } finally {
    await runtime.close()
  }
}

/** The test tasks are plain JavaScript. */
type Loose = (input: unknown) => unknown

describe('a task', () => {
  test('answers from another thread, many at once', () =>
    withRuntime({ tasks: { threadsMax: 2 } }, async (runtime) => {
      expect(runtime.tasks).toBeUndefined()
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, n) => runtime.run<(n: number) => number>(TASKS, n)),
      )
      expect(answers).toEqual(Array.from({ length: 100 }, (_, n) => n * 2))
      expect(runtime.tasks).toMatchObject({ completed: 100, running: 0, queued: 0, failed: 0 })
      expect(runtime.tasks!.threads).toBeLessThanOrEqual(2)
      expect(runtime.tasks!.runMs.max).toBeGreaterThan(0)
    }))

  test('moves what is in transfer', () =>
    withRuntime({}, async (runtime) => {
      const bytes = new Uint8Array(1000)
      expect(await runtime.run<Loose>(TASKS, bytes, { export: 'size', transfer: [bytes.buffer] })).toBe(1000)
      expect(bytes.byteLength).toBe(0)
    }))

  test.each(['moveBack', 'moveByPiscina'])('moves there and back: %s', (name) =>
    withRuntime({}, async (runtime) => {
      const bytes = new Uint8Array([1, 2, 3])
      const options = { export: name, transfer: [bytes.buffer] }
      const back = await runtime.run<(input: Uint8Array) => Uint8Array>(TASKS, bytes, options)
      expect(bytes.byteLength).toBe(0)
      expect(back).toEqual(new Uint8Array(name === 'moveBack' ? [7, 2, 3] : [1, 2, 3]))
    }),
  )

  test('keeps nothing of an answer that it moves', () =>
    withRuntime({ tasks: { threadsMax: 1 } }, async (runtime) => {
      type Moves = (size: number) => Transferred<{ kept: Uint8Array }>
      const { kept } = await runtime.run<Moves>(TASKS, 500, { export: 'moveKept' })
      expect(kept.byteLength).toBe(500)
      expect(await runtime.run<Loose>(TASKS, undefined, { export: 'keptSize' })).toBe(0)
    }))

  test('that is aborted or late never answers: waiting it never runs, running it costs its thread', () =>
    withRuntime({ tasks: { threadsMax: 1 } }, async (runtime) => {
      const controller = new AbortController()
      const spins = rejection(runtime.run<Loose>(TASKS, 0, { export: 'spin', signal: controller.signal }))
      const waits = rejection(runtime.run<Loose>(TASKS, 1, { signal: controller.signal }))
      await sleep(100)
      controller.abort(new Error('enough'))
      expect(await spins).toMatchObject({ code: 'SHL_TASK_ABORTED', cause: { message: 'enough' } })
      expect(await waits).toMatchObject({ code: 'SHL_TASK_ABORTED' })
      const late = runtime.run<Loose>(TASKS, 0, { export: 'spin', timeoutMs: 100 })
      expect(await rejection(late)).toMatchObject({
        code: 'SHL_TASK_TIMEOUT',
        retryable: true,
        details: { phase: 'running', timeoutMs: 100 },
      })
      const before = runtime.run<Loose>(TASKS, 1, { signal: AbortSignal.abort() })
      expect(await rejection(before)).toMatchObject({ code: 'SHL_TASK_ABORTED' })
      expect(await runtime.run<Loose>(TASKS, 4)).toBe(8)
      expect(runtime.tasks).toMatchObject({ aborted: 2, timedOut: 1, completed: 1 })
    }))

  test('that takes its thread with it is lost; those behind it run', () =>
    withRuntime({ tasks: { threadsMax: 1 } }, async (runtime) => {
      const lost = rejection(runtime.run<Loose>(TASKS, 0, { export: 'exit' }))
      const behind = [1, 2, 3].map((n) => runtime.run<Loose>(TASKS, n))
      expect(await lost).toMatchObject({ code: 'SHL_TASK_LOST', retryable: true })
      expect(await Promise.all(behind)).toEqual([2, 4, 6])
    }))

  test('waits by its priority, in order, and no more than are allowed', () =>
    withRuntime({ tasks: { threadsMax: 1, queueMax: 4 } }, async (runtime) => {
      const words = new Int32Array(new SharedArrayBuffer(4))
      const first = runtime.run<Loose>(TASKS, 150, { export: 'sleep' })
      await sleep(20)
      const sent = [3, 1, 0, 1].map((priority, i) =>
        runtime.run<Loose>(TASKS, { words, text: `${priority}.${i}` }, { export: 'stamp', priority }),
      )
      await sleep(0)
      expect(await rejection(runtime.run<Loose>(TASKS, 1))).toMatchObject({
        code: 'SHL_TASK_QUEUE_FULL',
        retryable: true,
      })
      await first
      const began = (await Promise.all(sent)) as { at: number; text: string }[]
      expect(began.sort((a, b) => a.at - b.at).map(({ text }) => text)).toEqual(['0.2', '1.1', '1.3', '3.0'])
    }))

  test('is cut by closing, and refused after it', async () => {
    const runtime = await createRuntime({ threads: 0, tasks: { threadsMax: 1 } })
    const cut = rejection(runtime.run<Loose>(TASKS, 0, { export: 'spin' }))
    const waiting = rejection(runtime.run<Loose>(TASKS, 1))
    await sleep(100)
    await runtime.close({ timeoutMs: 1500 })
    expect(await cut).toMatchObject({ code: 'SHL_TASK_POOL_CLOSED' })
    expect(await waiting).toMatchObject({ code: 'SHL_TASK_POOL_CLOSED' })
    expect(await rejection(runtime.run<Loose>(TASKS, 1))).toMatchObject({ code: 'SHL_RUNTIME_CLOSED' })
  })

  test('refuses options that cannot be', () =>
    withRuntime({}, async (runtime) => {
      const run = (options: object) => rejection(runtime.run<Loose>(TASKS, 1, options))
      expect(await run({ priority: 4 })).toMatchObject({ code: 'SHL_OPTION_INVALID' })
      expect(await run({ whenFull: 'drop' })).toMatchObject({ code: 'SHL_OPTION_INVALID' })
      expect(await run({ timeout: 4 })).toMatchObject({ code: 'SHL_OPTION_UNKNOWN' })
      expect(await rejection(createRuntime({ tasks: { threadsMax: 0 } }))).toMatchObject({
        code: 'SHL_OPTION_INVALID',
      })
    }))
})

describe('a task that finds the queue full', () => {
  const ONE_WAITS = { tasks: { threadsMax: 1, queueMax: 1 } }
  const wait = { whenFull: 'wait' } as const

  test('may wait for a place, by priority and in order', () =>
    withRuntime(ONE_WAITS, async (runtime) => {
      const words = new Int32Array(new SharedArrayBuffer(4))
      const first = runtime.run<Loose>(TASKS, 150, { export: 'sleep' })
      await sleep(20)
      const queued = runtime.run<Loose>(TASKS, { words, text: 'queued' }, { export: 'stamp', priority: 3 })
      const sent = [2, 1, 0, 1, 2].map((priority, i) => {
        const options = { ...wait, export: 'stamp', priority }
        return runtime.run<Loose>(TASKS, { words, text: `${priority}.${i}` }, options)
      })
      await sleep(0)
      expect(runtime.tasks).toMatchObject({ running: 1, queued: 1, waitingForPlace: 5 })
      expect(await rejection(runtime.run<Loose>(TASKS, 1))).toMatchObject({ code: 'SHL_TASK_QUEUE_FULL' })
      await first
      const began = (await Promise.all([queued, ...sent])) as { at: number; text: string }[]
      const order = began.sort((a, b) => a.at - b.at).map(({ text }) => text)
      expect(order).toEqual(['queued', '0.2', '1.1', '1.3', '2.0', '2.4'])
      expect(runtime.tasks).toMatchObject({ queued: 0, waitingForPlace: 0, completed: 7 })
    }))

  test('waits within its deadline and its signal', () =>
    withRuntime(ONE_WAITS, async (runtime) => {
      const controller = new AbortController()
      const first = runtime.run<Loose>(TASKS, 300, { export: 'sleep' })
      await sleep(20)
      const queued = runtime.run<Loose>(TASKS, 1)
      const late = rejection(runtime.run<Loose>(TASKS, 1, { ...wait, timeoutMs: 50 }))
      const cut = rejection(runtime.run<Loose>(TASKS, 1, { ...wait, signal: controller.signal }))
      const patient = runtime.run<Loose>(TASKS, 2, wait)
      controller.abort()
      expect(await cut).toMatchObject({ code: 'SHL_TASK_ABORTED' })
      expect(await late).toMatchObject({
        code: 'SHL_TASK_TIMEOUT',
        details: { phase: 'waiting for a place' },
      })
      expect(runtime.tasks).toMatchObject({ running: 1, queued: 1, waitingForPlace: 1, threads: 1 })
      expect(await Promise.all([first, queued, patient])).toEqual([300, 2, 4])
    }))

  test('is let in by a place that an aborted one leaves', () =>
    withRuntime(ONE_WAITS, async (runtime) => {
      const controller = new AbortController()
      const first = runtime.run<Loose>(TASKS, 100, { export: 'sleep' })
      await sleep(20)
      const queued = rejection(runtime.run<Loose>(TASKS, 1, { signal: controller.signal }))
      const next = runtime.run<Loose>(TASKS, 2, wait)
      await sleep(0)
      expect(runtime.tasks).toMatchObject({ queued: 1, waitingForPlace: 1 })
      controller.abort()
      await queued
      expect(runtime.tasks).toMatchObject({ queued: 1, waitingForPlace: 0 })
      expect(await Promise.all([first, next])).toEqual([100, 4])
    }))

  test('waits for a thread where none may be queued, and is refused by closing', async () => {
    const runtime = await createRuntime({ threads: 0, tasks: { threadsMax: 1, queueMax: 0 } })
    expect(await Promise.all([1, 2, 3].map((n) => runtime.run<Loose>(TASKS, n, wait)))).toEqual([2, 4, 6])
    const spins = rejection(runtime.run<Loose>(TASKS, 0, { export: 'spin' }))
    const waits = rejection(runtime.run<Loose>(TASKS, 0, wait))
    await sleep(50)
    await runtime.close({ timeoutMs: 1000 })
    expect(await spins).toMatchObject({ code: 'SHL_TASK_POOL_CLOSED' })
    expect(await waits).toMatchObject({ code: 'SHL_TASK_POOL_CLOSED' })
  })
})

describe('a signal that lives long', () => {
  const warnings: Error[] = []
  const onWarning = (warning: Error): void => void warnings.push(warning)

  test('keeps no listener of a task, however it ended', () =>
    withRuntime({ tasks: { threadsMax: 2, queueMax: 600 } }, async (runtime) => {
      process.on('warning', onWarning)
      const { signal } = new AbortController()
      const names = ['default', 'fail', 'notATask', 'missing']
      const ended = await Promise.allSettled(
        Array.from({ length: 1000 }, (_, i) => {
          const name = names[i % names.length]!
          const full = i % 3 === 0 ? 'reject' : 'wait'
          return runtime.run<Loose>(TASKS, i, { export: name, signal, timeoutMs: 20_000, whenFull: full })
        }),
      )
      expect(ended.filter(({ status }) => status === 'rejected').length).toBeGreaterThanOrEqual(750)
      const lost = runtime.run<Loose>(TASKS, 0, { export: 'exit', signal })
      expect(await rejection(lost)).toMatchObject({ code: 'SHL_TASK_LOST' })
      const late = runtime.run<Loose>(TASKS, 0, { export: 'spin', signal, timeoutMs: 50 })
      expect(await rejection(late)).toMatchObject({ code: 'SHL_TASK_TIMEOUT' })
      const refused = runtime.run<Loose>(TASKS, () => 1, { signal })
      expect(await rejection(refused)).toMatchObject({ code: 'SHL_VALUE_NOT_SENDABLE' })
      await sleep(0)
      process.off('warning', onWarning)
      expect(warnings).toEqual([])
      expect(getEventListeners(signal, 'abort')).toEqual([])
    }))

  test('ends a task whose thread has not started, and all others of it at once', () =>
    withRuntime({ tasks: { threadsMax: 1 } }, async (runtime) => {
      const controller = new AbortController()
      const { signal } = controller
      const cut = Array.from({ length: 500 }, (_, i) => rejection(runtime.run<Loose>(TASKS, i, { signal })))
      while (runtime.tasks === undefined || runtime.tasks.running === 0) await sleep(0)
      controller.abort()
      for (const error of await Promise.all(cut)) expect(error).toMatchObject({ code: 'SHL_TASK_ABORTED' })
      expect(runtime.tasks).toMatchObject({ aborted: 500, running: 0, queued: 0, completed: 0 })
      expect(getEventListeners(signal, 'abort')).toEqual([])
      expect(await runtime.run<Loose>(TASKS, 4)).toBe(8)
    }))
})

test('a process is held by a task that runs, and by nothing after it', async () => {
  const program = `
    const { createRuntime } = await import('shardloom')
    const runtime = await createRuntime({ threads: 0 })
    runtime.run(new URL(${JSON.stringify(TASKS.href)}), 200, { export: 'sleep' }).then(console.log)
  `
  const cwd = new URL('../..', import.meta.url)
  const options = { cwd, timeout: 15_000 }
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--eval', program],
    options,
  )
  expect(stdout.trim()).toBe('200')
})
