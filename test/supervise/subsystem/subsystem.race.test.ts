/** Subsystems on real threads: their handles, their order, their state from run to run. */
import { createRuntime, defineActor, type Runtime, type Subsystem, SubsystemRestarted } from 'shardloom'
import { describe, expect, test } from 'vitest'
import { rejection, sleep, testRuntime, until } from '../../support/runtime.ts'

const VISITS = new URL('../../support/subsystems/visits.mjs', import.meta.url)
const LIFECYCLES = new URL('../../support/subsystems/lifecycles.mjs', import.meta.url)

// The fixtures are plain JavaScript.
// biome-ignore lint/suspicious/noExplicitAny: see above.
type Loose = Subsystem<any>

async function visits(runtime: Runtime, options: object = {}): Promise<Loose> {
  return (await runtime.subsystem({ name: 'visits', module: VISITS, health: false, ...options })) as Loose
}

describe('a handle', () => {
  test.each(['dedicated', 'shared', 'main'] as const)(
    'calls, reads, and carries errors (%s)',
    async (placement) => {
      const runtime = await testRuntime()
      const { api } = await visits(runtime, { placement, args: { start: 5 } })
      expect(await api.visit()).toBe(6)
      expect(await api.version).toBe(1)
      expect(await api.nested.deep.twice(4)).toBe(8)
      expect((await api.thread()) === 0).toBe(placement === 'main')
      for (const call of [api.fails('now'), api.failsLater('later')]) {
        expect(await rejection(call)).toMatchObject({ name: 'Error', code: 'E_CUSTOM', status: 418 })
      }
      const unknown = await rejection(api.vist())
      expect(unknown).toMatchObject({ code: 'SHL_SUBSYSTEM_METHOD' })
      expect(unknown.message).toContain('visit')
      expect(await rejection(api.constructor.constructor('return 1'))).toMatchObject({
        code: 'SHL_SUBSYSTEM_METHOD',
      })
    },
  )

  test('calls overlap, and keep their order where they do not', async () => {
    const runtime = await testRuntime()
    const { api } = await visits(runtime)
    const slow = api.slow(100)
    expect(await Promise.all([api.visit(), api.visit(), api.visit()])).toEqual([1, 2, 3])
    expect(await slow).toBe(4)
  })

  test('takes callbacks and transfers, by Comlink', async () => {
    const { proxy, transfer } = await import('comlink')
    const runtime = await testRuntime()
    const { api } = await visits(runtime)
    expect(
      await api.call(
        proxy((n: number) => n + 1),
        41,
      ),
    ).toBe(42)
    const bytes = new Uint8Array(1000)
    expect(await api.size(transfer(bytes, [bytes.buffer]))).toBe(1000)
    expect(bytes.byteLength).toBe(0)
  })

  test('has deadlines and signals', async () => {
    const runtime = await testRuntime()
    const subsystem = await visits(runtime)
    expect(await rejection(subsystem.with({ timeoutMs: 20 }).never())).toMatchObject({
      code: 'SHL_ASK_TIMEOUT',
    })
    const given = new AbortController()
    const cut = rejection(subsystem.with({ signal: given.signal }).never())
    given.abort()
    expect(await cut).toMatchObject({ code: 'SHL_ASK_ABORTED' })
    expect(() => subsystem.with({ timeoutMs: -1 })).toThrow('timeoutMs')
    expect(await subsystem.api.visit()).toBe(1)
  })
})

