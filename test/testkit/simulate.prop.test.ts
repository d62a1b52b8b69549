/**
 * Random trees under random faults: what supervision promises holds under every schedule.
 *
 * Each supervisor's life is followed by its events. Restarts count per life, because a supervisor that is
 * itself restarted begins anew.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { defineActor } from '../../src/actor/index.ts'
import {
  actorChild,
  type Strategy,
  type SupervisionEvent,
  supervisorChild,
  type TreeChild,
  type TreeOptions,
} from '../../src/supervise/index.ts'
import { simulate } from '../../src/testkit/index.ts'
import type { Simulation } from '../../src/testkit/simulation.ts'

const RUNS = Number(process.env['SHL_SOAK'] ?? 0) > 0 ? 3000 : 50
/** Longer than a run, so that every restart stays in the window. */
const PERIOD_MS = 1e6

interface Shape {
  readonly strategy: Strategy
  readonly intensity: number
  readonly children: readonly (Shape | 'leaf')[]
}

const shapes = fc.letrec<{ tree: Shape; child: Shape | 'leaf' }>((tie) => ({
  tree: fc.record({
    strategy: fc.constantFrom('one_for_one', 'one_for_all', 'rest_for_one'),
    intensity: fc.nat(3),
    children: fc.array(tie('child'), { minLength: 1, maxLength: 3 }),
  }),
  child: fc.oneof({ maxDepth: 2, withCrossShrink: true }, fc.constant('leaf' as const), tie('tree')),
})).tree

const leaf = defineActor({
  name: 'leaf',
  init: () => ({ sum: 0 }),
  receive: {
    add: (state, n: number) => (state.sum += n),
    fail() {
      throw new RangeError('as told')
    },
  },
})

/** What the events of one run say. */
class History {
  readonly #intensities = new Map<string, number>()
  readonly #children = new Map<string, string[]>()
  readonly #starts = new Map<string, number>()
  readonly #stopping = new Map<string, string[]>()

  options(sim: Simulation, id: string, { strategy, intensity, children }: Shape): TreeOptions {
    this.#intensities.set(id, intensity)
    const ids = children.map((_, i) => `${id}.${i}`)
    this.#children.set(id, ids)
    const specs = children.map((child, i): TreeChild => {
      const childId = ids[i]!
      const options = { backoff: { firstMs: 5 } }
      if (child === 'leaf') return actorChild(childId, sim.module(leaf), options)
      return supervisorChild(this.options(sim, childId, child), options)
    })
    return { id, strategy, restarts: { intensity, periodMs: PERIOD_MS }, children: specs }
  }

  readonly onEvent = (event: SupervisionEvent): void => {
    const { supervisor } = event
    if (event.type === 'supervisor') {
      if (event.phase === 'starting') {
        for (const child of this.#children.get(supervisor)!) this.#starts.set(child, 0)
      }
      if (event.phase === 'stopping') this.#stopping.set(supervisor, [])
      if (event.phase === 'stopped' || event.phase === 'failed') this.#checkStopOrder(supervisor)
      return
    }
    if (event.type !== 'child') return
    if (event.phase === 'starting') {
      const starts = (this.#starts.get(event.child) ?? 0) + 1
      this.#starts.set(event.child, starts)
      expect(starts - 1, `restarts of ${event.child}`).toBeLessThanOrEqual(this.#intensities.get(supervisor)!)
    }
    if (event.phase === 'stopped') this.#stopping.get(supervisor)?.push(event.child)
  }

  /** Children that were stopped in one go went in the reverse order of their start. */
  #checkStopOrder(supervisor: string): void {
    const stopped = this.#stopping.get(supervisor) ?? []
    const reversed = this.#children.get(supervisor)!.toReversed()
    expect(stopped).toEqual(reversed.filter((child) => stopped.includes(child)))
    this.#stopping.delete(supervisor)
  }

  leaves(): string[] {
    return [...this.#children.values()].flat().filter((id) => !this.#children.has(id))
  }
}

async function runTree(sim: Simulation, shape: Shape, failing: readonly number[]): Promise<void> {
  const history = new History()
  const errors: unknown[] = []
  const onEvent = (event: SupervisionEvent): void => {
    try {
      history.onEvent(event)
    } catch (error) {
      errors.push(error)
    }
  }
  const options = { ...history.options(sim, 'root', shape), onEvent }
  // A fault may keep it from starting: that is its right, and what happened by then is checked all the same.
  const tree = await sim.runtime.supervise(options).catch((error: unknown) => {
    if (sim.faults.length === 0) throw error
  })
  const leaves = history.leaves().filter((id) => id.split('.').length === 2)
  const asks: Promise<unknown>[] = []
  const ask = (settles: Promise<unknown>) => asks.push(settles.catch(() => undefined))
  for (const n of failing) {
    const id = leaves[n % Math.max(1, leaves.length)]
    if (!tree || id === undefined) break
    const ref = tree.ref<typeof leaf>(id)
    ask(ref.ask('add', n, { timeoutMs: 300 }))
    ref.tell('fail')
    ask(ref.ask('add', n, { timeoutMs: 300 }))
    await sim.advance(n)
  }
  // An ask that did not settle would be a deadlock, or would use up all virtual time.
  await Promise.all(asks)
  await sim.runtime.close()
  expect(errors).toEqual([])
}

test('restarts stay within their limits, stops go backwards, asks settle, and close ends', {
  timeout: 120_000,
}, async () => {
  const failing = fc.array(fc.nat(12), { maxLength: 6 })
  const property = fc.asyncProperty(
    shapes,
    failing,
    fc.nat(),
    fc.nat(4),
    async (shape, failures, seed, faults) => {
      const options = { seed, faults: { rate: faults / 200, countMax: 6 }, virtualMsMax: 600_000 }
      await simulate(options, (sim) => runTree(sim, shape, failures))
    },
  )
  await fc.assert(property, { numRuns: RUNS, interruptAfterTimeLimit: 100_000 })
})
