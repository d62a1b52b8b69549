/** Supervisors on threads of their own: the same words, and nothing left when their thread is lost. */
import {
  actorChild,
  defineActor,
  driverChild,
  type Runtime,
  type SupervisedRef,
  type SupervisionEvent,
  supervisorChild,
  type TreeHandle,
  type TreeOptions,
} from 'shardloom'
import { describe, expect, test } from 'vitest'
import { rejection, TESTER, testRuntime, until } from '../support/runtime.ts'

type Loose = Record<string, (state: never, payload?: unknown) => unknown>

const refOf = (tree: TreeHandle, id: string) => tree.ref(id) as unknown as SupervisedRef<Loose>
const tester = (id: string, options: object = {}) => actorChild(id, TESTER, { export: 'tester', ...options })
const actors = (runtime: Runtime) => runtime.inspect().threads.reduce((sum, thread) => sum + thread.actors, 0)

async function started(inner: Partial<TreeOptions> = {}, placement: 'shared' | 'dedicated' = 'dedicated') {
  const runtime = await testRuntime({ threads: 2 })
  const events: SupervisionEvent[] = []
  const tree = await runtime.supervise({
    id: 'outer',
    children: [
      supervisorChild({ id: 'inner', children: [tester('a'), tester('b')], ...inner }, { placement }),
    ],
    onEvent: (event) => events.push(event),
  })
  return { runtime, tree, events, inner: () => tree.tree('inner') }
}

