/** Bounded mailboxes on real threads: each policy, by count and by bytes, and the order that is left. */
import { describe, expect, test } from 'vitest'
import { rejection, sleep, spawnTester, testRuntime, until } from '../support/runtime.ts'

describe('a mailbox', () => {
  test('refuses exactly what exceeds its depth: tell says false, ask rejects', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime, { mailbox: { depthMax: 5 } })
    const blocked = ref.ask('block', 100)
    await sleep(10)
    const taken = Array.from({ length: 10 }, () => ref.tell('add', 1))
    expect(taken).toEqual([true, true, true, true, false, false, false, false, false, false])
    const error = await rejection(ref.ask('echo', 1))
    expect(error).toMatchObject({ code: 'SHL_MAILBOX_FULL', retryable: true })
    expect(error.message).toContain('depth=5 depthMax=5')
    await blocked
    expect(await ref.ask('sum')).toBe(4)
    expect(runtime.deadLetters.byReason['mailbox_full']).toBe(6)
    expect(ref.depth).toBe(0)
  })

  test('bounds bytes, and lets a single larger message through when it is empty', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime, { mailbox: { bytesMax: 1000 } })
    expect(await ref.ask('echo', new Uint8Array(5000))).toHaveLength(5000)
    const blocked = ref.ask('block', 80)
    await sleep(10)
    expect(ref.tell('echo', new Uint8Array(600))).toBe(true)
    expect(ref.tell('echo', new Uint8Array(600))).toBe(false)
    expect(ref.tell('echo', 1)).toBe(true)
    await blocked
    expect(await ref.ask('echo', 1)).toBe(1)
  })

  test('with drop_newest keeps the oldest', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime, { mailbox: { depthMax: 3, policy: 'drop_newest' } })
    const blocked = ref.ask('block', 60)
    await sleep(10)
    const taken = ['a', 'b', 'c', 'd'].map((text) => ref.tell('note', text))
    expect(taken).toEqual([true, true, false, false])
    expect(await rejection(ref.ask('echo', 1))).toMatchObject({ code: 'SHL_MESSAGE_DROPPED' })
    await blocked
    expect(await ref.ask('log')).toEqual(['a', 'b'])
    expect(runtime.deadLetters.byReason['dropped']).toBe(2)
  })

  test('with drop_oldest keeps the newest, and tells the askers of what was dropped', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime, { mailbox: { depthMax: 3, policy: 'drop_oldest' } })
    const slow = ref.ask('sleep', 80)
    await sleep(10)
    const asked = rejection(ref.ask('echo', 1))
    for (const text of ['a', 'b', 'c', 'd']) expect(ref.tell('note', text)).toBe(true)
    expect(await asked).toMatchObject({ code: 'SHL_MESSAGE_DROPPED' })
    await slow
    expect(await ref.ask('log')).toEqual(['c', 'd'])
    expect(ref.depth).toBe(0)
  })

  test('with wait lets asks wait for their place, in order, up to their deadline', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime, { mailbox: { depthMax: 2, policy: 'wait' } })
    const blocked = ref.ask('block', 60)
    const asked = Array.from({ length: 20 }, (_, i) => ref.ask('slowNote', { text: String(i), ms: 0 }))
    const late = rejection(ref.ask('echo', 1, { timeoutMs: 20 }))
    expect(await late).toMatchObject({ code: 'SHL_ASK_TIMEOUT' })
    await blocked
    await Promise.all(asked)
    expect(await ref.ask('log')).toEqual(Array.from({ length: 20 }, (_, i) => String(i)))
  })

  test('offer waits for space, keeps order, and rejects at its deadline or signal', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime, { mailbox: { depthMax: 2 } })
    const blocked = ref.ask('block', 80)
    await sleep(10)
    const offers = ['a', 'b', 'c', 'd'].map((text) => ref.offer('note', text))
    expect(await rejection(ref.offer('note', 'late', { timeoutMs: 20 }))).toMatchObject({
      code: 'SHL_OFFER_TIMEOUT',
    })
    const controller = new AbortController()
    const aborted = rejection(ref.offer('note', 'aborted', { signal: controller.signal }))
    controller.abort()
    expect(await aborted).toMatchObject({ code: 'SHL_ASK_ABORTED' })
    await blocked
    await Promise.all(offers)
    // An offer resolves when its message has a place; the places are free again once it was handled.
    await until(() => ref.depth === 0, 'all were handled')
    expect(await ref.ask('log')).toEqual(['a', 'b', 'c', 'd'])
  })

  test('takes urgent messages first, and each priority in order', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime)
    const slow = ref.ask('sleep', 60)
    await sleep(10)
    const sent = [
      ['late', 3],
      ['normal 1', 1],
      ['urgent 1', 0],
      ['normal 2', 1],
      ['urgent 2', 0],
    ] as const
    for (const [text, priority] of sent) ref.tell('note', text, { priority })
    await slow
    expect(await ref.ask('log', undefined, { priority: 3 })).toEqual([
      'urgent 1',
      'urgent 2',
      'normal 1',
      'normal 2',
      'late',
    ])
  })

  test('stays bounded under a flood from every thread, and loses nothing that it took', async () => {
    const runtime = await testRuntime({ threads: 2 })
    const target = await spawnTester(runtime, { mailbox: { depthMax: 100 } })
    let taken = 0
    let depthSeen = 0
    for (let round = 0; round < 40; round++) {
      for (let i = 0; i < 500; i++) if (target.tell('add', 1)) taken++
      depthSeen = Math.max(depthSeen, target.depth)
      await sleep(1)
    }
    expect(depthSeen).toBeLessThanOrEqual(100)
    await expect.poll(async () => target.ask('sum').catch(() => -1)).toBe(taken)
    expect(target.depth).toBe(0)
  })

  test('keeps the order of each sender through stash and unstash', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime)
    const gated = ['1', '2', '3'].map((text) => ref.ask('gate', text))
    ref.tell('open')
    expect(await Promise.all(gated)).toEqual(['1', '2', '3'])
    expect(await ref.ask('log')).toEqual(['1', '2', '3'])
    expect(ref.depth).toBe(0)
  })

  test('refuses to stash beyond its limit', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime)
    const gated = Array.from({ length: 5 }, (_, i) => ref.ask('gate', String(i)))
    expect(await rejection(gated[4]!)).toMatchObject({ code: 'SHL_STASH_FULL' })
    ref.tell('open')
    expect(await Promise.all(gated.slice(0, 4))).toEqual(['0', '1', '2', '3'])
  })
})

describe('timers', () => {
  test('send once or periodically, and a cancelled one is never heard of', async () => {
    const runtime = await testRuntime()
    const ref = await spawnTester(runtime)
    ref.tell('startTimer', { key: 'once', ms: 5 })
    ref.tell('startAndCancelTimer', { key: 'never', ms: 5 })
    ref.tell('startTimer', { key: 'tick', ms: 5, every: true })
    await expect
      .poll(async () => ((await ref.ask('log')) as string[]).filter((k) => k === 'tick').length)
      .toBeGreaterThan(2)
    ref.tell('cancelTimers')
    const log = (await ref.ask('log')) as string[]
    expect(log.filter((key) => key === 'once')).toHaveLength(1)
    expect(log).not.toContain('never')
    await sleep(30)
    expect(await ref.ask('log')).toEqual(log)
  })
})
