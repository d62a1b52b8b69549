/** Streaming answers: pulled by the consumer, cancelled by it, and ended by whatever ends their producer. */
import { describe, expect, test } from 'vitest'
import { rejection, sleep, spawnTester, testRuntime, until } from '../support/runtime.ts'

async function collect(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const items: unknown[] = []
  for await (const item of stream) items.push(item)
  return items
}

describe('a stream', () => {
  test.each(['shared', 'main'] as const)('yields every item in order (%s)', async (placement) => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime, { placement })
    expect(await collect(ref.stream('count', 5))).toEqual([1, 2, 3, 4, 5])
    expect(await collect(ref.stream('countSync', 1000, { window: 16 }))).toHaveLength(1000)
    expect(await collect(ref.stream('count', 0))).toEqual([])
  })

  test('runs only as far as it is pulled', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime)
    const steps = runtime.counter('test_stream_steps')
    const stream = ref.stream('count', 1000)
    await stream.next()
    await stream.next()
    await sleep(20)
    expect(steps.value()).toBeLessThanOrEqual(3)
    await stream.return?.()
    await until(() => runtime.counter('test_stream_closed').value() === 1, 'the generator is closed')
  })

  test('closes its generator on break', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime)
    for await (const item of ref.stream('count', 1_000_000, { window: 8 })) if (item === 3) break
    await until(() => runtime.counter('test_stream_closed').value() === 1, 'the generator is closed')
    expect(runtime.inspect().pendingAsks).toBe(0)
  })

  test('ends with the error of its generator, after the items before it', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime)
    const stream = ref.stream('failAfter', 2, { window: 4 })
    expect(await stream.next()).toEqual({ done: false, value: 1 })
    expect(await stream.next()).toEqual({ done: false, value: 2 })
    expect(await rejection(stream.next())).toMatchObject({ message: 'stream failed', code: 'E_CUSTOM' })
    expect((await stream.next()).done).toBe(true)
  })

  test('does not hold up other messages of its actor', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime)
    const stream = ref.stream('endless', 5)
    expect((await stream.next()).value).toBe(0)
    const waiting = stream.next()
    expect(await ref.ask('echo', 'meanwhile')).toBe('meanwhile')
    expect((await waiting).value).toBe(1)
    await stream.return?.()
  })

  test('has a deadline for each item, and obeys its signal', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime)
    const slow = ref.stream('endless', 10_000, { timeoutMs: 20 })
    expect(await rejection(slow.next())).toMatchObject({ code: 'SHL_ASK_TIMEOUT' })
    const controller = new AbortController()
    const aborted = ref.stream('endless', 10_000, { signal: controller.signal })
    const waiting = rejection(aborted.next())
    controller.abort()
    expect(await waiting).toMatchObject({ code: 'SHL_ASK_ABORTED' })
  })

  test('of a handler that does not stream says so, and so does an ask of one that does', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime)
    expect(await rejection(ref.stream('echo', 1).next())).toMatchObject({ code: 'SHL_NOT_A_STREAM' })
    expect(await rejection(ref.ask('count', 1))).toMatchObject({ code: 'SHL_HANDLER_FAILED' })
  })

  test('ends when its actor or its thread ends', async () => {
    const runtime = await testRuntime()
    const first = await spawnTester(runtime)
    const stopped = first.stream('endless', 10_000)
    const waiting = rejection(stopped.next())
    await sleep(10)
    await first.stop()
    expect(await waiting).toMatchObject({ code: 'SHL_ACTOR_STOPPED' })
    const second = await spawnTester(runtime)
    const lost = rejection(second.stream('endless', 10_000).next())
    await sleep(10)
    await runtime.killThread(second.thread)
    expect(await lost).toMatchObject({ code: 'SHL_THREAD_LOST' })
  })
})