describe('a supervisor on another thread', () => {
  test.each(['shared', 'dedicated'] as const)(
    'starts, restarts and stops its children (%s)',
    async (placement) => {
      const { runtime, tree, inner, events } = await started({}, placement)
      const a = refOf(inner(), 'a')
      const before = a.current?.address
      expect(await a.ask('echo', 1)).toBe(1)
      a.tell('tellFails')
      await until(() => a.current !== undefined && a.current.address !== before, 'it is restarted')
      expect(await a.ask('echo', 2)).toBe(2)
      expect(inner().view()).toMatchObject({
        phase: 'running',
        children: [{ id: 'a', restarts: 1 }, { id: 'b' }],
      })
      expect(tree.view().children[0]?.tree?.children[0]).toMatchObject({ lastError: { code: 'E_CUSTOM' } })
      expect(events.some((event) => event.type === 'child' && event.supervisor === 'inner')).toBe(true)
      const stopped: string[] = []
      runtime.subscribe((event) => event.type === 'child' && stopped.push(`${event.child} ${event.phase}`))
      expect(await tree.stop()).toMatchObject({ overdue: [], error: undefined })
      expect(stopped.filter((one) => one.endsWith('stopped'))).toEqual([
        'b stopped',
        'a stopped',
        'inner stopped',
      ])
      await until(() => actors(runtime) === 1, 'nothing is left')
    },
  )

  test('takes wishes about its children', async () => {
    const { inner } = await started()
    await inner().add(tester('c'))
    expect(await refOf(inner(), 'c').ask('echo', 1)).toBe(1)
    expect(await rejection(inner().add(tester('c')))).toMatchObject({ code: 'SHL_CHILD_EXISTS' })
    await inner().stopChild('c')
    expect(inner().view().children[2]).toMatchObject({ id: 'c', phase: 'stopped' })
    await inner().restartChild('c')
    expect(await refOf(inner(), 'c').ask('echo', 2)).toBe(2)
    await inner().remove('c')
    expect(
      inner()
        .view()
        .children.map(({ id }) => id),
    ).toEqual(['a', 'b'])
    expect(await rejection(inner().remove('c'))).toMatchObject({ code: 'SHL_CHILD_UNKNOWN' })
  })

  test('that gives up is its parent’s to restart, with all its children', async () => {
    const { tree, inner, runtime } = await started({ restarts: { intensity: 0 } })
    const first = inner()
    refOf(first, 'a').tell('tellFails')
    await until(() => tree.view().children[0]?.restarts === 1, 'it is restarted')
    await until(() => inner().view().phase === 'running', 'it runs')
    expect(tree.view().children[0]?.lastError).toMatchObject({
      code: 'SHL_RESTART_INTENSITY',
      cause: { code: 'E_CUSTOM' },
    })
    expect(await first.ended).toMatchObject({ error: { code: 'SHL_RESTART_INTENSITY' } })
    expect(await refOf(inner(), 'a').ask('echo', 1)).toBe(1)
    // The registry, the reporter, the supervisor, and its two children.
    await until(() => actors(runtime) === 5, 'nothing is left of the first one')
  })

  test('whose thread is lost is restarted, and its children do not go on without it', async () => {
    const { runtime, tree, inner } = await started()
    const [a, b] = [refOf(inner(), 'a').current, refOf(inner(), 'b').current]
    const dedicated = runtime.inspect().threads.find(({ kind }) => kind === 'dedicated')
    const ends = [a, b].map((ref) => runtime.watch(ref!))
    await runtime.killThread(dedicated!.id)
    for (const reason of await Promise.all(ends)) expect(['killed', 'thread_lost']).toContain(reason.type)
    await until(() => tree.view().children[0]?.restarts === 1, 'it is restarted')
    await until(() => inner().view().phase === 'running', 'it runs')
    expect(await refOf(inner(), 'a').ask('echo', 1)).toBe(1)
    await until(() => actors(runtime) === 5, 'there are no strangers')
  })

  test('whose actor hangs is told by whoever sees it', async () => {
    const limits = { messageMs: 60, profileMs: 0 }
    const { inner, events } = await started({
      children: [tester('a', { placement: 'dedicated', limits }), tester('b')],
    })
    const a = refOf(inner(), 'a')
    const cut = rejection(a.ask('block', 60_000))
    expect(await cut).toMatchObject({ code: 'SHL_THREAD_LOST' })
    expect(await a.ask('echo', 1)).toBe(1)
    expect(events.filter(({ type }) => type === 'hang')).toMatchObject([
      { supervisor: 'inner', child: 'a', hang: { message: 'block', isBlocking: true } },
    ])
  })

  test('may have supervisors on other threads in turn', async () => {
    const deeper = supervisorChild({ id: 'deeper', children: [tester('x')] }, { placement: 'dedicated' })
    const { tree, runtime, inner } = await started({ children: [tester('a'), deeper] })
    expect(inner().view().children[1]?.tree).toMatchObject({ id: 'deeper', phase: 'running' })
    await tree.stop()
    await until(() => actors(runtime) === 1, 'nothing is left')
  })

  test('whose child cannot start says why, and leaves nothing', async () => {
    const runtime = await testRuntime()
    const failing = actorChild('f', TESTER, { export: 'failingStarter' })
    const inner = supervisorChild({ id: 'inner', children: [tester('a'), failing] }, { placement: 'shared' })
    const error = await rejection(runtime.supervise({ id: 'outer', children: [inner] }))
    expect(error).toMatchObject({ code: 'SHL_ACTOR_INIT_FAILED', cause: { message: 'no start today' } })
    await until(() => actors(runtime) === 1, 'nothing is left')
  })

  test('takes nothing that cannot travel', async () => {
    const runtime = await testRuntime()
    const tree = (child: object) =>
      runtime.supervise({
        id: 'outer',
        children: [supervisorChild({ id: 'inner', children: [child as never] }, { placement: 'shared' })],
      })
    const local = defineActor({ name: 'local', receive: {} })
    const driver = { start: () => Promise.reject(new Error('no')) }
    for (const child of [
      actorChild('x', local),
      driverChild('x', driver),
      tester('x', { decide: () => undefined }),
    ]) {
      const error = await rejection(tree(child))
      expect(error).toMatchObject({ code: 'SHL_OPTION_INVALID' })
      expect(error.message).toContain('child x, in a tree on another thread')
    }
  })
})
