/** Searching schedules: planted bugs, of a program and of the kernel, are found and made small. */
import { expect, test } from 'vitest'
import { type ActorRef, defineActor } from '../../src/actor/index.ts'
import { RingConsumer } from '../../src/memory/index.ts'
import { explore, exploreWith } from '../../src/testkit/explore.ts'
import { type Replay, simulate } from '../../src/testkit/index.ts'
import type { Simulation } from '../../src/testkit/simulation.ts'
import { rejection } from '../support/runtime.ts'

/** Two clients read, then write what they read and one more; the second waits for the first. */
async function oneAfterTheOther(sim: Simulation): Promise<void> {
  const store = defineActor({
    name: 'store',
    init: () => ({ value: 0 }),
    receive: {
      read: (state) => state.value,
      write(state, value: number) {
        state.value = value
      },
    },
  })
  const ref = await sim.spawn(store, { thread: 1 })
  const client = defineActor({
    name: 'client',
    receive: {
      async add() {
        const value = await ref.ask('read')
        await ref.ask('write', value + 1)
      },
    },
  })
  const clients = await Promise.all([sim.spawn(client), sim.spawn(client)])
  clients[0]!.tell('add')
  await sim.advance(10)
  await clients[1]!.ask('add')
  expect(await ref.ask('read')).toBe(2)
}

test('a search without a failure says what it has seen', async () => {
  const report = await explore({ runs: 20 }, oneAfterTheOther)
  expect(report.runs).toBe(20)
  expect(report.steps).toBeGreaterThan(20)
})

/** Long enough for first come, first served. */
const PAUSES = 3

/** A cache that is filled twice when a second message comes between its look and its write. */
async function doubleFill(sim: Simulation): Promise<void> {
  let fills = 0
  const source = defineActor({ name: 'source', receive: { load: () => ++fills } })
  const from = await sim.spawn(source, { thread: 2 })
  const cached = new Map<string, number>()
  const reader = defineActor({
    name: 'reader',
    init: (_ctx, args: { from: ActorRef }) => args,
    receive: {
      async get({ from }) {
        if (!cached.has('k')) cached.set('k', Number(await from.ask('load')))
        return cached.get('k')
      },
    },
  })
  const spawn = () => sim.spawn(reader, { thread: 1, args: { from } })
  const [a, b] = await Promise.all([spawn(), spawn()])
  a.tell('get')
  for (let i = 0; i < PAUSES; i++) await sim.advance(0)
  await b.ask('get')
  expect(fills).toBe(1)
}

test('a read and a write with an await between them are found, shrunk, and seen again', async () => {
  await simulate({ choices: [] }, doubleFill)
  const error = await rejection(explore({ runs: 200 }, doubleFill))
  expect(error['code']).toBe('SHL_SCHEDULE_FAILS')
  expect(error.message).toMatch(/\{ seed: \d+, choices: \[/)
  const { seed, choices, faults } = error['simulation'] as Replay
  const deviations = choices.filter((choice) => choice !== 0).length
  expect(deviations).toBeGreaterThan(0)
  expect(deviations).toBeLessThan(8)
  const again = await rejection(simulate({ seed, choices, faults }, doubleFill))
  expect(again.name).toBe('AssertionError')
})

/** A ring that looks empty to the thread that is about to sleep: the pump's second look finds nothing. */
class BlindConsumer extends RingConsumer {
  override isEmpty(): boolean {
    return true
  }
}

async function askAcross(sim: Simulation): Promise<void> {
  const echo = defineActor({ name: 'echo', receive: { say: (_state, n: number) => n } })
  const refs = await Promise.all([0, 1, 2].map((thread) => sim.spawn(echo, { thread })))
  for (let i = 0; i < 10; i++) {
    const answers = await Promise.all(refs.map((ref) => ref.ask('say', i, { timeoutMs: 100 })))
    expect(answers).toEqual([i, i, i])
    await sim.advance(5)
  }
}

test('a pump without its second look loses a wake-up', async () => {
  await explore({ runs: 50 }, askAcross)
  const doubles = { consumer: (ring: SharedArrayBuffer) => new BlindConsumer(ring) }
  const error = await rejection(exploreWith({ runs: 300 }, askAcross, doubles))
  expect(error['code']).toBe('SHL_SCHEDULE_FAILS')
  const { choices } = error['simulation'] as Replay
  // One interruption, between the last look and the parking, is all it takes; others, while threads start
  // beside each other, only keep the places of those behind them.
  expect(choices.filter((choice) => choice !== 0).length).toBeLessThan(8)
})

test('faults are shrunk, too', async () => {
  const body = async (sim: Simulation): Promise<void> => {
    const echo = defineActor({ name: 'echo', receive: { say: (_state, n: number) => n } })
    const ref = await sim.spawn(echo, { thread: 1 })
    for (let i = 0; i < 20; i++) await ref.ask('say', i)
  }
  const options = { runs: 50, faults: { rate: 0.05, types: ['lose_thread', 'stall_thread'] as const } }
  const error = await rejection(explore(options, body))
  const { faults } = error['simulation'] as Replay
  expect(faults.plan.map(({ type }) => type)).toEqual(['lose_thread'])
})
