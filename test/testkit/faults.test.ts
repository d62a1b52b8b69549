/** Every fault, one by one: what it does, and what the runtime makes of it. */
import { expect, test } from 'vitest'
import { type ActorRef, defineActor } from '../../src/actor/index.ts'
import type { RuntimeEvent } from '../../src/runtime/index.ts'
import { FaultPlan } from '../../src/testkit/faults.ts'
import { type Fault, simulate } from '../../src/testkit/index.ts'
import { runSimulation } from '../../src/testkit/simulate.ts'
import type { Simulation } from '../../src/testkit/simulation.ts'
import { rejection } from '../support/runtime.ts'

const echo = defineActor({ name: 'echo', receive: { say: (_state, n: number) => n } })
const SEEDS = [0, 1, 2, 3, 4, 5, 6, 7]

test.each(['crashed', 'out_of_memory', 'process_exit', 'terminated', 'unresponsive'] as const)(
  'a thread that is lost, %s: asks reject, watchers hear, another one takes its place',
  async (cause) => {
    for (const seed of SEEDS) {
      const events: RuntimeEvent[] = []
      await simulate({ seed, onEvent: (event) => void events.push(event) }, async (sim) => {
        const probe = await sim.probe()
        const ref = await sim.spawn(echo, { thread: 1 })
        probe.watch(ref)
        const asked = rejection(ref.ask('say', 1, { timeoutMs: 5000 })).catch(() => undefined)
        const sinceMs = sim.nowMs
        sim.loseThread(1, cause)
        await asked
        // Long before its deadline.
        expect(sim.nowMs - sinceMs).toBeLessThan(1500)
        const reason = await probe.expectTerminated(ref, { withinMs: 3000 })
        expect(reason).toMatchObject({ type: 'thread_lost', thread: 1, cause })
        await sim.advance(100)
        expect(sim.runtime.threads).toEqual([0, 2, 3])
        const again = await sim.spawn(echo, { thread: 3 })
        expect(await again.ask('say', 2)).toBe(2)
      })
      expect(events.some((event) => event.type === 'thread_lost' && event.cause === cause)).toBe(true)
    }
  },
)

/** A thread sends to another one and may die meanwhile, at the step that the faults name. */
async function chatThroughLoss(sim: Simulation, span: { from: number; to: number }): Promise<void> {
  const refs = await Promise.all([2, 3].map((thread) => sim.spawn(echo, { thread })))
  const go = (_state: unknown, to: ActorRef) => void to.tell('say', 1)
  const chatter = defineActor({ name: 'chatter', receive: { go } })
  const one = await sim.spawn(chatter, { thread: 1 })
  await sim.advance(10)
  span.from = sim.steps
  one.tell('go', refs[0]!)
  await sim.advance(10)
  span.to = sim.steps
  for (const ref of refs) expect(await ref.ask('say', 5, { timeoutMs: 1000 })).toBe(5)
}

test('a thread that dies at any step, its bells with it, leaves nobody deaf', async () => {
  for (const seed of SEEDS) {
    const span = { from: 0, to: 0 }
    await simulate({ seed, threads: 3 }, (sim) => chatThroughLoss(sim, span))
    expect(span.to - span.from).toBeGreaterThan(3)
    const { from, to } = span
    for (let atStep = from; atStep < to; atStep++) {
      const loss = { type: 'lose_thread', thread: 1, cause: 'crashed', losesBells: true, atStep } as const
      const faults = { plan: [loss] }
      await simulate({ seed, threads: 3, faults }, (sim) => chatThroughLoss(sim, { ...span }))
    }
  }
})

test('an actor that crashes, is restarted by nobody, and takes none with it', async () => {
  await simulate({}, async (sim) => {
    const probe = await sim.probe()
    const [one, other] = [await sim.spawn(echo, { thread: 1 }), await sim.spawn(echo, { thread: 1 })]
    for (const ref of [one, other]) probe.watch(ref)
    await sim.advance(1)
    sim.crash(one)
    await probe.expectReason(one, 'failed')
    expect(await other.ask('say', 3)).toBe(3)
    sim.inject({ type: 'crash_actor', thread: 1, index: 0 })
    await probe.expectReason(other, 'failed')
  })
})

