/** The pool as it is in a bundle that has lost the file of the runner: Piscina loads the task by itself. */
import { Piscina } from 'piscina'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../src/base/index.ts'
import type { RunningChild } from '../../src/supervise/child-spec.ts'
import { taskPoolOptions } from '../../src/supervise/task-options.ts'
import { TaskPool, type TaskThreads } from '../../src/supervise/task-pool.ts'
import { rejection } from '../support/runtime.ts'

const TASKS = new URL('../support/actors/tasks.mjs', import.meta.url).href
const times = { record: () => undefined, snapshot: () => ({ p50: 0, p99: 0, max: 0 }) }

let pool: TaskPool
let child: RunningChild
let threads: TaskThreads & { emit(event: string, error: Error): void }

beforeEach(async () => {
  pool = new TaskPool({
    clock: systemClock(),
    options: taskPoolOptions({ threadsMax: 1 }, 1),
    waitMs: times,
    runMs: times,
    runner: undefined,
    create: (options) => {
      threads = new Piscina(options)
      return threads
    },
  })
  child = await pool.start()
})

afterEach(async () => {
  child.stop()
  await child.ended
})

test('tasks run, move, fail and are lost as far as Piscina tells', async () => {
  expect(await pool.run(TASKS, 4, {})).toBe(8)
  const bytes = new Uint8Array(5)
  const options = { export: 'moveByPiscina', transfer: [bytes.buffer] }
  expect(await pool.run(TASKS, bytes, options)).toEqual(new Uint8Array(5))
  expect(bytes.byteLength).toBe(0)
  const failed = await rejection(pool.run(TASKS, 'no luck', { export: 'fail' }))
  expect(failed).toBeInstanceOf(RangeError)
  expect(failed.message).toBe('no luck')
  const lost = await rejection(pool.run(TASKS, 1, { export: 'exit' }))
  expect(lost).toMatchObject({ code: 'SHL_TASK_LOST' })
  expect(pool.stats()).toMatchObject({ completed: 2, failed: 1, lost: 1 })
})

test('a pool that fails loses what runs, keeps what waits, and goes on when started again', async () => {
  const runs = rejection(pool.run(TASKS, 0, { export: 'spin' }))
  const waits = pool.run(TASKS, 4, {})
  threads.emit('error', new Error('an idle thread failed'))
  expect(await runs).toMatchObject({ code: 'SHL_TASK_LOST' })
  expect(await child.ended).toMatchObject({ message: 'an idle thread failed' })
  expect(pool.stats()).toMatchObject({ running: 0, queued: 1, lost: 1 })
  child = await pool.start()
  expect(await waits).toBe(8)
})

test('a pool that nobody starts again refuses what waits and what comes', async () => {
  const runs = rejection(pool.run(TASKS, 0, { export: 'spin' }))
  const waits = rejection(pool.run(TASKS, 4, {}))
  threads.emit('error', new Error('an idle thread failed'))
  await runs
  pool.end()
  expect(await waits).toMatchObject({ code: 'SHL_TASK_POOL_CLOSED' })
  expect(await rejection(pool.run(TASKS, 4, {}))).toMatchObject({ code: 'SHL_TASK_POOL_CLOSED' })
})
