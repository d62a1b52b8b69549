/** Trees over real threads: actors that crash, threads that die, and everything stopped in order. */
import {
  actorChild,
  createRuntime,
  driverChild,
  type Runtime,
  type SupervisedRef,
  type SupervisionEvent,
  supervisorChild,
  type TreeHandle,
} from 'shardloom'
import { describe, expect, test } from 'vitest'
import { rejection, TESTER, until } from '../support/runtime.ts'

/** The test actors are plain JavaScript. */
type Loose = Record<string, (state: never, payload?: unknown) => unknown>

const refOf = (tree: TreeHandle, id: string) => tree.ref(id) as unknown as SupervisedRef<Loose>

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

describe('a tree keeps its word', () => {
  test('when a child is added whose id is taken, or that cannot start', () =>
    withRuntime(async (runtime) => {
      const tree = await runtime.supervise({ id: 'app', children: [tester('a')] })
      expect(await rejection(tree.add(tester('a')))).toMatchObject({ code: 'SHL_CHILD_EXISTS' })
      expect(await refOf(tree, 'a').ask('echo', 1)).toBe(1)
      await rejection(tree.add(actorChild('f', TESTER, { export: 'failingStarter' })))
      expect(() => tree.ref('f')).toThrow('no such child')
      await tree.add(tester('t', { restart: 'temporary' }))
      const ref = refOf(tree, 't')
      await ref.current?.stop()
      await until(() => tree.view().children.length === 1, 'it is forgotten')
      expect(() => tree.ref('t')).toThrow('no such child')
      expect(await rejection(ref.ask('echo', 1))).toMatchObject({ code: 'SHL_CHILD_UNKNOWN' })
    }))

  test('to those who wait for a child when everything closes', async () => {
    const runtime = await createRuntime({ threads: 1 })
    const tree = await runtime.supervise({ id: 'app', children: [tester('a')] })
    await tree.stopChild('a')
    const waiting = rejection(refOf(tree, 'a').ask('echo', 1))
    await runtime.close()
    expect(await waiting).toMatchObject({ code: 'SHL_SUPERVISOR_STOPPED' })
    expect(await rejection(runtime.supervise({ id: 'late' }))).toMatchObject({ code: 'SHL_RUNTIME_CLOSED' })
  })

  test('to those who offer while a child is being restarted', () =>
    withRuntime(async (runtime) => {
      const tree = await runtime.supervise({ id: 'app', children: [tester('a')] })
      const before = refOf(tree, 'a').current?.address
      const restarted = tree.restartChild('a')
      await refOf(tree, 'a').offer('note', 'offered')
      expect(await refOf(tree, 'a').ask('log')).toEqual(['offered'])
      expect(refOf(tree, 'a').current?.address).not.toBe(before)
      await restarted
    }))

  test('to those who ask while a child is being restarted', () =>
    withRuntime(async (runtime) => {
      const tree = await runtime.supervise({
        id: 'app',
        children: [actorChild('s', TESTER, { export: 'slowStopper' })],
      })
      const restarted = tree.restartChild('s')
      expect(await refOf(tree, 's').ask('echo', 'next')).toBe('next')
      await restarted
    }))

  test('when nothing more may be asked: children can still be stopped', async () => {
    const runtime = await createRuntime({ threads: 1, limits: { asksMax: 4 } })
    const tree = await runtime.supervise({
      id: 'app',
      children: [tester('a'), tester('b', { shutdown: { stopMs: 0 } })],
    })
    const b = refOf(tree, 'b')
    const asks = Array.from({ length: 8 }, () => rejection(b.ask('sleep', 60_000)))
    const before = refOf(tree, 'a').current?.address
    refOf(tree, 'a').tell('tellFails')
    await until(() => refOf(tree, 'a').current?.address !== before, 'it is restarted')
    expect(await tree.stop()).toEqual({ overdue: [], error: undefined })
    const codes = (await Promise.all(asks)).map(({ code }) => code)
    expect(new Set(codes)).toEqual(new Set(['SHL_ACTOR_STOPPED', 'SHL_ASK_LIMIT']))
    await runtime.close()
  })

  test('a dedicated child that reacts is killed without a false alarm', () =>
    withRuntime(async (runtime) => {
      const lost: string[] = []
      runtime.subscribe((event) => lost.push(event.type), { types: ['thread_lost'] })
      const tree = await runtime.supervise({
        id: 'app',
        children: [tester('a', { placement: 'dedicated', shutdown: { stopMs: 0 } })],
      })
      expect(await tree.stop()).toEqual({ overdue: [], error: undefined })
      await until(() => runtime.threads.length === 3, 'its thread has ended')
      expect(lost).toEqual([])
    }))

  test('a tree within a tree is down when it says so, also while it starts', () =>
    withRuntime(async (runtime) => {
      const log: string[] = []
      const child = (id: string, startMs: number) => {
        const start = async (signal: AbortSignal) => {
          await new Promise<void>((resolve) => {
            const timer = setTimeout(resolve, startMs)
            signal.addEventListener('abort', () => resolve(clearTimeout(timer)), { once: true })
          })
          if (signal.aborted) throw new Error('aborted')
          let end: () => void = () => undefined
          const ended = new Promise<undefined>((resolve) => {
            end = () => setTimeout(() => resolve(void log.push(id)), 50)
          })
          return { ended, drain: end, stop: end, kill: end }
        }
        return driverChild(id, { start })
      }
      const started = runtime.supervise({
        id: 'app',
        children: [
          child('base', 0),
          supervisorChild({ id: 'sub', children: [child('g', 0), child('slow', 60_000)] }),
        ],
        onEvent: (event) => {
          if (event.type === 'child' && event.child === 'slow' && event.phase === 'starting') give()
        },
      })
      let give: () => void = () => undefined
      const isStarting = new Promise<void>((resolve) => {
        give = resolve
      })
      const error = rejection(started)
      await isStarting
      await runtime.close()
      expect(await error).toMatchObject({ code: 'SHL_SUPERVISOR_STOPPED' })
      expect(log).toEqual(['g', 'base'])
    }))

  test('close checks its options before it begins', async () => {
    const runtime = await createRuntime({ threads: 0 })
    expect(await rejection(runtime.close({ timeoutMs: -1 }))).toMatchObject({ code: 'SHL_OPTION_INVALID' })
    const run = rejection(runtime.run(new URL('../support/actors/tasks.mjs', import.meta.url), 1))
    await runtime.close()
    expect(await run).toMatchObject({ code: 'SHL_RUNTIME_CLOSED' })
    expect(runtime.state).toBe('closed')
  })
})

