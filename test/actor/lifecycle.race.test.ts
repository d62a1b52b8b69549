/**
 * Lives of actors on real threads: start, failure, stop, watch, link, children. Each end is told exactly
 * once.
 */
import { type ActorRef, defineActor } from 'shardloom'
import { describe, expect, test } from 'vitest'
import { rejection, sleep, spawnTester, TESTER, testRuntime, until } from '../support/runtime.ts'

type FiveRefs = [ActorRef, ActorRef, ActorRef, ActorRef, ActorRef]

describe('spawn', () => {
  test('passes args and name, on every placement', async () => {
    const runtime = await testRuntime()
    for (const placement of ['shared', 'dedicated', 'main'] as const) {
      const ref = await spawnTester(runtime, { args: { placement }, name: `n-${placement}`, placement })
      expect(await ref.ask('args')).toEqual({ placement })
      expect(ref.name).toBe(`n-${placement}`)
      expect(ref.thread === 0).toBe(placement === 'main')
    }
  })

  test('rejects when init fails, or takes too long, with the cause', async () => {
    const runtime = await testRuntime()
    const failed = await rejection(runtime.spawn(TESTER, { export: 'failingStarter' }))
    expect(failed).toMatchObject({ code: 'SHL_ACTOR_INIT_FAILED' })
    expect(failed['cause']).toMatchObject({ message: 'no start today', code: 'E_CUSTOM' })
    expect(await rejection(runtime.spawn(TESTER, { export: 'slowStarter' }))).toMatchObject({
      code: 'SHL_ACTOR_INIT_TIMEOUT',
    })
    expect(runtime.inspect().threads.map((thread) => thread.actors)).toEqual([1, 0])
  })

  test('of a module that does not load, or exports no such actor, says what to do', async () => {
    const runtime = await testRuntime()
    const missing = await rejection(runtime.spawn(new URL('./nowhere.mjs', import.meta.url)))
    expect(missing).toMatchObject({ code: 'SHL_ACTOR_MODULE' })
    expect(missing.message).toContain('does not exist')
    const several = await rejection(runtime.spawn(TESTER))
    expect(several.message).toContain('name one with export')
    expect(await rejection(runtime.spawn('./relative.js'))).toMatchObject({ code: 'SHL_OPTION_INVALID' })
    const unknown = await rejection(runtime.spawn(TESTER, { exprot: 'tester' } as object))
    expect(unknown.message).toContain('did you mean export?')
  })

  test('starts children that end with their parent', async () => {
    const runtime = await testRuntime({ threads: 2 })
    const parent = await spawnTester(runtime)
    const child = (await parent.ask('spawnChild', { url: TESTER.href, name: 'child' })) as typeof parent
    expect(await child.ask('echo', 1)).toBe(1)
    const ended = runtime.watch(child)
    await parent.stop()
    expect(await ended).toEqual({ type: 'stopped' })
  })
})

describe('the end of an actor', () => {
  test('by stop finishes the current message, discards the rest and tells every asker', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime)
    const current = ref.ask('sleep', 40)
    const queued = rejection(ref.ask('echo', 1))
    ref.tell('note', 'lost')
    await sleep(5)
    expect(await ref.stop()).toEqual({ type: 'stopped' })
    expect(await current).toBe(40)
    expect(await queued).toMatchObject({ code: 'SHL_ACTOR_STOPPED' })
    expect(ref.tell('note', 'late')).toBe(false)
    expect(await rejection(ref.ask('echo', 1))).toMatchObject({ code: 'SHL_ACTOR_NOT_FOUND' })
    expect(await ref.stop()).toEqual({ type: 'not_found' })
    expect(runtime.deadLetters.byReason).toMatchObject({ discarded: 1, actor_gone: 1 })
  })

  test('by drain finishes the mailbox first', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime)
    const asked = Array.from({ length: 50 }, (_, i) => ref.ask('slowNote', { text: String(i), ms: 0 }))
    const reason = ref.stop({ mode: 'drain' })
    expect(await Promise.all(asked)).toHaveLength(50)
    expect(await reason).toEqual({ type: 'stopped' })
  })

  test('by kill does not wait for the current message', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime)
    const current = rejection(ref.ask('sleep', 5000))
    await sleep(10)
    expect(await ref.stop({ mode: 'kill' })).toEqual({ type: 'killed' })
    expect(await current).toMatchObject({ code: 'SHL_ACTOR_STOPPED' })
  })

  test('runs onStop within its limit', async () => {
    const runtime = await testRuntime()
    const events: string[] = []
    const quick = await runtime.spawn(TESTER, { export: 'stopper' })
    expect(await quick.stop()).toEqual({ type: 'stopped' })
    const hanging = await runtime.spawn(TESTER, { export: 'stopper', args: { hangs: true } as never })
    expect(await hanging.stop({ timeoutMs: 2000 })).toEqual({ type: 'stopped' })
    expect(runtime.counter('test_stopped').value()).toBe(2)
    expect(events).toEqual([])
  })

  test('by an error that nobody waits for is a failure; an error that an asker hears is not', async () => {
    const failures: string[] = []
    const runtime = await testRuntime({
      onEvent: (event) => {
        if (event.type === 'actor_failed') failures.push(event.error.message)
      },
    })
    const ref = await spawnTester(runtime)
    await rejection(ref.ask('fail', 'heard'))
    const ended = runtime.watch(ref)
    ref.tell('tellFails')
    expect(await ended).toMatchObject({
      type: 'failed',
      error: { message: 'a tell failed', code: 'E_CUSTOM' },
    })
    await until(() => failures.length === 1, 'the event arrives')
  })

  test('does not come when onError says restart: the state is new, the address is not', async () => {
    const runtime = await testRuntime()
    const ref = await runtime.spawn(TESTER, { export: 'restarting' })
    expect([await ref.ask('add'), await ref.ask('add')]).toEqual([1, 2])
    await rejection(ref.ask('fail'))
    expect(await ref.ask('add')).toBe(1)
  })

  test('by its own wish comes after the message', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime)
    const ended = runtime.watch(ref)
    await ref.ask('stopSelf')
    expect(await ended).toEqual({ type: 'stopped' })
  })
})

