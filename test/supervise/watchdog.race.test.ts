/**
 * Hangs on real threads: seen from outside, reported with their message, ended, and the actor answers again.
 */
import { actorChild, type Hang, type SupervisedRef, type SupervisionTree } from 'shardloom'
import { describe, expect, test } from 'vitest'
import { rejection, TESTER, testRuntime, until } from '../support/runtime.ts'

type Loose = Record<string, (state: never, payload?: unknown) => unknown>

const refOf = (tree: SupervisionTree, id: string) => tree.ref(id) as unknown as SupervisedRef<Loose>

async function watched(messageMs: number, placement: 'shared' | 'dedicated') {
  const runtime = await testRuntime()
  const hangs: Hang[] = []
  const tree = await runtime.supervise({
    id: 'app',
    children: [
      actorChild('a', TESTER, { export: 'tester', placement, limits: { messageMs } }),
      actorChild('other', TESTER, { export: 'tester' }),
    ],
    onEvent: (event) => event.type === 'hang' && hangs.push(event.hang),
  })
  return { runtime, tree, hangs, ref: refOf(tree, 'a') }
}

describe('a message that takes longer than its budget', () => {
  test('and blocks its thread ends with it; the actor answers again', async () => {
    const { tree, hangs, ref } = await watched(60, 'dedicated')
    const thread = ref.current?.thread
    const cut = rejection(ref.ask('block', 60_000))
    await until(() => hangs.length > 0, 'it is seen')
    expect(hangs[0]).toMatchObject({ thread, message: 'block', isBlocking: true })
    expect(hangs[0]!.forMs).toBeGreaterThan(60)
    expect(await cut).toMatchObject({ code: 'SHL_THREAD_LOST' })
    expect(await ref.ask('echo', 1)).toBe(1)
    expect(ref.current?.thread).not.toBe(thread)
    expect(tree.view().children[0]).toMatchObject({ restarts: 1, lastError: { code: 'SHL_CHILD_HANGS' } })
    expect(tree.view().children[0]?.lastError?.message).toContain('message=block')
    expect(hangs).toHaveLength(1)
  })

  test('and awaits is killed alone', async () => {
    const { tree, hangs, ref } = await watched(60, 'shared')
    const other = refOf(tree, 'other').current?.address
    const cut = rejection(ref.ask('sleep', 60_000))
    await until(() => hangs.length > 0, 'it is seen')
    expect(hangs[0]).toMatchObject({ message: 'sleep', isBlocking: false })
    expect(await cut).toMatchObject({ code: 'SHL_ACTOR_STOPPED' })
    expect(await ref.ask('echo', 1)).toBe(1)
    expect(refOf(tree, 'other').current?.address).toBe(other)
  })

  test('is told from many short ones, and from one that is nearly too long', async () => {
    const { hangs, ref } = await watched(400, 'shared')
    for (let i = 0; i < 20; i++) await ref.ask('block', 30)
    expect(await ref.ask('sleep', 200)).toBe(200)
    await Promise.all(Array.from({ length: 50 }, () => ref.ask('sleep', 10)))
    expect(hangs).toEqual([])
  })
})

test('limits that cannot be are refused', async () => {
  const runtime = await testRuntime()
  const child = (limits: object) => ({ id: 'x', children: [actorChild('a', TESTER, { limits })] })
  expect(await rejection(runtime.supervise(child({ messageMs: 0 })))).toMatchObject({
    code: 'SHL_OPTION_INVALID',
  })
  expect(await rejection(runtime.supervise(child({ mesageMs: 5 })))).toMatchObject({
    code: 'SHL_OPTION_UNKNOWN',
    message: expect.stringContaining('messageMs'),
  })
})