test('inspect shows threads, trees, messages in progress, subsystems and tasks', () =>
  withRuntime(async (runtime) => {
    const restarts = { intensity: 5, periodMs: 60_000 }
    const timed = tester('timed', { limits: { messageMs: 60_000 } })
    const tree = await runtime.supervise({ id: 'app', restarts, children: [timed, tester('plain')] })
    const module = new URL('../support/subsystems/visits.mjs', import.meta.url)
    await runtime.subsystem({ name: 'visits', module, placement: 'shared' })
    refOf(tree, 'plain').tell('tellFails')
    await until(() => tree.view().children[1]?.restarts === 1, 'it is restarted')
    const slow = refOf(tree, 'timed').ask('sleep', 1000)
    const block = refOf(tree, 'plain').ask('block', 200)
    const waiting = refOf(tree, 'plain').ask('echo', 1)
    const app = () => runtime.inspect().trees.find(({ id }) => id === 'app')
    await until(() => app()?.children[1]?.handling !== undefined, 'it blocks')
    expect(app()).toMatchObject({ phase: 'running', restartsLeft: 4 })
    const [first, second] = app()!.children
    expect(first?.handling).toMatchObject({ message: 'sleep', isBlocking: false })
    expect(second).toMatchObject({
      restarts: 1,
      lastError: { code: 'E_CUSTOM' },
      handling: { message: undefined, isBlocking: true },
      depth: 2,
    })
    const view = runtime.inspect()
    expect(view.threads.some(({ id, handling }) => id === second?.thread && handling !== undefined)).toBe(
      true,
    )
    expect(view.subsystems).toMatchObject([{ name: 'visits', phase: 'running', restarts: 0, version: 1 }])
    expect(view.trees.map(({ id }) => id)).toEqual(['app', 'subsystems'])
    await Promise.all([slow, block, waiting])
  }))