describe('watch and link', () => {
  test('tell once of an end, whatever way it came, also of one long past', async () => {
    const runtime = await testRuntime({ threads: 2 })
    const watcher = await spawnTester(runtime, { placement: 'main' })
    const targets = await Promise.all(Array.from({ length: 5 }, () => spawnTester(runtime)))
    const [stopped, killed, failed, lost, gone] = targets as FiveRefs
    await gone.stop()
    for (const target of targets) await watcher.ask('watch', target)
    await watcher.ask('watch', stopped)
    await Promise.all([stopped.stop(), killed.stop({ mode: 'kill' })])
    failed.tell('tellFails')
    await runtime.killThread(lost.thread)
    await until(async () => ((await watcher.ask('log')) as string[]).length >= 5, 'five signals')
    await sleep(20)
    const log = (await watcher.ask('log')) as string[]
    expect(log).toHaveLength(5)
    expect(log).toContain(`terminated ${stopped.address} stopped`)
    expect(log).toContain(`terminated ${killed.address} killed`)
    expect(log).toContain(`terminated ${lost.address} thread_lost`)
    expect(log).toContain(`terminated ${gone.address} not_found`)
    expect(log.some((line) => line.startsWith(`terminated ${failed.address}`))).toBe(true)
  })

  test('unwatch means silence', async () => {
    const runtime = await testRuntime()
    const watcher = await spawnTester(runtime)
    const target = await spawnTester(runtime)
    await watcher.ask('watch', target)
    await watcher.ask('unwatch', target)
    await target.stop()
    await sleep(20)
    expect(await watcher.ask('log')).toEqual([])
  })

  test('links share an abnormal end, and only that', async () => {
    const runtime = await testRuntime({ threads: 2 })
    const a = await spawnTester(runtime)
    const b = await spawnTester(runtime)
    const c = await spawnTester(runtime)
    await a.ask('link', b)
    await c.ask('link', b)
    await c.stop()
    expect(await b.ask('echo', 1)).toBe(1)
    const ended = runtime.watch(a)
    b.tell('tellFails')
    const reason = await ended
    expect(reason.type).toBe('linked')
    const d = await spawnTester(runtime)
    const e = await spawnTester(runtime, { placement: 'main' })
    await e.ask('link', d)
    const follows = runtime.watch(e)
    await runtime.killThread(d.thread)
    expect((await follows).type).toBe('linked')
  })
})

describe('refs in messages', () => {
  test('work wherever they arrive, and carry the sender', async () => {
    const runtime = await testRuntime({ threads: 2 })
    const a = await spawnTester(runtime)
    const b = await spawnTester(runtime)
    const self = (await a.ask('self')) as typeof a
    expect(self.equals(a)).toBe(true)
    await a.ask('tellThrough', { ref: b, type: 'senderOf' })
    await until(async () => ((await b.ask('log')) as string[]).length === 1, 'the tell arrives')
    expect(await b.ask('log')).toEqual([a.address])
  })
})

