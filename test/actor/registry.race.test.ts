/** Names and groups, from any thread: kept while their actors live, and no longer. */
import { describe, expect, test } from 'vitest'
import { rejection, spawnTester, testRuntime, until } from '../support/runtime.ts'

describe('the registry', () => {
  test('finds by name from any thread, and refuses a name that is taken', async () => {
    const runtime = await testRuntime({ threads: 2 })
    const a = await spawnTester(runtime)
    const b = await spawnTester(runtime)
    await a.ask('register', 'the-one')
    const found = (await b.ask('lookup', 'the-one')) as typeof a
    expect(found.equals(a)).toBe(true)
    const taken = await rejection(runtime.registry.register('the-one', b))
    expect(taken).toMatchObject({ code: 'SHL_NAME_TAKEN' })
    expect(taken.message).toContain(a.address)
    expect(await runtime.registry.unregister('the-one')).toBe(true)
    expect(await runtime.registry.find('the-one')).toBeUndefined()
  })

  test('forgets actors that end, also with their thread', async () => {
    const runtime = await testRuntime({ threads: 2 })
    const a = await spawnTester(runtime)
    const b = await spawnTester(runtime)
    await runtime.registry.register('a', a)
    await runtime.registry.join('group', a)
    await runtime.registry.join('group', b)
    expect(await runtime.registry.members('group')).toHaveLength(2)
    await a.stop()
    await until(async () => (await runtime.registry.find('a')) === undefined, 'a is forgotten')
    await runtime.killThread(b.thread)
    await until(async () => (await runtime.registry.members('group')).length === 0, 'b is forgotten')
  })

  test('tells subscribers of every change, in order, until they leave', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime)
    const controller = new AbortController()
    const changes: string[] = []
    const subscription = (async () => {
      for await (const change of runtime.registry.subscribe({ signal: controller.signal })) {
        changes.push(`${change.type} ${'name' in change ? change.name : change.group}`)
      }
    })()
    await until(async () => {
      await runtime.registry.join('warm', ref)
      await runtime.registry.leave('warm', ref)
      return changes.length > 0
    }, 'the subscription runs')
    changes.length = 0
    await runtime.registry.register('x', ref)
    await runtime.registry.join('g', ref)
    await ref.stop()
    await until(() => changes.length >= 4, 'four changes')
    expect(changes.filter((change) => !change.endsWith('warm'))).toEqual([
      'registered x',
      'joined g',
      'unregistered x',
      'left g',
    ])
    controller.abort()
    expect(await rejection(subscription)).toMatchObject({ code: 'SHL_ASK_ABORTED' })
  })
})