describe('a restart', () => {
  test('rejects calls under way, and says rightly whether they may be made again', async () => {
    const runtime = await testRuntime()
    const subsystem = await visits(runtime)
    const { api } = subsystem
    const begun = rejection(api.slow(60_000))
    const idempotent = rejection(api.never())
    await api.get()
    // What is sent while the thread is blocked is not begun.
    const blocking = rejection(api.block(60_000))
    await until(() => runtime.inspect().threads.some(({ handling }) => handling !== undefined), 'it blocks')
    const waiting = rejection(api.visit())
    await runtime.killThread(subsystem.view().thread ?? -1)
    expect(await begun).toMatchObject({ name: 'SubsystemRestarted', retryable: false })
    expect(await begun).toMatchObject({ details: { method: 'slow', hasBegun: true } })
    expect(await idempotent).toMatchObject({ retryable: true, details: { hasBegun: true } })
    expect(await blocking).toMatchObject({ retryable: false, cause: { code: 'SHL_CHILD_ENDED' } })
    expect(await waiting).toMatchObject({ retryable: true, details: { method: 'visit', hasBegun: false } })
    expect((await waiting).message).toContain('it had not been begun')
    expect(await api.visit()).toBe(1)
    expect(subsystem.view()).toMatchObject({ phase: 'running', restarts: 1, calls: 0, waitingCalls: 0 })
  })

  test('holds later calls back until it is ready, in their order, within their deadlines', async () => {
    const runtime = await testRuntime()
    const subsystem = await visits(runtime, {
      restart: { backoff: { immediate: 0, firstMs: 150, jitter: 0 } },
    })
    const { api } = subsystem
    await rejection(api.die('broken'))
    await until(() => subsystem.view().phase === 'backing_off', 'it waits')
    const late = rejection(subsystem.with({ timeoutMs: 20 }).visit())
    const answers = Promise.all([api.visit(), api.visit(), api.visit()])
    expect(subsystem.view().waitingCalls).toBe(4)
    expect(await late).toMatchObject({ code: 'SHL_CHILD_NOT_UP' })
    expect(await answers).toEqual([1, 2, 3])
    expect(subsystem.view()).toMatchObject({
      restarts: 1,
      lastError: { code: 'E_CUSTOM', message: 'broken' },
    })
  })

  test('hands the state over when it is asked for, and the last checkpoint after a failure', async () => {
    const runtime = await testRuntime()
    const subsystem = await visits(runtime)
    const { api } = subsystem
    await api.visit()
    await api.checkpoint()
    await api.visit()
    await rejection(api.die('the second visit is lost'))
    expect(await api.get()).toBe(1)
    await api.visit()
    const slow = api.slow(30)
    await subsystem.restart()
    expect(await slow).toBe(3)
    expect(await api.get()).toBe(3)
    expect(await api.log()).toEqual(['fresh', 'from 1', 'from 3'])
  })

  test('uses snapshots that were fetched while it ran', async () => {
    const runtime = await testRuntime()
    const subsystem = await visits(runtime, { snapshotEveryMs: 10 })
    for (let i = 0; i < 3; i++) await subsystem.api.visit()
    await sleep(60)
    await runtime.killThread(subsystem.view().thread ?? -1)
    expect(await subsystem.api.get()).toBe(3)
  })

  test('is given up when there are too many; the others go on, and it can be started again', async () => {
    const runtime = await testRuntime()
    const other = await visits(runtime, { name: 'other' })
    const subsystem = await visits(runtime, { restart: { intensity: 1, periodMs: 60_000 } })
    await rejection(subsystem.api.die('one'))
    const [waiting] = [rejection(subsystem.api.die('two'))]
    await waiting
    await until(() => subsystem.view().phase === 'given_up', 'it is given up')
    expect(await rejection(subsystem.api.get())).toMatchObject({
      code: 'SHL_SUBSYSTEM_DOWN',
      cause: { code: 'SHL_RESTART_INTENSITY', cause: { message: 'two' } },
    })
    expect(await other.api.visit()).toBe(1)
    await subsystem.restart()
    expect(await subsystem.api.visit()).toBe(1)
  })
})

