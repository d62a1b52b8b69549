/** A whole runtime in virtual time: the same seed gives the same run, and a run that cannot end says so. */
import { expect, test } from 'vitest'
import { defineActor } from '../../src/actor/index.ts'
import { actorChild } from '../../src/supervise/index.ts'
import { simulate } from '../../src/testkit/index.ts'
import { runSimulation } from '../../src/testkit/simulate.ts'
import type { Simulation } from '../../src/testkit/simulation.ts'
import { rejection } from '../support/runtime.ts'

const counter = defineActor({
  name: 'counter',
  init: () => ({ value: 0 }),
  receive: {
    add(state, n: number) {
      state.value += n
    },
    get: (state) => state.value,
    fail() {
      throw new RangeError('as told')
    },
  },
})

async function traffic(sim: Simulation): Promise<string> {
  const refs = await Promise.all([0, 1, 2].map((thread) => sim.spawn(counter, { thread })))
  for (let i = 0; i < 5; i++) for (const ref of refs) ref.tell('add', i)
  const values = await Promise.all(refs.map((ref) => ref.ask('get')))
  return values.join()
}

test('actors on every thread are told and asked', async () => {
  expect(await simulate({ threads: 2 }, traffic)).toBe('10,10,10')
})

test('the same seed gives the same log, another seed another one', async () => {
  const run = (seed: number) => runSimulation({ seed }, traffic)
  const [first, again, other] = [await run(5), await run(5), await run(6)]
  expect(first.error).toBeUndefined()
  expect(first.log.length).toBeGreaterThan(20)
  expect(again.log).toEqual(first.log)
  expect(other.log).not.toEqual(first.log)
})

test('the choices of a run give it again', async () => {
  const first = await runSimulation({ seed: 9 }, traffic)
  const again = await runSimulation({ seed: 9, choices: first.choices }, traffic)
  expect(again.log).toEqual(first.log)
  const plain = await runSimulation({ seed: 9, choices: [] }, traffic)
  expect(plain.choices.every((choice) => choice === 0)).toBe(true)
})

test('time is virtual, and timers fire in it', async () => {
  const ticks = await simulate({}, async (sim) => {
    const ticker = defineActor({
      name: 'ticker',
      init: (ctx) => {
        ctx.timers.every('tick', 60_000, 'tick')
        return { count: 0 }
      },
      receive: {
        tick: (state) => void state.count++,
        count: (state) => state.count,
      },
    })
    const ref = await sim.spawn(ticker, { thread: 1 })
    const sinceMs = sim.nowMs
    await sim.advance(600_001)
    expect(sim.nowMs - sinceMs).toBe(600_001)
    return ref.ask('count')
  })
  expect(ticks).toBe(10)
})

test('an error of the body keeps its class, and says the seed', async () => {
  const error = await rejection(
    simulate({ seed: 77 }, async (sim) => {
      await sim.advance(1)
      throw new TypeError('wrong')
    }),
  )
  expect(error).toBeInstanceOf(TypeError)
  expect(error.message).toMatch(/^wrong\n\(simulation: seed=77 steps=\d+ choices=/)
})

test('a deadlock says what waits', async () => {
  const sleeper = defineActor({
    name: 'sleeper',
    receive: { sleep: () => new Promise<void>(() => undefined) },
  })
  const error = await rejection(
    simulate({}, async (sim) => {
      const ref = await sim.spawn(sleeper, { thread: 2 })
      ref.tell('sleep')
      ref.tell('sleep')
      await sim.runtime.watch(ref)
    }),
  )
  expect(error['code']).toBe('SHL_SIMULATION_DEADLOCK')
  expect(error.message).toMatch(/sleeper@2\/\d+: in the middle of a message, 1 waiting/)
})

test('steps and virtual time are limited', async () => {
  const again = defineActor({
    name: 'again',
    receive: { go: (_state, _payload, ctx) => void ctx.self.tell('go') },
  })
  const spin = async (sim: Simulation) => {
    const ref = await sim.spawn(again, { thread: 1 })
    ref.tell('go')
    await sim.runtime.watch(ref)
  }
  expect((await rejection(simulate({ stepsMax: 200 }, spin)))['code']).toBe('SHL_SIMULATION_STEPS')
  const wait = (sim: Simulation) => sim.advance(2000)
  expect((await rejection(simulate({ virtualMsMax: 1000 }, wait)))['code']).toBe('SHL_SIMULATION_TIME')
})

test('a handler that uses a ref of another thread by closure is told so', async () => {
  const error = await rejection(
    simulate({}, async (sim) => {
      const ref = await sim.spawn(counter)
      const closing = defineActor({ name: 'closing', receive: { go: () => ref.ask('get') } })
      const other = await sim.spawn(closing, { thread: 1 })
      await other.ask('go')
    }),
  )
  expect(error).toMatchObject({ code: 'SHL_SIMULATION_FOREIGN_REF', details: { thread: 1, owner: 0 } })
})

test('a tree restarts what fails, across threads, in virtual time', async () => {
  await simulate({ seed: 3 }, async (sim) => {
    const tree = await sim.runtime.supervise({
      id: 'tree',
      children: [actorChild('a', sim.module(counter)), actorChild('b', sim.module(counter))],
    })
    const ref = tree.ref<typeof counter>('a')
    const first = ref.current?.address
    await ref.ask('add', 3)
    ref.tell('fail')
    await sim.advance(50)
    expect(await ref.ask('get')).toBe(0)
    expect(ref.current?.address).not.toBe(first)
    const report = await sim.runtime.close()
    expect(report.cut).toEqual([])
  })
})

test('modules are loaded while the simulated world stands still', async () => {
  await simulate({}, async (sim) => {
    const sinceMs = sim.nowMs
    const module = new URL('../support/actors/tester.mjs', import.meta.url)
    const ref = await sim.runtime.spawn(module, { export: 'tester' })
    expect(ref.thread).toBeGreaterThan(0)
    expect(sim.nowMs).toBe(sinceMs)
    expect(await sim.external(async () => 'from outside')).toBe('from outside')
  })
})
