/** Hot reload on real threads: the state goes over, nothing is lost, and what fails is rolled back. */
import type { Subsystem } from 'shardloom'
import { describe, expect, test } from 'vitest'
import { rejection, sleep, testRuntime, until } from '../../support/runtime.ts'

const VISITS = new URL('../../support/subsystems/visits.mjs', import.meta.url)
const V2 = new URL('../../support/subsystems/visits-v2.mjs', import.meta.url)
const QUICK = { checks: 2, everyMs: 20 }

// biome-ignore lint/suspicious/noExplicitAny: the fixtures are plain JavaScript.
type Loose = Subsystem<any>

async function started(options: object = {}) {
  const runtime = await testRuntime()
  const subsystem: Loose = await runtime.subsystem({
    name: 'visits',
    module: VISITS,
    health: false,
    ...options,
  })
  return { runtime, subsystem, api: subsystem.api }
}

/** Calls all the time; what came of each. */
function load(api: Loose['api']) {
  const errors: Error[] = []
  let answered = 0
  let isOver = false
  const caller = async (): Promise<void> => {
    while (!isOver) {
      try {
        await api.visit()
        answered++
      } catch (error) {
        errors.push(error as Error)
        await sleep(1)
      }
    }
  }
  const callers = Promise.all([caller(), caller(), caller()])
  return {
    errors,
    async end(): Promise<number> {
      isOver = true
      await callers
      return answered
    },
  }
}

describe('a reload', () => {
  test.each(['dedicated', 'shared', 'main'] as const)(
    'brings the new version under load (%s)',
    async (placement) => {
      const { subsystem, api } = await started({ placement })
      const calls = load(api)
      await sleep(50)
      const report = await subsystem.reload({ module: V2, ...QUICK })
      await sleep(20)
      const answered = await calls.end()
      expect(report).toMatchObject({ fromVersion: 1, toVersion: 2, checks: 3 })
      expect(calls.errors).toEqual([])
      // Every visit counts once, in both versions together.
      expect(await api.get()).toBeCloseTo(answered, 5)
      expect(await api.log()).toEqual(['fresh', 'v1 to v2', 'migrated'])
      expect(await api.version).toBe(2)
      expect(subsystem.view()).toMatchObject({ version: 2, restarts: 0, phase: 'running' })
    },
  )

  test('lets calls under way finish on the old version, and lets it go', async () => {
    const { subsystem, api, runtime } = await started()
    const before = subsystem.view().thread
    const slow = api.slow(100)
    await subsystem.reload({ module: V2, ...QUICK })
    expect(await slow).toBe(1)
    expect(await api.get()).toBe(1)
    expect(subsystem.view().thread).not.toBe(before)
    await until(() => !runtime.threads.includes(before ?? -1), 'the old thread has ended')
  })

  test('of the same module loads it anew; later restarts start the new version', async () => {
    const { subsystem, api } = await started()
    await api.visit()
    await subsystem.reload({ args: { start: 100 }, ...QUICK })
    expect(await api.get()).toBe(1)
    await subsystem.reload({ module: V2, ...QUICK })
    await rejection(api.die('broken'))
    expect(await api.version).toBe(2)
    expect(await api.get()).toBe(1)
  })
})

describe('a rollback', () => {
  test.each([
    ['broken', 'v2 cannot start'],
    ['unmigrated', 'SHL_SUBSYSTEM_INIT'],
    ['missing', 'SHL_ACTOR_MODULE'],
    ['sickly', 'unhealthy'],
    ['crashing', 'v2 crashes'],
  ])('of one that is %s: the old one goes on, with all visits', async (name, why) => {
    const { subsystem, api } = await started()
    const calls = load(api)
    await sleep(20)
    const module = name === 'missing' ? new URL('./missing.mjs', import.meta.url) : V2
    const error = await rejection(
      subsystem.reload({ module, ...(name !== 'missing' && { export: name }), ...QUICK }),
    )
    expect(error).toMatchObject({ code: 'SHL_RELOAD_ROLLED_BACK' })
    expect(`${error.message} ${(error.cause as { code?: string }).code}`).toContain(why)
    await sleep(20)
    const answered = await calls.end()
    expect(await api.version).toBe(1)
    // A version that crashes takes with it what it had answered; the others hand it back.
    const lost = calls.errors.length
    if (name !== 'crashing') {
      expect(calls.errors).toEqual([])
      expect(await api.get()).toBe(answered)
    } else {
      for (const one of calls.errors) expect(one).toMatchObject({ name: 'SubsystemRestarted' })
      expect(lost).toBeLessThan(10)
    }
    expect(subsystem.view()).toMatchObject({ phase: 'running', restarts: 0 })
  })

  test('a reload is refused while another one is under way, and while it is down', async () => {
    const { subsystem, api } = await started({
      restart: { backoff: { immediate: 0, firstMs: 200, jitter: 0 } },
    })
    const first = subsystem.reload({ module: V2, ...QUICK })
    expect(await rejection(subsystem.reload())).toMatchObject({ code: 'SHL_RELOAD_REFUSED' })
    await first
    await rejection(api.die('broken'))
    await until(() => subsystem.view().phase === 'backing_off', 'it waits')
    expect(await rejection(subsystem.reload())).toMatchObject({ code: 'SHL_RELOAD_REFUSED', retryable: true })
    expect(await api.visit()).toBe(1)
  })

  test('the old one dies while its replacement is loaded: that is told, and it is restarted', async () => {
    const { subsystem, api, runtime } = await started()
    const reload = rejection(subsystem.reload({ module: V2, ...QUICK }))
    await runtime.killThread(subsystem.view().thread ?? -1)
    expect(await reload).toMatchObject({ code: 'SHL_RELOAD_ROLLED_BACK' })
    expect(await api.version).toBe(1)
    expect(subsystem.view()).toMatchObject({ phase: 'running', restarts: 1 })
    await until(() => runtime.threads.length === 3, 'nothing else is left')
  })

  test('checkpoints of the old one count while its replacement is loaded, and after a rollback', async () => {
    const { subsystem, api, runtime } = await started()
    const crashed = rejection(subsystem.reload({ module: V2, ...QUICK }))
    await api.visit()
    await api.checkpoint()
    await runtime.killThread(subsystem.view().thread ?? -1)
    expect(await crashed).toMatchObject({ code: 'SHL_RELOAD_ROLLED_BACK' })
    expect(await api.get()).toBe(1)
    await rejection(subsystem.reload({ module: V2, export: 'broken', ...QUICK }))
    await api.visit()
    await api.checkpoint()
    await runtime.killThread(subsystem.view().thread ?? -1)
    expect(await api.get()).toBe(2)
  })

  test('a stop in the middle of a reload ends both', async () => {
    const { subsystem, runtime } = await started()
    const reload = rejection(subsystem.reload({ module: V2, checks: 100, everyMs: 50 }))
    await until(() => subsystem.view().version === 2, 'the new one has taken over')
    await subsystem.stop()
    expect(await reload).toMatchObject({ code: 'SHL_RELOAD_ROLLED_BACK' })
    await until(() => runtime.threads.length === 2, 'both threads have ended')
  })
})

