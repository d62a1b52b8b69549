/** Tasks on real threads: answers, errors, limits, cancelling, and tasks that take their thread with them. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Runtime, RuntimeOptions } from 'shardloom'
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

  test('rejects with its error', () =>
    withRuntime({}, async (runtime) => {
      const error = await rejection(runtime.run<Loose>(TASKS, 'no luck', { export: 'fail' }))
      expect(error).toMatchObject({ name: 'RangeError', message: 'no luck' })
      expect(runtime.tasks).toMatchObject({ failed: 1 })
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
      expect(await rejection(late)).toMatchObject({ code: 'SHL_TASK_TIMEOUT', retryable: true })
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
      expect(await run({ timeout: 4 })).toMatchObject({ code: 'SHL_OPTION_UNKNOWN' })
      expect(await rejection(createRuntime({ tasks: { threadsMax: 0 } }))).toMatchObject({
        code: 'SHL_OPTION_INVALID',
      })
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
