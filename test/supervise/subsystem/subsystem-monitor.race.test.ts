/** What counts as a failure of a subsystem, on real threads: each kind is seen, told, and mended. */
import type { Subsystem, SubsystemOptions, SupervisionEvent } from 'shardloom'
import { describe, expect, test } from 'vitest'
import { rejection, testRuntime, until } from '../../support/runtime.ts'

const VISITS = new URL('../../support/subsystems/visits.mjs', import.meta.url)
const MIB = 1024 * 1024

async function started(options: Partial<SubsystemOptions> = {}) {
  const runtime = await testRuntime()
  const events: SupervisionEvent[] = []
  runtime.subscribe((event) => events.push(event as SupervisionEvent), {
    types: ['hang', 'hang_profile', 'recycle'],
    supervisor: 'visits',
  })
  // The fixtures are plain JavaScript.
  // biome-ignore lint/suspicious/noExplicitAny: see above.
  const subsystem: Subsystem<any> = await runtime.subsystem({
    name: 'visits',
    module: VISITS,
    health: false,
    ...options,
  })
  const restarted = () => until(() => subsystem.view().restarts === 1, 'it is restarted')
  return { runtime, events, subsystem, api: subsystem.api, restarted }
}

describe('failures', () => {
  test('it says so, with its error', async () => {
    const { api, subsystem, restarted } = await started()
    await rejection(api.die('broken'))
    await restarted()
    expect(subsystem.view().lastError).toMatchObject({ code: 'E_CUSTOM', message: 'broken' })
  })

  test('a rejection that nobody handles ends its thread, and is the reason', async () => {
    const { api, subsystem, restarted } = await started()
    // The thread may end before its answer is on its way.
    await Promise.allSettled([api.rejectLater()])
    await restarted()
    expect(subsystem.view().lastError).toMatchObject({
      code: 'SHL_CHILD_ENDED',
      message: expect.stringContaining('crashed'),
      cause: { message: 'nobody handles this' },
    })
    expect(await api.visit()).toBe(1)
  })

  test('process.exit ends its thread only', async () => {
    const { api, subsystem, restarted } = await started()
    expect(await rejection(api.exit())).toMatchObject({ name: 'SubsystemRestarted', retryable: false })
    await restarted()
    expect(subsystem.view().lastError?.message).toContain('process_exit')
    expect(await api.visit()).toBe(1)
  })

  test('out of memory, within the hard limit of its thread', async () => {
    const { api, subsystem, restarted } = await started({
      limits: { resourceLimits: { maxOldGenerationSizeMb: 24 } },
    })
    await rejection(api.exhaust())
    await restarted()
    expect(subsystem.view().lastError?.message).toContain('out_of_memory')
    expect(await api.visit()).toBe(1)
  })

  test.each([
    ['external', 'externalBytes', 'leak'],
    ['array buffers', 'arrayBufferBytes', 'leak'],
    ['what it holds itself', 'arenaBytes', 'hold'],
  ])('a soft limit of memory (%s): it is drained, replaced, and counted', async (_what, limit, method) => {
    const { api, subsystem, events, restarted } = await started({
      limits: { memory: { [limit]: 64 * MIB } },
    })
    await api.visit()
    await api[method](100 * MIB)
    const slow = api.slow(600)
    await restarted()
    // What was under way is finished, and the state goes on.
    expect(await slow).toBe(2)
    expect(await api.get()).toBe(2)
    expect(subsystem.view()).toMatchObject({ recycles: 1, lastError: { code: 'SHL_SUBSYSTEM_MEMORY' } })
    expect(events).toMatchObject([{ type: 'recycle', error: { details: { what: limit } } }])
  })

  test('a call that blocks: told with its name, profiled, ended with its thread', async () => {
    const { api, subsystem, events } = await started({ limits: { messageMs: 80 } })
    await api.block(30)
    expect(await rejection(api.spin())).toMatchObject({ name: 'SubsystemRestarted', retryable: false })
    expect(await api.visit()).toBe(1)
    expect(events.map(({ type }) => type)).toEqual(['hang', 'hang_profile'])
    expect(events[0]).toMatchObject({ hang: { message: 'spin', isBlocking: true } })
    const [, told] = events as [unknown, Extract<SupervisionEvent, { type: 'hang_profile' }>]
    // Where V8 has inlined the loop, an old Node names who called it.
    const where = told.profile?.nodes.map(({ callFrame }) => callFrame.url).join('\n')
    expect(where).toMatch(/visits\.mjs|comlink|subsystem-host\.js/)
    expect(subsystem.view().lastError).toMatchObject({ code: 'SHL_CHILD_HANGS' })
  })

  test('a call that awaits too long', async () => {
    const { api, subsystem, restarted } = await started({ limits: { messageMs: 80 } })
    const other = rejection(api.slow(60_000))
    expect(await rejection(api.never())).toMatchObject({ name: 'SubsystemRestarted', retryable: true })
    expect(await other).toMatchObject({ retryable: false })
    await restarted()
    expect(subsystem.view().lastError?.message).toMatch(/SHL_CHILD_HANGS|message takes too long/)
    expect(await api.visit()).toBe(1)
  })

  test('a loop outside of calls: its heart stops', async () => {
    const { api, events, restarted } = await started({ limits: { heartbeatMs: 150, profileMs: 0 } })
    await api.stuckLater(60_000)
    await restarted()
    expect(events).toMatchObject([{ type: 'hang', hang: { message: '(outside of calls)' } }])
    expect(await api.visit()).toBe(1)
  })

  test.each(['throws', 'false', 'slow'])(
    'a health check that fails (%s), so many times in a row',
    async (how) => {
      const health = { everyMs: 20, timeoutMs: 50, failures: 2 }
      const { api, subsystem, events, restarted } = await started({ health })
      await api.visit()
      await api.sick(how)
      await restarted()
      expect(events).toMatchObject([{ type: 'recycle', error: { code: 'SHL_SUBSYSTEM_UNHEALTHY' } }])
      // A state that is not well is not handed over.
      expect(await api.get()).toBe(0)
      expect(subsystem.view().lastError?.message).toMatch(/no answer|sick|says so/)
    },
  )

  test('a healthy one is left alone', async () => {
    const { api, subsystem, events } = await started({ health: { everyMs: 5, timeoutMs: 1000, failures: 1 } })
    for (let i = 0; i < 10; i++) await api.slow(10)
    expect(subsystem.view().restarts).toBe(0)
    expect(events).toEqual([])
  })
})