describe('starting and stopping', () => {
  test('whoever depends on others starts after them and stops before them', async () => {
    const runtime = await createRuntime({ threads: 1 })
    const log: string[] = []
    runtime.subscribe(
      (event) => {
        if (event.type === 'child' && ['running', 'stopped'].includes(event.phase)) {
          log.push(`${event.supervisor} ${event.phase}`)
        }
      },
      { types: ['child'], child: 'run' },
    )
    const all = await runtime.subsystems([
      { name: 'web', module: VISITS, placement: 'shared', dependsOn: ['cache', 'db'] },
      { name: 'cache', module: VISITS, placement: 'shared', dependsOn: ['db'] },
      { name: 'db', module: VISITS, placement: 'shared' },
    ])
    expect(Object.keys(all)).toEqual(['db', 'cache', 'web'])
    expect(await rejection(all['db']!.stop())).toMatchObject({
      code: 'SHL_SUBSYSTEM_IN_USE',
      details: { dependents: 'cache, web' },
    })
    await runtime.close()
    expect(log).toEqual([
      'db running',
      'cache running',
      'web running',
      'web stopped',
      'cache stopped',
      'db stopped',
    ])
  })

  test('what cannot be is refused, with what to do', async () => {
    const runtime = await testRuntime()
    const subsystem = (name: string, dependsOn: string[]) => ({ name, module: VISITS, dependsOn })
    expect(await rejection(runtime.subsystem(subsystem('a', ['b'])))).toMatchObject({
      code: 'SHL_SUBSYSTEM_UNKNOWN',
    })
    const circle = [subsystem('a', ['b']), subsystem('b', ['c']), subsystem('c', ['a'])]
    expect(await rejection(runtime.subsystems(circle))).toMatchObject({
      code: 'SHL_SUBSYSTEM_CYCLE',
      message: expect.stringContaining('a → b → c → a'),
    })
    expect(await rejection(runtime.subsystem({ name: 'x', module: './x.js' as never }))).toMatchObject({
      code: 'SHL_OPTION_INVALID',
      message: expect.stringContaining('new URL'),
    })
    const shared = { placement: 'shared', limits: { memory: { heapBytes: 1 } } } as const
    expect(await rejection(runtime.subsystem({ name: 'x', module: VISITS, ...shared }))).toMatchObject({
      message: expect.stringContaining('dedicated'),
    })
    await visits(runtime)
    expect(await rejection(visits(runtime))).toMatchObject({ code: 'SHL_CHILD_EXISTS' })
  })

  test('one that cannot start says why, and leaves nothing', async () => {
    const runtime = await testRuntime()
    const module = new URL('../../support/subsystems/visits-v2.mjs', import.meta.url)
    const error = await rejection(runtime.subsystem({ name: 'v2', module, export: 'broken' }))
    expect(error).toMatchObject({ code: 'SHL_SUBSYSTEM_INIT', cause: { message: 'v2 cannot start' } })
    const missing = new URL('./missing.mjs', import.meta.url)
    expect(await rejection(runtime.subsystem({ name: 'm', module: missing }))).toMatchObject({
      code: 'SHL_ACTOR_MODULE',
    })
    await until(() => runtime.threads.length === 2, 'their threads have ended')
    expect(await (await visits(runtime, { name: 'v2' })).api.visit()).toBe(1)
  })

  test('a stop finishes calls under way, and later ones are told', async () => {
    const runtime = await testRuntime()
    const subsystem = await visits(runtime)
    const slow = subsystem.api.slow(50)
    const stopped = subsystem.stop()
    expect(await rejection(subsystem.api.visit())).toMatchObject({ code: 'SHL_SUBSYSTEM_DOWN' })
    expect(await slow).toBe(1)
    await stopped
    await until(() => runtime.threads.length === 2, 'its thread has ended')
  })

  test('closing the runtime settles calls that wait', async () => {
    const runtime = await createRuntime({ threads: 1 })
    const backoff = { immediate: 0, firstMs: 60_000, maxMs: 60_000 }
    const subsystem = await visits(runtime, { restart: { backoff } })
    await rejection(subsystem.api.die('broken'))
    await until(() => subsystem.view().phase === 'backing_off', 'it waits')
    const waiting = rejection(subsystem.api.visit())
    await runtime.close()
    expect(await waiting).toMatchObject({ code: 'SHL_SUBSYSTEM_DOWN' })
  })
})

describe('anything with a lifecycle', () => {
  const start = async (runtime: Runtime, name: string, options: object = {}) =>
    (await runtime.subsystem({ name, module: LIFECYCLES, export: name, ...options })) as Loose

  test('a server: requests under way are answered before its port is given back', async () => {
    const runtime = await testRuntime()
    const server = await start(runtime, 'server')
    const port = (await server.api.port()) as number
    const answer = fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } })
    await sleep(15)
    await server.stop()
    expect(await (await answer).text()).toBe('hello')
    const again = await start(runtime, 'server', { args: { port } })
    expect(await again.api.port()).toBe(port)
  })

  test('a loop of jobs: it ends at its signal, and goes on from its snapshot', async () => {
    const runtime = await testRuntime()
    const jobs = await start(runtime, 'jobs', { placement: 'shared' })
    await until(async () => (await jobs.api.done()) > 3, 'some are done')
    const before = (await jobs.api.done()) as number
    await jobs.restart()
    expect(await jobs.api.done()).toBeGreaterThanOrEqual(before)
  })

  test('a child process: its end is a failure, and a stop ends it', async () => {
    const runtime = await testRuntime()
    const child = await start(runtime, 'childProcess', { placement: 'shared' })
    expect(await child.api.echo('hi')).toBe('hi')
    const pid = (await child.api.pid()) as number
    process.kill(pid, 'SIGKILL')
    await until(async () => (await child.api.pid().catch(() => pid)) !== pid, 'there is another one')
    expect(child.view().lastError?.message).toContain('SIGKILL')
    const next = (await child.api.pid()) as number
    await child.stop()
    expect(() => process.kill(next, 0)).toThrow('ESRCH')
  })

  test('an actor: it ends with its subsystem', async () => {
    const runtime = await testRuntime()
    const subsystem = await start(runtime, 'withActor', { placement: 'shared' })
    const { api } = subsystem
    expect([await api.add(2), await api.add(3)]).toEqual([2, 5])
    const ref = await api.ref()
    await subsystem.restart()
    expect(await rejection(ref.ask('add', 1))).toMatchObject({ code: 'SHL_ACTOR_NOT_FOUND' })
    expect(await api.add(1)).toBe(1)
  })
})

