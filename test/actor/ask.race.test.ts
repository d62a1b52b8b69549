/** Asks between real threads: every one of them settles, once, with what its answer says. */
import { execFile } from 'node:child_process'
import { getEventListeners } from 'node:events'
import { promisify } from 'node:util'
import { MessageChannel } from 'node:worker_threads'
import { ShardloomError } from 'shardloom'
import { describe, expect, test } from 'vitest'
import { rejection, sleep, spawnTester, testRuntime, until } from '../support/runtime.ts'

const ASKER = new URL('../support/asker.mjs', import.meta.url)

describe('ask', () => {
  test('answers with what the handler returns, in the order of sending', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime)
    const values = [
      1,
      'two',
      null,
      undefined,
      { a: [1, { b: new Map([['k', new Set([1n])]]) }] },
      new Date(5),
    ]
    const answers = await Promise.all(values.map((value) => ref.ask('echo', value)))
    expect(answers).toEqual(values)
  })

  test('lets the event loop turn, however often somebody repeats what is refused', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime)
    await ref.stop()
    let hasTurned = false
    setTimeout(() => {
      hasTurned = true
    }, 1)
    const codes = new Set<unknown>()
    const endMs = performance.now() + 10_000
    while (!hasTurned && performance.now() < endMs) codes.add((await rejection(ref.ask('echo', 1)))['code'])
    expect(hasTurned).toBe(true)
    expect([...codes]).toEqual(['SHL_ACTOR_NOT_FOUND'])
    await runtime.close()
    setTimeout(() => {
      hasTurned = false
    }, 1)
    while (hasTurned && performance.now() < endMs) await rejection(ref.ask('echo', 1))
    expect(hasTurned).toBe(false)
  })

  test('keeps cycles and shared references, and copies also on the same thread', async () => {
    const runtime = await testRuntime()
    const here = await spawnTester(runtime, { placement: 'main' })
    const there = await spawnTester(runtime)
    for (const ref of [here, there]) {
      const value: Record<string, unknown> = { list: [1] }
      value['self'] = value
      const answer = (await ref.ask('echo', value)) as Record<string, unknown>
      expect(answer).not.toBe(value)
      expect(answer['self']).toBe(answer)
    }
  })

  test('keeps small, large and transferred messages of one sender in order', async () => {
    const runtime = await testRuntime({ limits: { ringBytes: 4096 } })
    const ref = await spawnTester(runtime)
    const sizes = Array.from({ length: 200 }, (_, i) => (i % 7 === 0 ? 5000 + i : i % 40))
    const answers = await Promise.all(
      sizes.map((size, i) => {
        const bytes = new Uint8Array(size).fill(i)
        const options = i % 3 === 0 && size > 0 ? { transfer: [bytes.buffer] } : {}
        return ref.ask('echo', { i, bytes }, options) as Promise<{ i: number; bytes: Uint8Array }>
      }),
    )
    for (const [i, answer] of answers.entries()) {
      expect(answer.i).toBe(i)
      expect(answer.bytes).toEqual(new Uint8Array(sizes[i]!).fill(i))
    }
  })

  test('moves what is listed in transfer, there and back', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime)
    const bytes = new Uint8Array(100_000).fill(7)
    const answer = (await ref.ask('move', bytes, { transfer: [bytes.buffer] })) as Uint8Array
    expect(bytes.byteLength).toBe(0)
    expect(answer.length).toBe(100_000)
    const { port1, port2 } = new MessageChannel()
    ref.tell('portEcho', port2, { transfer: [port2] })
    const echoed = new Promise((resolve) => port1.once('message', resolve))
    port1.postMessage('through the port')
    expect(await echoed).toBe('through the port')
    port1.close()
  })

  test('rejects with the error of the handler: class, code, fields, cause and stack', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime)
    const error = await rejection(ref.ask('fail', 'it failed'))
    expect(error).toBeInstanceOf(Error)
    expect(error.constructor.name).toBe('CustomError')
    expect(error).toMatchObject({ message: 'it failed', code: 'E_CUSTOM', status: 418 })
    expect(error['cause']).toBeInstanceOf(RangeError)
    expect(error.stack).toContain('tester.mjs')
    expect(await ref.ask('echo', 'still there')).toBe('still there')
  })

  test('shows who asked below where it failed, in a program of its own', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [ASKER.pathname])
    const [origin = '', asked = ''] = stdout.split('--- asked from ---')
    expect(origin).toContain('tester.mjs')
    expect(asked).toMatch(/async theAsker[\s\S]*async theCaller/)
  })

  test('rejects when the answer cannot cross, and names the place', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime)
    expect(await rejection(ref.ask('badAnswer'))).toMatchObject({ code: 'SHL_VALUE_NOT_SENDABLE' })
  })

  test('rejects what cannot be sent before anything happens, with its path', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime)
    const message = { options: { onDone: () => 1 } }
    const error = await rejection(ref.ask('echo', message))
    expect(error).toMatchObject({ code: 'SHL_VALUE_NOT_SENDABLE' })
    expect(error.message).toContain('message.options.onDone is a function')
    expect(() => ref.tell('echo', message)).toThrow(/message\.options\.onDone/)
    expect(ref.depth).toBe(0)
  })

  test('of an unknown message names the handlers that there are', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime)
    const error = await rejection(ref.ask('ecko', 1))
    expect(error).toMatchObject({ code: 'SHL_MESSAGE_UNKNOWN' })
    expect(error.message).toContain('echo')
    expect(await rejection(ref.ask('constructor', 1))).toMatchObject({ code: 'SHL_MESSAGE_UNKNOWN' })
  })

  test('times out, and what is still queued never runs', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime)
    const blocked = ref.ask('block', 150)
    const error = await rejection(ref.ask('slowNote', { text: 'never', ms: 0 }, { timeoutMs: 20 }))
    expect(error).toMatchObject({ code: 'SHL_ASK_TIMEOUT', retryable: true })
    await blocked
    expect(await ref.ask('log')).toEqual([])
  })

  test('with an aborted signal rejects at once; aborting later cancels what is queued', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime)
    expect(await rejection(ref.ask('echo', 1, { signal: AbortSignal.abort('why') }))).toMatchObject({
      code: 'SHL_ASK_ABORTED',
      cause: 'why',
    })
    const blocked = ref.ask('block', 100)
    const controller = new AbortController()
    const queued = rejection(ref.ask('slowNote', { text: 'never', ms: 0 }, { signal: controller.signal }))
    await sleep(10)
    controller.abort(new Error('changed my mind'))
    expect(await queued).toMatchObject({ code: 'SHL_ASK_ABORTED' })
    await blocked
    expect(await ref.ask('log')).toEqual([])
    expect(ref.depth).toBe(0)
  })

  test('may share a signal with many others: it has one listener while they wait', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime)
    const { signal } = new AbortController()
    const blocked = ref.ask('block', 50)
    const asks = Array.from({ length: 20 }, (_, i) => ref.ask('echo', i, { signal }))
    expect(getEventListeners(signal, 'abort').length).toBe(1)
    await Promise.all([blocked, ...asks])
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test('aborts the signal of a running handler', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime)
    // One that is given up before it has come is not handled at all.
    await until(async () => {
      const controller = new AbortController()
      const asked = rejection(ref.ask('waitForAbort', undefined, { signal: controller.signal }))
      await sleep(20)
      controller.abort()
      expect(await asked).toMatchObject({ code: 'SHL_ASK_ABORTED' })
      return (await ref.ask('aborted')) === 1
    }, 'the handler sees the abort')
  })

  test('is seen as cancelled by a synchronous loop on another thread', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime)
    const counter = runtime.counter('test_cancelled_loops')
    expect(await rejection(ref.ask('spinUntilCancelled', undefined, { timeoutMs: 30 }))).toMatchObject({
      code: 'SHL_ASK_TIMEOUT',
    })
    await until(() => counter.value() === 1, 'the loop ends')
    expect(await ref.ask('echo', 1)).toBe(1)
  })

  test('carries its deadline along the chain, and cancels the asks made for it', async () => {
    const runtime = await testRuntime({ threads: 2 })
    const first = await spawnTester(runtime)
    const second = await spawnTester(runtime)
    const left = await first.ask('forwardDeadline', { ref: second, timeoutMs: 60_000 }, { timeoutMs: 800 })
    expect(left).toBeLessThanOrEqual(800)
    expect(left).toBeGreaterThan(0)
    const controller = new AbortController()
    const asked = rejection(first.ask('forwardWait', second, { signal: controller.signal }))
    await sleep(20)
    controller.abort()
    await asked
    await until(async () => (await second.ask('aborted')) === 1, 'the nested ask is cancelled')
  })

  test('refuses bad options with the option, the value and what is allowed', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime)
    const error = await rejection(ref.ask('echo', 1, { timeoutMs: -1 }))
    expect(error).toBeInstanceOf(ShardloomError)
    expect(error.message).toMatch(/timeoutMs=-1 allowed=0\.\./)
    expect(() => ref.tell('echo', 1, { priority: 9 })).toThrow(/priority=9 allowed=integer 0\.\.3/)
  })

  test('more of them than the limit are refused, and the rest settle', async () => {
    const runtime = await testRuntime({ limits: { asksMax: 64 } })
    const ref = await spawnTester(runtime)
    const settled = await Promise.allSettled(Array.from({ length: 100 }, (_, i) => ref.ask('echo', i)))
    const refused = settled.filter((one) => one.status === 'rejected')
    expect(refused.length).toBe(36)
    expect(refused[0]!.reason).toMatchObject({ code: 'SHL_ASK_LIMIT' })
    expect(runtime.inspect().pendingAsks).toBe(0)
  })
})