describe('a reload and what happens meanwhile', () => {
  test('the old run dies while the new one is loaded: it is restarted', async () => {
    const { subsystem, api, runtime } = await started()
    await api.visit()
    const reload = rejection(subsystem.reload({ module: V2, export: 'slow', ...QUICK }))
    await sleep(60)
    await runtime.killThread(subsystem.view().thread ?? -1)
    expect(await reload).toMatchObject({ code: 'SHL_RELOAD_ROLLED_BACK' })
    expect(await api.visit()).toBe(1)
    expect(subsystem.view()).toMatchObject({ phase: 'running', restarts: 1, version: 1 })
    await until(() => runtime.threads.length === 3, 'the candidate has ended')
  })

  test('a restart while the new one is loaded ends the reload', async () => {
    const { subsystem, api, runtime } = await started()
    await api.visit()
    const reload = rejection(subsystem.reload({ module: V2, export: 'slow', ...QUICK }))
    await sleep(60)
    await subsystem.restart()
    expect(await reload).toMatchObject({ code: 'SHL_RELOAD_ROLLED_BACK' })
    expect(await api.visit()).toBe(2)
    await until(() => runtime.threads.length === 3, 'the candidate has ended')
  })

  test('an error of a hook that names another actor’s end is an error, and no end', async () => {
    const { subsystem, api } = await started()
    const error = await rejection(subsystem.reload({ module: V2, export: 'asksGone', ...QUICK }))
    expect(error).toMatchObject({ code: 'SHL_RELOAD_ROLLED_BACK', cause: { code: 'SHL_ACTOR_NOT_FOUND' } })
    expect(await api.visit()).toBe(1)
  })

  test('checkpoints count also after it, and nobody gets what it does not understand', async () => {
    const { subsystem, api } = await started()
    await api.visit()
    await rejection(subsystem.reload({ module: V2, export: 'broken', ...QUICK }))
    await api.visit()
    await api.checkpoint()
    await rejection(api.die('broken'))
    expect(await api.get()).toBe(2)
    // The new one checkpoints in its own unit, and is then found wanting.
    const reload = rejection(subsystem.reload({ module: V2, export: 'checkpoints', checks: 50, everyMs: 20 }))
    await until(async () => (await api.version) === 2, 'it has taken over')
    await sleep(30)
    await rejection(api.die('on probation'))
    await reload
    expect([await api.version, await api.get()]).toEqual([1, 2])
  })

  test('after a reload on a shared thread, restarts run the new version', async () => {
    const { subsystem, api } = await started({ placement: 'shared' })
    await api.visit()
    await subsystem.reload({ module: V2, ...QUICK })
    await subsystem.restart()
    expect([await api.version, await api.get()]).toEqual([2, 1])
  })

  test('a state that cannot be handed over stays, when the new version fails', async () => {
    const { subsystem, api } = await started({ export: undefined, module: V2 })
    await subsystem.stop()
    const { subsystem: plain, api: plainApi } = await started({ module: V2, export: 'plain' })
    await plainApi.visit()
    await rejection(plain.reload({ export: 'broken', ...QUICK }))
    expect(await plainApi.visit()).toBe(2)
    expect(await rejection(api.get())).toMatchObject({ code: 'SHL_SUBSYSTEM_DOWN' })
  })
})