describe('a subsystem keeps its word', () => {
  test('an error that names another actor’s end is that, and its run goes on', async () => {
    const runtime = await testRuntime()
    const subsystem = await visits(runtime)
    const gone = await runtime.spawn(defineActor({ name: 'gone', receive: { x: () => 1 } }))
    await gone.stop()
    const error = await rejection(subsystem.api.askOf(gone))
    expect(error).toMatchObject({ code: 'SHL_ACTOR_NOT_FOUND' })
    expect(error.name).not.toBe('SubsystemRestarted')
    expect(error instanceof SubsystemRestarted).toBe(false)
    expect(await subsystem.api.visit()).toBe(1)
    expect(subsystem.view().restarts).toBe(0)
  })

  test('of two with one name the second is refused; an old handle means nobody', async () => {
    const runtime = await testRuntime()
    const both = [visits(runtime), rejection(visits(runtime))] as const
    expect(await both[1]).toMatchObject({ code: 'SHL_CHILD_EXISTS' })
    const first = await both[0]
    expect(runtime.inspect().subsystems).toMatchObject([{ name: 'visits', phase: 'running' }])
    await first.stop()
    const second = await visits(runtime)
    await second.api.visit()
    expect(await rejection(first.restart())).toMatchObject({ code: 'SHL_SUBSYSTEM_DOWN' })
    await first.stop()
    expect(await second.api.visit()).toBe(2)
    expect(second.view().restarts).toBe(0)
  })

  test('one that may end and has ended tells its callers, and can be started again', async () => {
    const runtime = await testRuntime()
    const subsystem = await visits(runtime, { restart: { type: 'temporary' } })
    await rejection(subsystem.api.die('for good'))
    await until(() => subsystem.view().phase === 'stopped', 'it is over')
    expect(await rejection(subsystem.api.get())).toMatchObject({
      code: 'SHL_SUBSYSTEM_DOWN',
      cause: { message: 'for good' },
    })
    await subsystem.restart()
    expect(await subsystem.api.visit()).toBe(1)
  })

  test('probes come through while calls fill the mailbox', async () => {
    const runtime = await testRuntime()
    const subsystem = await visits(runtime, {
      mailbox: { depthMax: 3 },
      health: { everyMs: 10, timeoutMs: 500, failures: 1 },
    })
    await until(() => subsystem.current?.depth === 0, 'its mailbox is empty')
    const calls = Promise.all([1, 2, 3].map(() => subsystem.api.slow(200)))
    expect(await rejection(subsystem.api.visit())).toMatchObject({ code: 'SHL_MAILBOX_FULL' })
    await subsystem.reload({ checks: 0 })
    expect(await calls).toEqual([1, 2, 3])
    expect(subsystem.view()).toMatchObject({ restarts: 0, phase: 'running' })
  })

  test('a call that was given up holds up neither a restart nor a reload', async () => {
    const runtime = await testRuntime()
    const subsystem = await visits(runtime, { shutdown: { drainMs: 60_000 } })
    expect(await rejection(subsystem.with({ timeoutMs: 20 }).never())).toMatchObject({
      code: 'SHL_ASK_TIMEOUT',
    })
    const startMs = performance.now()
    await subsystem.restart()
    await subsystem.reload({ checks: 0 })
    // It did not wait for the call: that would take a minute each.
    expect(performance.now() - startMs).toBeLessThan(50_000)
  }, 120_000)

  test('a slow, old checkpoint does not overwrite a newer one', async () => {
    const runtime = await testRuntime()
    const subsystem = await visits(runtime, { export: 'slowSnapshots' })
    const { api } = subsystem
    await api.visit()
    const slow = api.checkpoint()
    await api.visit()
    await api.checkpoint()
    await slow
    await rejection(api.die('now'))
    expect(await api.get()).toBe(2)
  })

  test('what it is doing can be looked at, as with any actor', async () => {
    const runtime = await testRuntime()
    const subsystem = await visits(runtime)
    await subsystem.api.visit()
    const view = await runtime.sys.state(subsystem.current!)
    expect(view.state).toMatchObject({ count: 1 })
    runtime.sys.suspend(subsystem.current!)
    const waiting = subsystem.api.visit()
    expect(await Promise.race([waiting, sleep(30).then(() => 'nothing')])).toBe('nothing')
    runtime.sys.resume(subsystem.current!)
    expect(await waiting).toBe(2)
  })
})
