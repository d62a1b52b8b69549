/** Routers over real actors: who gets what, resized while in use, and routees that die. */
import type { ActorRef, ActorRouter, RouterOptions, Runtime } from 'shardloom'
import { describe, expect, test } from 'vitest'
import { rejection, sleep, spawnTester, TESTER, testRuntime, until } from '../support/runtime.ts'

// biome-ignore lint/suspicious/noExplicitAny: the test actors are plain JavaScript.
function router(runtime: Runtime, options: RouterOptions): Promise<ActorRouter<any>> {
  return runtime.router(TESTER, { export: 'tester', ...options })
}

async function sums(pool: ActorRouter<never>): Promise<number[]> {
  return Promise.all(
    pool.refs.map((ref) => (ref as never as { ask(type: string): Promise<number> }).ask('sum')),
  )
}

describe('a router', () => {
  test('with round_robin gives everybody the same', async () => {
    const runtime = await testRuntime({ threads: 2 })
    const pool = await router(runtime, { size: 4 })
    for (let i = 0; i < 40; i++) pool.tell('add', 1)
    expect(await sums(pool as never)).toEqual([10, 10, 10, 10])
  })

  test('with least_mailbox leaves the busy one alone', async () => {
    const runtime = await testRuntime({ threads: 2 })
    const pool = await router(runtime, { size: 2, strategy: 'least_mailbox' })
    const [busy] = pool.refs
    const blocked = busy!.ask('block', 100)
    for (let i = 0; i < 20; i++) busy!.tell('note', 'waits')
    await Promise.all(Array.from({ length: 10 }, () => pool.ask('add', 1)))
    await blocked
    expect((await sums(pool as never)).sort((a, b) => a - b)).toEqual([0, 10])
  })

  test('with consistent_hash keeps keys, and moves few of them on a resize', async () => {
    const runtime = await testRuntime()
    const pool = await router(runtime, { size: 4, strategy: 'consistent_hash' })
    const keys = Array.from({ length: 200 }, (_, i) => `key-${i}`)
    const owners = async (): Promise<string[]> => {
      const found: string[] = []
      for (const key of keys) {
        await pool.ask('note', key)
        for (const ref of pool.refs) {
          const log = (await ref.ask('log')) as string[]
          if (log.at(-1) === key) found.push(ref.address)
        }
      }
      return found
    }
    const before = await owners()
    expect(await owners()).toEqual(before)
    expect(new Set(before).size).toBe(4)
    await pool.resize(5)
    const after = await owners()
    const moved = after.filter((owner, i) => owner !== before[i]).length
    expect(moved).toBeGreaterThan(10)
    expect(moved).toBeLessThan(90)
  })

  test('with broadcast reaches everybody and answers with all answers', async () => {
    const runtime = await testRuntime()
    const pool = await router(runtime, { size: 3, strategy: 'broadcast' })
    expect(pool.tell('add', 2)).toBe(true)
    expect(await pool.ask('sum')).toEqual([2, 2, 2])
  })

  test('has a ref that works on any thread: answers, errors, streams, and many at once', async () => {
    const runtime = await testRuntime({ threads: 2 })
    const pool = await router(runtime, { size: 4 })
    const ref = await pool.ref()
    expect(await pool.ref()).toBe(ref)
    const other = await spawnTester(runtime)
    expect(await other.ask('tellThrough', { ref, type: 'add', payload: 5 })).toBe(true)
    await until(async () => (await sums(pool as never)).includes(5), 'the tell has arrived')
    await runtime.registry.register('pool', ref)
    const found = (await other.ask('lookup', 'pool')) as ActorRef
    expect(await found.ask('echo', { a: [1, 2] })).toEqual({ a: [1, 2] })
    expect(await rejection(found.ask('fail', 'no luck'))).toMatchObject({
      code: 'E_CUSTOM',
      message: 'no luck',
    })
    const items: unknown[] = []
    for await (const item of found.stream('countSync', 3)) items.push(item)
    expect(items).toEqual([1, 2, 3])
    // One after the other they would take 5 s: they are under way together.
    const slept = await Promise.all(
      Array.from({ length: 100 }, () => found.ask('slowNote', { text: 'x', ms: 50 }, { timeoutMs: 4000 })),
    )
    expect(slept).toHaveLength(100)
  })

  test('hands deadlines and cancelling on through its ref', async () => {
    const runtime = await testRuntime({ threads: 2 })
    const pool = await router(runtime, { size: 1 })
    const ref = await pool.ref()
    const other = await spawnTester(runtime)
    const left = await other.ask('forwardDeadline', { ref, timeoutMs: 60_000 }, { timeoutMs: 800 })
    expect(left).toBeLessThanOrEqual(800)
    expect(left).toBeGreaterThan(0)
    const controller = new AbortController()
    const asked = rejection(other.ask('forwardWait', ref, { signal: controller.signal }))
    await sleep(20)
    controller.abort()
    await asked
    await until(async () => (await pool.ask('aborted')) === 1, 'the routee is told')
    await until(() => ref.depth === 0, 'no place is held')
  })

  test('settles what its ref was asked, whatever ends', async () => {
    const runtime = await testRuntime({ threads: 2 })
    const pool = await router(runtime, { size: 1 })
    const ref = await pool.ref()
    const lost = rejection(ref.ask('sleep', 60_000))
    await runtime.killThread(pool.refs[0]!.thread)
    expect(await lost).toMatchObject({ code: 'SHL_THREAD_LOST' })
    await until(() => pool.size === 1, 'a replacement')
    const cut = rejection(ref.ask('waitForAbort'))
    await until(async () => (await pool.refs[0]!.depth) > 0, 'it is under way')
    await pool.stop()
    expect(await cut).toMatchObject({ code: 'SHL_ACTOR_STOPPED' })
    expect(await rejection(ref.ask('echo', 1))).toMatchObject({ code: 'SHL_ACTOR_NOT_FOUND' })
    const empty = await router(runtime, { size: 0 })
    expect(await rejection((await empty.ref()).ask('echo', 1))).toMatchObject({ code: 'SHL_NO_ROUTEES' })
    expect((await empty.ref()).tell('echo', 1)).toBe(true)
    await until(() => (runtime.deadLetters.byReason['actor_gone'] ?? 0) > 0, 'it is counted')
  })

  test('with broadcast answers through its ref with all answers', async () => {
    const runtime = await testRuntime()
    const pool = await router(runtime, { size: 3, strategy: 'broadcast' })
    const ref = await pool.ref()
    expect(await ref.ask('echo', 7)).toEqual([7, 7, 7])
    const drained = ref.ask('sleep', 30)
    await pool.stop({ mode: 'drain' })
    expect(await drained).toEqual([30, 30, 30])
    expect(await rejection(pool.ref())).toMatchObject({ code: 'SHL_NO_ROUTEES' })
  })

  test('is resized live: what leaves finishes first, nothing is lost', async () => {
    const runtime = await testRuntime({ threads: 2 })
    const pool = await router(runtime, { size: 4 })
    const asked = Array.from({ length: 100 }, (_, i) => pool.ask('slowNote', { text: String(i), ms: 1 }))
    await pool.resize(1)
    expect(pool.size).toBe(1)
    expect(await Promise.all(asked)).toHaveLength(100)
    await pool.resize(0)
    expect(await rejection(pool.ask('echo', 1))).toMatchObject({ code: 'SHL_NO_ROUTEES' })
    await pool.resize(2)
    expect(await pool.ask('echo', 1)).toBe(1)
    await pool.stop()
  })

  test('replaces routees that die with their thread, and not those that were stopped', async () => {
    const runtime = await testRuntime({ threads: 2 })
    const pool = await router(runtime, { size: 2 })
    const [first] = pool.refs
    await runtime.killThread(first!.thread)
    await until(() => pool.size === 2 && !pool.refs.includes(first!), 'a replacement')
    expect(await pool.askAll('echo', 1)).toEqual([1, 1])
    await pool.refs[0]!.stop()
    await until(() => pool.size === 1, 'the stopped one is out')
    await sleep(30)
    expect(pool.size).toBe(1)
  })

  test('gives up on routees that cannot live', async () => {
    const runtime = await testRuntime()
    const pool = await router(runtime, { size: 1 })
    for (let round = 0; round < 40 && pool.size > 0; round++) {
      const [ref] = pool.refs
      ref!.tell('tellFails')
      await until(() => !pool.refs.includes(ref!), 'it ends')
      await sleep(5)
    }
    await until(() => pool.size === 0, 'no more replacements')
  })
})
