/** Trees over real threads: actors that crash, threads that die, and everything stopped in order. */
import {
  actorChild,
  createRuntime,
  type Runtime,
  type SupervisedRef,
  type SupervisionEvent,
  type SupervisionTree,
  supervisorChild,
} from 'shardloom'
import { describe, expect, test } from 'vitest'
import { rejection, TESTER, until } from '../support/runtime.ts'

/** The test actors are plain JavaScript. */
type Loose = Record<string, (state: never, payload?: unknown) => unknown>

const refOf = (tree: SupervisionTree, id: string) => tree.ref(id) as unknown as SupervisedRef<Loose>

async function withRuntime(run: (runtime: Runtime) => Promise<void>): Promise<void> {
  const runtime = await createRuntime({ threads: 2 })
  try {
    await run(runtime)
  } finally {
    await runtime.close()
  }
}

const tester = (id: string, options: object = {}) => actorChild(id, TESTER, { export: 'tester', ...options })

describe('a tree', () => {
  test('restarts an actor that crashes: its ref goes on, its state is new', () =>
    withRuntime(async (runtime) => {
      const inspected: string[] = []
      const tree = await runtime.supervise({
        id: 'app',
        children: [tester('a')],
        inspect: ({ type }) => inspected.push(type),
      })
      expect(inspected).toContain('@xstate.snapshot')
      const ref = refOf(tree, 'a')
      ref.tell('add', 5)
      expect(await ref.ask('sum')).toBe(5)
      const address = ref.current?.address
      ref.tell('tellFails')
      await until(() => ref.current === undefined || ref.current.address !== address, 'it has crashed')
      expect(await ref.ask('sum')).toBe(0)
      const [child] = tree.view().children
      expect(child).toMatchObject({ id: 'a', phase: 'running', restarts: 1, lastError: { code: 'E_CUSTOM' } })
    }))

  test('restarts what a lost thread took, and answers asks that waited', () =>
    withRuntime(async (runtime) => {
      const tree = await runtime.supervise({ id: 'app', children: [tester('a'), tester('b')] })
      const a = refOf(tree, 'a')
      const before = a.current
      const cut = rejection(a.ask('sleep', 60_000))
      await runtime.killThread(before!.thread)
      expect(await cut).toMatchObject({ code: 'SHL_THREAD_LOST' })
      expect(await a.ask('echo', 1)).toBe(1)
      expect(a.current?.address).not.toBe(before?.address)
    }))

  test('of trees escalates, and gives up with the reason', () =>
    withRuntime(async (runtime) => {
      const events: SupervisionEvent[] = []
      const inner = supervisorChild({ id: 'inner', restarts: { intensity: 0 }, children: [tester('x')] })
      const tree = await runtime.supervise({
        id: 'outer',
        restarts: { intensity: 1 },
        children: [tester('a'), inner],
        onEvent: (event) => events.push(event),
      })
      refOf(tree.tree('inner'), 'x').tell('tellFails')
      await until(() => tree.view().children[1]?.restarts === 1, 'the inner one is restarted')
      await until(() => tree.view().children[1]?.tree?.phase === 'running', 'it runs again')
      refOf(tree.tree('inner'), 'x').tell('tellFails')
      const { error } = await tree.ended
      expect(error).toMatchObject({
        code: 'SHL_RESTART_INTENSITY',
        cause: { code: 'SHL_RESTART_INTENSITY', cause: { code: 'E_CUSTOM' } },
      })
      expect(runtime.inspect().threads.reduce((sum, thread) => sum + thread.actors, 0)).toBe(1)
      expect(events.filter((event) => event.type === 'supervisor' && event.phase === 'failed')).toHaveLength(
        3,
      )
    }))

  test('whose child cannot start says why', () =>
    withRuntime(async (runtime) => {
      const failing = actorChild('f', TESTER, { export: 'failingStarter' })
      const error = await rejection(runtime.supervise({ id: 'app', children: [tester('a'), failing] }))
      expect(error).toMatchObject({ code: 'SHL_ACTOR_INIT_FAILED', cause: { message: 'no start today' } })
      expect(runtime.inspect().threads.reduce((sum, thread) => sum + thread.actors, 0)).toBe(1)
    }))

  test('is stopped in reverse order, also by closing the runtime', async () => {
    const runtime = await createRuntime({ threads: 1 })
    const stopped: string[] = []
    const tree = await runtime.supervise({
      id: 'app',
      children: ['a', 'b', 'c'].map((id) => tester(id, { shutdown: { drainMs: 1000 } })),
      onEvent: (event) => {
        if (event.type === 'child' && event.phase === 'stopped') stopped.push(event.child)
      },
    })
    const slow = refOf(tree, 'b').ask('sleep', 50)
    await runtime.close()
    expect(stopped).toEqual(['c', 'b', 'a'])
    expect(await slow).toBe(50)
    expect(await tree.ended).toEqual({ overdue: [], error: undefined })
  })
})
