/** Looking at running actors: state, suspension, traces; also on a thread that is stuck. */
import { defineActor } from 'shardloom'
import { describe, expect, test } from 'vitest'
import { rejection, sleep, spawnTester, testRuntime, until } from '../support/runtime.ts'

const counter = defineActor({
  name: 'counter',
  init: () => ({ value: 0, secret: 'hidden' }),
  formatState: ({ value }) => ({ value }),
  receive: {
    add: (state, n: number) => {
      state.value += n
      return state.value
    },
    slow: async (state, ms: number) => {
      await sleep(ms)
      return state.value
    },
    fail: () => {
      throw new Error('no')
    },
  },
})

describe('state', () => {
  test('is what formatState shows, with what the actor does', async () => {
    const runtime = await testRuntime({ threads: 0 })
    const ref = await runtime.spawn(counter)
    await ref.ask('add', 5)
    const view = await runtime.sys.state(ref)
    expect(view).toMatchObject({ state: { value: 5 }, text: '{ value: 5 }', status: 'running', depth: 0 })
    expect(view).toMatchObject({ handling: undefined, isSuspended: false, isStuck: false })
    const slow = ref.ask('slow', 50)
    ref.tell('add', 1)
    expect(await runtime.sys.state(ref)).toMatchObject({ handling: { message: 'slow' }, depth: 1 })
    await slow
    await ref.stop()
    expect(await rejection(runtime.sys.state(ref))).toMatchObject({ code: 'SHL_ACTOR_NOT_FOUND' })
  })

  test('that cannot be sent comes as text', async () => {
    const runtime = await testRuntime()
    const ref = await runtime.spawn(defineActor({ name: 'odd', init: () => ({ f: () => 1 }), receive: {} }))
    const view = await runtime.sys.state(ref)
    expect(view.text).toContain('[Function: f]')
    const far = await spawnTester(runtime)
    expect((await runtime.sys.state(far)).status).toBe('running')
  })

  test('of an actor whose thread is stuck is read all the same, with the stack and a profile', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime)
    const other = await spawnTester(runtime)
    const done = ref.ask('block', 2500)
    await until(() => runtime.inspect().threads[1]?.handling !== undefined, 'it blocks')
    const [view, idle] = [await runtime.sys.state(ref), await runtime.sys.state(other)]
    expect(view).toMatchObject({ isStuck: true, status: 'running', handling: { message: 'block' } })
    expect(idle).toMatchObject({ isStuck: true, handling: undefined })
    const stack = await runtime.sys.stack(ref.thread)
    expect(stack.join('\n')).toContain('tester.mjs')
    const profile = await runtime.sys.profile(ref.thread, { durationMs: 100 })
    // Where V8 has inlined the handler, an old Node names who called it, which lies in a chunk of ours.
    const where = profile.nodes.map(({ callFrame }) => callFrame.url).join('\n')
    expect(where).toMatch(/tester\.mjs|chunks\/chunk-/)
    expect(profile.endTime - profile.startTime).toBeGreaterThan(80_000)
    await done
  })

  test('of no thread is an error that says so', async () => {
    const runtime = await testRuntime()
    expect(await rejection((async () => runtime.sys.stack(99))())).toMatchObject({
      code: 'SHL_THREAD_SILENT',
    })
  })
})

