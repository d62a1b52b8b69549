/** Threads that end in every way they can: each is a distinct, reported reason, and nobody waits for ever. */
import type { RuntimeEvent } from 'shardloom'
import { describe, expect, test } from 'vitest'
import { rejection, sleep, spawnTester, testRuntime, until } from '../support/runtime.ts'

async function runtimeWithEvents(threads = 1, extra: object = {}) {
  const events: RuntimeEvent[] = []
  const runtime = await testRuntime({ threads, onEvent: (event) => events.push(event), ...extra })
  return { runtime, events, ofType: (type: string) => events.filter((event) => event.type === type) }
}

describe('a lost thread', () => {
  test.each([
    ['process_exit', 'exit', 3],
    ['crashed', 'crashLater', undefined],
  ] as const)('that ended by %s says so to watchers and askers', async (cause, type, payload) => {
    const { runtime, ofType } = await runtimeWithEvents()
    const ref = await spawnTester(runtime)
    const watched = runtime.watch(ref)
    const waiting = rejection(ref.ask('sleep', 10_000))
    ref.tell('log')
    ref.tell(type, payload)
    // The sleeping ask keeps the actor busy: a second one on the same thread does the damage.
    const other = await spawnTester(runtime)
    other.tell(type, payload)
    expect(await watched).toMatchObject({ type: 'thread_lost', cause })
    expect(await waiting).toMatchObject({ code: 'SHL_THREAD_LOST', retryable: true })
    await until(() => ofType('thread_replaced').length === 1, 'a replacement')
    expect(ofType('thread_lost')).toMatchObject([{ cause, kind: 'shared' }])
    const next = await spawnTester(runtime)
    expect(await next.ask('echo', 1)).toBe(1)
  })

  test('that ran out of memory says so', async () => {
    const { runtime } = await runtimeWithEvents(1, { resourceLimits: { maxOldGenerationSizeMb: 24 } })
    const ref = await spawnTester(runtime)
    const watched = runtime.watch(ref)
    ref.tell('bloat')
    expect(await watched).toMatchObject({ type: 'thread_lost', cause: 'out_of_memory' })
  })

  test('takes only its own actors with it', async () => {
    const { runtime } = await runtimeWithEvents(2)
    const a = await spawnTester(runtime)
    const b = await spawnTester(runtime)
    expect(a.thread).not.toBe(b.thread)
    await runtime.killThread(a.thread)
    expect(await b.ask('echo', 'alive')).toBe('alive')
    expect(await rejection(a.ask('echo', 1))).toMatchObject({ code: 'SHL_THREAD_LOST' })
    expect(a.tell('echo', 1)).toBe(false)
    expect(await a.stop()).toMatchObject({ type: 'thread_lost', cause: 'terminated' })
    // Word of it reaches the other threads too.
    const c = (await b.ask('echo', a)) as typeof a
    expect(c.equals(a)).toBe(true)
    expect(await b.ask('tellThrough', { ref: a, type: 'note', payload: 'x' })).toBe(false)
  })

  test('that spins is ended when its dedicated actor does not stop', async () => {
    const { runtime } = await runtimeWithEvents()
    const ref = await spawnTester(runtime, { placement: 'dedicated' })
    expect(await rejection(ref.ask('spin', undefined, { timeoutMs: 50 }))).toMatchObject({
      code: 'SHL_ASK_TIMEOUT',
    })
    expect(await ref.stop({ timeoutMs: 50 })).toMatchObject({ type: 'thread_lost', cause: 'unresponsive' })
  })

  test('under load leaves every ask settled and no place taken', async () => {
    const { runtime } = await runtimeWithEvents(2)
    const target = await spawnTester(runtime, { placement: 'main', mailbox: { depthMax: 64 } })
    const senders = await Promise.all([spawnTester(runtime), spawnTester(runtime)])
    const asked: Promise<unknown>[] = []
    for (let i = 0; i < 400; i++) {
      const sender = senders[i % 2]!
      asked.push(sender.ask('tellThrough', { ref: target, type: 'add', payload: 1 }).catch((error) => error))
      if (i === 200) void runtime.killThread(senders[0]!.thread)
      if (i % 50 === 0) await sleep(1)
    }
    await Promise.all(asked)
    await until(
      async () => (await target.ask('echo', 1)) === 1 && target.depth === 0,
      'no place is left taken',
    )
    expect(runtime.inspect().pendingAsks).toBe(0)
  })

  test('that was dedicated is not replaced', async () => {
    const { runtime, ofType } = await runtimeWithEvents()
    const ref = await spawnTester(runtime, { placement: 'dedicated' })
    expect(await ref.stop()).toEqual({ type: 'stopped' })
    await until(() => ofType('thread_stopped').length === 1, 'its thread stops')
    const other = await spawnTester(runtime, { placement: 'dedicated' })
    await runtime.killThread(other.thread)
    await sleep(20)
    expect(ofType('thread_replaced')).toEqual([])
  })
})
