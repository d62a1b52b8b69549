/** A late failure finds out who waits for it. */
import { describe, expect, test } from 'vitest'
import { rejectWithAskerStack } from '../../src/codec/index.ts'

/** A question that fails later, from the event loop, and the frames that the failure found. */
function question(): { answer: Promise<unknown>; frames: () => string } {
  let found = 'not built'
  const answer = new Promise((resolve) => {
    setImmediate(() =>
      rejectWithAskerStack(resolve, (askerStack) => {
        found = askerStack
        return new TypeError('late')
      }),
    )
  })
  return { answer, frames: () => found }
}

/** The names of the functions in the frames. */
async function askersOf(ask: (answer: Promise<unknown>) => unknown): Promise<string[]> {
  const { answer, frames } = question()
  await expect(ask(answer)).rejects.toBeInstanceOf(TypeError)
  return [...frames().matchAll(/^ +at (?:async )?([\w.]+)/gm)].map((match) => match[1] as string)
}

describe('the asker', () => {
  test('is the function that awaits, and those that await it', async () => {
    async function inner(answer: Promise<unknown>) {
      await answer
    }
    async function outer(answer: Promise<unknown>) {
      await inner(answer)
    }
    expect((await askersOf(outer)).slice(0, 2)).toEqual(['inner', 'outer'])
  })

  test('is found through return, try, and finally', async () => {
    async function returning(answer: Promise<unknown>) {
      return answer
    }
    async function trying(answer: Promise<unknown>) {
      try {
        await returning(answer)
      } finally {
        await null
      }
    }
    expect((await askersOf(trying))[0]).toBe('trying')
  })

  test('is found through Promise.all, race and allSettled', async () => {
    async function all(answer: Promise<unknown>) {
      await Promise.all([1, answer])
    }
    async function race(answer: Promise<unknown>) {
      await Promise.race([answer, new Promise(() => {})])
    }
    async function settled(answer: Promise<unknown>) {
      const [result] = await Promise.allSettled([answer])
      throw (result as PromiseRejectedResult).reason
    }
    expect((await askersOf(all)).slice(0, 2)).toEqual(['Promise.all', 'all'])
    expect((await askersOf(race))[0]).toBe('race')
    expect((await askersOf(settled)).slice(0, 2)).toEqual(['Promise.allSettled', 'settled'])
  })

  test('is found behind then and finally', async () => {
    async function chaining(answer: Promise<unknown>) {
      await answer.then((value) => value).finally(() => {})
    }
    expect((await askersOf(chaining))[0]).toBe('chaining')
  })

  test('is found behind an async generator', async () => {
    async function* generator(answer: Promise<unknown>) {
      yield await answer
    }
    async function consumer(answer: Promise<unknown>) {
      for await (const _ of generator(answer));
    }
    expect((await askersOf(consumer)).slice(0, 2)).toEqual(['generator', 'consumer'])
  })

  test('is nobody when only a callback waits', async () => {
    const { answer, frames } = question()
    await new Promise((resolve) => answer.then(undefined, resolve))
    expect(frames()).toBe('')
  })

  test('may come after the failure', async () => {
    const { answer, frames } = question()
    answer.catch(() => {})
    await new Promise((resolve) => setTimeout(resolve, 5))
    await expect(answer).rejects.toThrow('late')
    expect(frames()).toBe('')
  })
})

describe('the failure', () => {
  test('rejects with the very error that was built, once', async () => {
    const error = new RangeError('mine')
    let built = 0
    const answer = new Promise((resolve) => {
      rejectWithAskerStack(resolve, () => {
        built++
        return error
      })
    })
    await expect(answer).rejects.toBe(error)
    expect(built).toBe(1)
  })

  test('arrives in the order of the calls', async () => {
    const order: number[] = []
    const answers = [1, 2, 3].map((number) =>
      new Promise((resolve) => rejectWithAskerStack(resolve, () => new Error(String(number)))).catch(
        (error: Error) => order.push(Number(error.message)),
      ),
    )
    await Promise.all(answers)
    expect(order).toEqual([1, 2, 3])
  })

  test('is unhandled once when nobody waits', async () => {
    const unhandled: unknown[] = []
    const note = (reason: unknown) => unhandled.push(reason)
    const others = process.listeners('unhandledRejection')
    process.removeAllListeners('unhandledRejection')
    process.on('unhandledRejection', note)
    void new Promise((resolve) => rejectWithAskerStack(resolve, () => new Error('alone')))
    await new Promise((resolve) => setTimeout(resolve, 10))
    process.off('unhandledRejection', note)
    for (const other of others) process.on('unhandledRejection', other)
    expect(unhandled).toEqual([new Error('alone')])
  })

  test('leaves the limit of stack traces alone, and obeys one of zero', async () => {
    const limit = Error.stackTraceLimit
    try {
      for (const tried of [0, 3, 50]) {
        Error.stackTraceLimit = tried
        const askers = await askersOf(async function waiting(answer) {
          await answer
        })
        expect(Error.stackTraceLimit).toBe(tried)
        expect(askers.length > 0).toBe(tried > 0)
      }
    } finally {
      Error.stackTraceLimit = limit
    }
  })

  test('survives a prepareStackTrace of the program', async () => {
    const before = Error.prepareStackTrace
    Error.prepareStackTrace = (_, frames) => frames
    try {
      expect(await askersOf(async (answer) => await answer)).toEqual([])
    } finally {
      Error.prepareStackTrace = before
    }
  })
})