describe('suspension', () => {
  test.each([0, 1])('holds messages back until the actor is resumed (%i threads)', async (threads) => {
    const runtime = await testRuntime({ threads })
    const ref = await spawnTester(runtime)
    runtime.sys.suspend(ref)
    const answers = [1, 2, 3].map((n) => ref.ask('echo', n))
    expect(await Promise.race([answers[0], sleep(50).then(() => 'nothing')])).toBe('nothing')
    expect(ref.depth).toBe(3)
    expect(await runtime.sys.state(ref)).toMatchObject({ isSuspended: true, status: 'running' })
    runtime.sys.resume(ref)
    expect(await Promise.all(answers)).toEqual([1, 2, 3])
  })

  test('takes effect before the next message of a thread that is stuck', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime)
    const stuck = ref.ask('block', 200)
    const next = ref.ask('echo', 'after')
    await until(() => runtime.inspect().threads[1]?.handling !== undefined, 'it blocks')
    runtime.sys.suspend(ref)
    await stuck
    expect(await Promise.race([next, sleep(50).then(() => 'nothing')])).toBe('nothing')
    runtime.sys.resume(ref)
    expect(await next).toBe('after')
  })

  test('does not keep an actor from being stopped', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime)
    runtime.sys.suspend(ref)
    const ask = rejection(ref.ask('echo', 1))
    expect(await ref.stop()).toMatchObject({ type: 'stopped' })
    expect(await ask).toMatchObject({ code: 'SHL_ACTOR_STOPPED' })
    expect(() => runtime.sys.suspend(ref)).toThrow('no such actor')
  })
})

describe('a trace', () => {
  test('tells of the next messages, and no others', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime)
    const steps: string[] = []
    runtime.sys.trace(ref, 2, ({ step, message, kind, payload, error }) =>
      steps.push([step, kind, message, payload, error?.message].filter(Boolean).join(' ')),
    )
    await ref.ask('echo', { secret: 1 })
    await rejection(ref.ask('fail', 'broken'))
    await ref.ask('echo', 'untold')
    await until(() => steps.length >= 4, 'all is told')
    expect(steps).toEqual(['begin ask echo', 'end ask echo', 'begin ask fail', 'end ask fail broken'])
  })

  test('shows payloads when it is asked to, and can be ended', async () => {
    const runtime = await testRuntime({ threads: 0 })
    const ref = await runtime.spawn(counter)
    const steps: string[] = []
    const end = runtime.sys.trace(ref, 100, (record) => steps.push(record.payload ?? 'end'), {
      payloads: true,
    })
    await ref.ask('add', 7)
    end()
    await ref.ask('add', 8)
    expect(steps).toEqual(['7', 'end'])
    expect(() => runtime.sys.trace(ref, 0, () => undefined)).toThrow('count')
  })
})

test('a suspended actor can be drained; a listener may throw; traces do not mix', async () => {
  const runtime = await testRuntime({ threads: 0 })
  const ref = await runtime.spawn(counter)
  runtime.sys.suspend(ref)
  const adds = [ref.ask('add', 1), ref.ask('add', 2)]
  expect(await ref.stop({ mode: 'drain' })).toEqual({ type: 'stopped' })
  expect(await Promise.all(adds)).toEqual([1, 3])

  const warned = new Promise<Error>((resolve) => process.once('warning', resolve))
  const other = await runtime.spawn(counter)
  runtime.sys.trace(other, 1, () => {
    throw new Error('mine')
  })
  expect(await other.ask('add', 1)).toBe(1)
  expect((await warned).message).toContain('mine')

  const seen: string[] = []
  const endFirst = runtime.sys.trace(other, 5, () => seen.push('first'))
  runtime.sys.trace(other, 1, () => seen.push('second'))
  endFirst()
  await other.ask('add', 1)
  expect(seen).toEqual(['second', 'second'])
})

test('a thread that ends while it is looked into is an error, and soon', async () => {
  const runtime = await testRuntime()
  const ref = await spawnTester(runtime)
  const cut = rejection(ref.ask('block', 60_000))
  await until(() => runtime.inspect().threads[1]?.handling !== undefined, 'it blocks')
  const profile = rejection(runtime.sys.profile(ref.thread, { durationMs: 20_000 }))
  const startMs = performance.now()
  await sleep(100)
  await runtime.killThread(ref.thread)
  expect(await profile).toMatchObject({ code: 'SHL_THREAD_SILENT' })
  expect(performance.now() - startMs).toBeLessThan(3000)
  await cut
})