describe('an end', () => {
  test('inside init is told to the spawner, and the slot is given away once', async () => {
    const runtime = await testRuntime({ threads: 0 })
    const idle = defineActor({ name: 'idle', receive: { name: (_state, _payload, ctx) => ctx.self.address } })
    const gone = await runtime.spawn(idle)
    await gone.stop()
    const inits = [
      defineActor({ name: 'stops', init: (ctx) => ctx.stop(), receive: {} }),
      defineActor({ name: 'links', init: (ctx) => ctx.link(gone), receive: {} }),
      defineActor({
        name: 'later',
        init: async (ctx) => {
          ctx.stop()
          await sleep(5)
        },
        receive: {},
      }),
    ]
    for (const definition of inits) {
      const error = await rejection(runtime.spawn(definition))
      expect(`${error.message} ${error.cause}`).toContain('it ended while it started')
      const refs = await Promise.all([runtime.spawn(idle), runtime.spawn(idle)])
      expect(await Promise.all(refs.map((ref) => ref.ask('name')))).toEqual(
        refs.map(({ address }) => address),
      )
    }
    expect(runtime.inspect().threads[0]?.actors).toBe(1 + 6)
  })

  test('before there was a state does not run onStop', async () => {
    const runtime = await testRuntime({ threads: 0 })
    let stops = 0
    const definition = defineActor({
      name: 'failing',
      init: (): number => {
        throw new Error('no')
      },
      receive: {},
      onStop: () => void stops++,
    })
    await rejection(runtime.spawn(definition))
    expect(stops).toBe(0)
  })

  test('comes after everything that the actor had sent', async () => {
    const runtime = await testRuntime()
    const log: string[] = []
    const watcher = defineActor({
      name: 'watcher',
      receive: {
        start: async (_state, ref: ActorRef, ctx) => {
          ctx.watch(ref)
          ref.tell('tellBackAndStop', ctx.self)
          await sleep(50)
        },
        msg: (_state, n: number) => void log.push(`${n}`),
      },
      onSignal: () => void log.push('terminated'),
    })
    const chatty = defineActor({
      name: 'chatty',
      receive: {
        tellBackAndStop: (_state, to: ActorRef, ctx) => {
          for (let i = 0; i < 3; i++) to.tell('msg', i, { priority: i })
          ctx.stop()
        },
      },
    })
    const ref = await runtime.spawn(watcher)
    await ref.ask('start', (await runtime.spawn(chatty)) as ActorRef)
    await until(() => log.length === 4, 'all has come')
    expect(log).toEqual(['0', '1', '2', 'terminated'])
  })

  test('by a kill cuts an onStop that is under way', async () => {
    const runtime = await testRuntime({ threads: 0 })
    const slow = defineActor({
      name: 'slow',
      receive: {},
      onStop: () => new Promise<void>(() => undefined),
      stopTimeoutMs: 60_000,
    })
    const ref = await runtime.spawn(slow)
    expect(await ref.stop({ timeoutMs: 20 })).toEqual({ type: 'killed' })
    await runtime.spawn(slow)
    const report = await runtime.close({ timeoutMs: 200 })
    expect(report.durationMs).toBeLessThan(1000)
    expect(report.cut).toMatchObject([{ what: expect.stringContaining('killed') }])
  })

  test('with an error that cannot be posted takes nobody else along', async () => {
    const runtime = await testRuntime()
    const failures: string[] = []
    runtime.subscribe((event) => event.type === 'actor_failed' && failures.push(event.error.message))
    const ref = await spawnTester(runtime)
    const other = await spawnTester(runtime)
    const ended = runtime.watch(ref)
    ref.tell('oddFailure')
    expect(await ended).toMatchObject({ type: 'failed', error: { message: 'odd' } })
    await until(() => failures.length > 0, 'it is told')
    expect(failures).toEqual(['odd'])
    expect(await other.ask('echo', 1)).toBe(1)
  })

  test('of a start that is given up: spawn rejects, and nothing is left', async () => {
    const runtime = await testRuntime()
    for (const placement of ['main', 'shared', 'dedicated'] as const) {
      const given = new AbortController()
      const started = rejection(
        runtime.spawn(TESTER, { export: 'slowStarter', placement, signal: given.signal }),
      )
      await sleep(100)
      given.abort()
      expect((await started).message).toMatch(/abort|ended while it started|did not start/)
    }
    const actors = () => runtime.inspect().threads.reduce((sum, thread) => sum + thread.actors, 0)
    await until(() => actors() === 1, 'only the registry is left')
  })
})
