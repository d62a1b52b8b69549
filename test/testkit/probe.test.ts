/** Probes: expectations in virtual time, and what they say when they fail. */
import { expect, test } from 'vitest'
import { defineActor } from '../../src/actor/index.ts'
import { simulate } from '../../src/testkit/index.ts'
import { rejection } from '../support/runtime.ts'

const worker = defineActor({
  name: 'worker',
  receive: {
    fail() {
      throw new RangeError('as told')
    },
  },
})

test('messages are expected one after the other, from any thread', async () => {
  await simulate({ seed: 1 }, async (sim) => {
    const probe = await sim.probe({ thread: 2 })
    probe.ref.tell('first', { n: 1 })
    probe.ref.tell('second')
    expect(await probe.expectMessage('first')).toMatchObject({ payload: { n: 1 }, sender: undefined })
    await probe.expectMessage()
    await probe.expectNoMessage()
  })
})

test('an ask of a probe is answered as it is told to', async () => {
  await simulate({}, async (sim) => {
    const probe = await sim.probe({ answer: (type, payload) => `${type} ${payload}` })
    expect(await probe.ref.ask('double', 4)).toBe('double 4')
    await probe.expectMessage('double')
  })
})

test('a message that does not come, comes unexpected, or is another one, is told', async () => {
  await simulate({}, async (sim) => {
    const probe = await sim.probe({ name: 'ears' })
    const sinceMs = sim.nowMs
    const none = await rejection(probe.expectMessage('hello', { withinMs: 50 }))
    expect(none.message).toContain("ears expected a message 'hello': found=none withinMs=50")
    expect(sim.nowMs - sinceMs).toBe(50)
    probe.ref.tell('bye', 1)
    const other = await rejection(probe.expectMessage('hello'))
    expect(other.message).toContain("found='bye' 1")
    probe.ref.tell('more')
    expect((await rejection(probe.expectNoMessage(20)))['code']).toBe('SHL_EXPECTATION')
  })
})

test('the end of an actor is expected, with its reason', async () => {
  await simulate({}, async (sim) => {
    const probe = await sim.probe()
    const ref = await sim.spawn(worker, { thread: 1 })
    probe.watch(ref)
    const alive = await rejection(probe.expectTerminated(ref, { withinMs: 10 }))
    expect(alive.message).toContain('found=it lives')
    ref.tell('fail')
    await probe.expectReason(ref, 'failed')
    const other = await rejection(probe.expectReason(ref, 'stopped'))
    expect(other.message).toContain('to be stopped')
  })
})