test('a full ring refuses tells, and keeps answers until there is room', async () => {
  await simulate({}, async (sim) => {
    const ref = await sim.spawn(echo, { thread: 1 })
    sim.fillRings(1, 30)
    const sinceMs = sim.nowMs
    expect(await ref.ask('say', 1)).toBe(1)
    expect(sim.nowMs - sinceMs).toBeGreaterThanOrEqual(30)
    sim.fillRings(0, 10)
    expect(ref.tell('say', 2)).toBe(false)
    await sim.advance(10)
    expect(ref.tell('say', 2)).toBe(true)
    expect(sim.runtime.deadLetters.total).toBe(1)
  })
})

test('a bell that is lost leaves an ask to its deadline, and no longer', async () => {
  await simulate({ choices: [] }, async (sim) => {
    const ref = await sim.spawn(echo, { thread: 1 })
    await sim.advance(10)
    sim.loseBells(1, 1)
    const error = await rejection(ref.ask('say', 1, { timeoutMs: 40 }))
    expect(error['code']).toBe('SHL_ASK_TIMEOUT')
    expect(sim.log.some((line) => line.includes('the bell for thread 1 is lost'))).toBe(true)
  })
})

test('a stalled thread answers late, a slow one starts late, one that is too slow not at all', async () => {
  await simulate({ timeouts: { threadStartMs: 500 } }, async (sim) => {
    const ref = await sim.spawn(echo, { thread: 1 })
    sim.stall(1, 70)
    const sinceMs = sim.nowMs
    expect(await ref.ask('say', 1)).toBe(1)
    expect(sim.nowMs - sinceMs).toBe(70)
    sim.delayStarts(200)
    const late = await sim.runtime.spawn(sim.module(echo), { placement: 'dedicated' })
    expect(late.thread).toBe(3)
    expect(sim.nowMs - sinceMs).toBe(270)
    sim.delayStarts(600)
    const never = await rejection(sim.runtime.spawn(sim.module(echo), { placement: 'dedicated' }))
    expect(never['code']).toBe('SHL_THREAD_START')
  })
})

test('random faults come from the seed, are recorded, and come again from the record', async () => {
  const faults = { rate: 0.06, countMax: 4 }
  const body = async (sim: Simulation) => {
    const refs = await Promise.all([0, 1, 2].map((thread) => sim.spawn(echo, { thread })))
    const asks = refs.flatMap((ref) => [1, 2, 3].map((n) => ref.ask('say', n, { timeoutMs: 200 })))
    await Promise.allSettled(asks)
    await sim.advance(300)
  }
  let seen = 0
  for (const seed of SEEDS) {
    const first = await runSimulation({ seed, faults }, body)
    seen += first.faults.plan.length
    expect(first.faults.plan.length).toBeLessThanOrEqual(4)
    const { choices, faults: recorded } = first
    expect((await runSimulation({ seed, choices, faults: recorded }, body)).log).toEqual(first.log)
  }
  expect(seen).toBeGreaterThan(5)
})

test('within calm no fault comes by itself', async () => {
  const faults = { rate: 1, types: ['stall_thread'] as const }
  await simulate({ faults }, async (sim) => {
    await sim.calm(() => sim.advance(100))
    expect(sim.faults).toEqual([])
    await sim.advance(1)
    expect(sim.faults.length).toBeGreaterThan(0)
  })
})

test('every kind of fault is drawn, and only those that were asked for', () => {
  const types: Fault['type'][] = ['lose_thread', 'crash_actor', 'stall_thread', 'fill_rings', 'lose_bells']
  const draw = (options: object, step: number) => new FaultPlan({ rate: 1, ...options }, step).due(0, [1, 2])
  const drawn = new Set(Array.from({ length: 100 }, (_, i) => draw({ types }, i)[0]!.type))
  expect([...drawn].sort()).toEqual([...types].sort())
  const usual = new Set(Array.from({ length: 100 }, (_, i) => draw({}, i)[0]!.type))
  expect(usual.has('lose_bells')).toBe(false)
  expect(draw({ rate: 0 }, 1)).toEqual([])
})

test('unknown options are refused', async () => {
  const error = await rejection(simulate({ faults: { rat: 1 } as object }, () => undefined))
  expect(error['code']).toBe('SHL_OPTION_UNKNOWN')
})
