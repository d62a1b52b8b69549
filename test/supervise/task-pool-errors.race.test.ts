/** Errors of tasks on real threads: they arrive as they were thrown, and as a clear code where none was. */
import { ShardloomError } from 'shardloom'
import { describe, expect, test } from 'vitest'
import { rejection, testRuntime } from '../support/runtime.ts'

const TASKS = new URL('../support/actors/tasks.mjs', import.meta.url)

/** The test tasks are plain JavaScript. */
type Loose = (input: unknown) => unknown

describe('an error of a task', () => {
  test('keeps its class, code, properties and causes', async () => {
    const runtime = await testRuntime({ threads: 0 })
    const details = { at: new Date(5), list: [1, 2] }
    const input = { message: 'deep', details }
    const error = await rejection(runtime.run<Loose>(TASKS, input, { export: 'failDeep' }))
    expect(error).toBeInstanceOf(RangeError)
    expect(error.constructor.name).toBe('TaskError')
    expect(error).toMatchObject({ name: 'TaskError', message: 'deep', code: 'E_DEEP', details })
    const middle = error['cause'] as AggregateError
    expect(middle).toBeInstanceOf(AggregateError)
    expect(middle.errors[1]).toBe('a text')
    const root = middle.cause as Error & Record<string, unknown>
    expect(root).toBeInstanceOf(TypeError)
    expect(root).toMatchObject({ message: 'the root', code: 'E_ROOT', at: new Date(0) })
    expect(middle.errors[0]).toBe(root)
    expect(runtime.tasks).toMatchObject({ failed: 1, lost: 0, threads: 1 })
  })

  test('shows where it was thrown and who ran it', async () => {
    const runtime = await testRuntime({ threads: 0 })
    async function whoRanIt(): Promise<unknown> {
      return await runtime.run<Loose>(TASKS, 'x', { export: 'fail' })
    }
    const { stack } = await rejection(whoRanIt())
    expect(stack).toMatch(/tasks\.mjs.*run from.*whoRanIt/s)
  })

  test('that is no error is wrapped in one', async () => {
    const runtime = await testRuntime({ threads: 0 })
    const error = await rejection(runtime.run<Loose>(TASKS, 'a text', { export: 'failWithText' }))
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({ message: 'thrown: a text', cause: 'a text' })
  })

  test('that nobody can catch loses the thread', async () => {
    const runtime = await testRuntime({ threads: 0, tasks: { threadsMax: 1 } })
    const error = await rejection(runtime.run<Loose>(TASKS, 0, { export: 'failLater' }))
    expect(error).toMatchObject({ code: 'SHL_TASK_LOST', cause: { message: 'later' } })
    expect(await runtime.run<Loose>(TASKS, 2)).toBe(4)
    expect(runtime.tasks).toMatchObject({ failed: 0, lost: 1, completed: 1 })
  })
})

describe('a module that is no task', () => {
  test.each([
    ['./no-such-file.mjs', undefined, 'the file does not exist'],
    ['../support/actors/tasks.mjs', 'missing', 'it has no export missing; it exports TaskError, '],
    ['../support/actors/tasks.mjs', 'notATask', 'its export notATask is no function'],
  ])('%s, export %s', async (path, name, text) => {
    const runtime = await testRuntime({ threads: 0 })
    const options = name === undefined ? {} : { export: name }
    const error = await rejection(runtime.run<Loose>(new URL(path, import.meta.url), 1, options))
    expect(error).toBeInstanceOf(ShardloomError)
    expect(error).toMatchObject({ code: 'SHL_TASK_MODULE', retryable: false })
    expect(error.message).toContain(text)
    expect(error.message).toContain(`module=${new URL(path, import.meta.url).href}`)
    expect(runtime.tasks).toMatchObject({ failed: 1, lost: 0 })
  })
})

describe('a value that cannot cross', () => {
  test('is refused on its way to the task and back', async () => {
    const runtime = await testRuntime({ threads: 0, tasks: { threadsMax: 1 } })
    const there = await rejection(runtime.run<Loose>(TASKS, () => undefined))
    expect(there).toMatchObject({ code: 'SHL_VALUE_NOT_SENDABLE', details: { path: 'input' } })
    const back = await rejection(runtime.run<Loose>(TASKS, 1, { export: 'answerWithFunction' }))
    expect(back).toMatchObject({ code: 'SHL_VALUE_NOT_SENDABLE', details: { path: 'answer' } })
    expect(await runtime.run<Loose>(TASKS, 1)).toBe(2)
    expect(runtime.tasks).toMatchObject({ failed: 2, completed: 1, lost: 0 })
  })
})
