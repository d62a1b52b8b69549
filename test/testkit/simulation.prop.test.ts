/**
 * Subsystems under random faults, simulated: what a call says of itself is what has happened.
 *
 * The subsystem notes each call outside of the simulation, where no restart can take the note away.
 */
import { defineSubsystem, SubsystemRestarted } from 'shardloom'
import { simulate } from 'shardloom/testing'
import { describe, expect, test } from 'vitest'

const RUNS = process.env['SHL_SOAK'] ? 2000 : 35

/** What became of a call, and how often it took effect. */
interface Call {
  readonly id: number
  outcome: 'answered' | 'retryable' | 'not retryable' | 'other'
  error?: unknown
}

function recorder(effects: number[]) {
  return defineSubsystem({
    name: 'recorder',
    init: (_ctx, _args: undefined, previous: number | undefined) => ({ count: previous ?? 0 }),
    snapshot: ({ count }) => count,
    api: (state) => ({
      record(id: number) {
        effects.push(id)
        return ++state.count
      },
      async recordLater(id: number) {
        await undefined
        effects.push(id)
        return ++state.count
      },
    }),
  })
}

async function run(seed: number) {
  const effects: number[] = []
  const calls: Call[] = []
  const faults = { rate: 0.02, types: ['lose_thread', 'stall_thread', 'fill_rings'] as const, countMax: 6 }
  await simulate({ seed, threads: 2, faults }, async (sim) => {
    const { api } = await sim.calm(() =>
      sim.runtime.subsystem<ReturnType<typeof recorder>>({
        name: 'recorder',
        module: sim.module(recorder(effects)),
        placement: sim.random.below(2) === 0 ? 'shared' : 'dedicated',
        health: false,
        restart: { intensity: 1000, backoff: { immediate: 1, firstMs: 5 } },
      }),
    )
    const caller = async (from: number): Promise<void> => {
      for (let id = from; id < from + 15; id++) {
        const call: Call = { id, outcome: 'other' }
        calls.push(call)
        try {
          await (id % 3 === 0 ? api.recordLater(id) : api.record(id))
          call.outcome = 'answered'
        } catch (error) {
          call.error = error
          if (error instanceof SubsystemRestarted) {
            call.outcome = error.retryable ? 'retryable' : 'not retryable'
          }
        }
      }
    }
    await Promise.all([0, 100, 200].map(caller))
    await sim.runtime.close()
  })
  return { effects, calls }
}

describe('calls of a subsystem whose threads are lost at random', () => {
  test('all settle, and took effect as they say', async () => {
    const seen = new Set<string>()
    for (let seed = 0; seed < RUNS; seed++) {
      const { effects, calls } = await run(seed)
      expect(calls).toHaveLength(45)
      for (const { id, outcome, error } of calls) {
        const count = effects.filter((one) => one === id).length
        seen.add(`${outcome} ${count}`)
        const what = `seed ${seed}: call ${id} ${outcome}, took effect ${count} times (${error})`
        expect(outcome, what).not.toBe('other')
        if (outcome === 'answered') expect(count, what).toBe(1)
        else if (outcome === 'retryable') expect(count, what).toBe(0)
        else expect(count, what).toBeLessThanOrEqual(1)
      }
    }
    // The schedules are of all kinds.
    expect([...seen]).toEqual(expect.arrayContaining(['answered 1', 'retryable 0']))
    expect([...seen].some((one) => one.startsWith('not retryable'))).toBe(true)
  })
})
