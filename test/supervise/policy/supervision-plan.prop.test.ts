/**
 * What holds for a supervisor's plan whatever children do: random trees, random ends, in a random order.
 *
 * The simulator carries commands out and answers them in an order that the generator chooses: a start becomes
 * ready or fails, a stop ends the child, and children that are up end by themselves.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as plans from '../../../src/supervise/policy/index.ts'

const childOf = fc.record({
  restart: fc.constantFrom('permanent' as const, 'transient' as const, 'temporary' as const),
  isSignificant: fc.boolean(),
})
const treeOf = fc.record({
  strategy: fc.constantFrom('one_for_one' as const, 'one_for_all' as const, 'rest_for_one' as const),
  autoShutdown: fc.constantFrom('never' as const, 'any_significant' as const, 'all_significant' as const),
  intensity: fc.integer({ min: 0, max: 6 }),
  children: fc.array(childOf, { minLength: 1, maxLength: 6 }),
})
/** Which of the possible happenings is next, how a child's end goes, and how much time passes. */
const stepOf = fc.record({
  wish: fc.constantFrom('none' as const, 'none' as const, 'none' as const, 'down' as const, 'up' as const),
  choice: fc.nat({ max: 1000 }),
  outcome: fc.constantFrom('well' as const, 'normal' as const, 'error' as const, 'escalate' as const),
  ms: fc.integer({ min: 0, max: 400 }),
})

class Simulation {
  plan: plans.Plan
  nowMs = 0
  /** Commands whose effect has not come yet. */
  readonly underWay: plans.Command[] = []
  readonly stops: string[] = []
  readonly restartsAtMs: number[] = []

  constructor(
    tree: { children: readonly { restart: plans.RestartType; isSignificant: boolean }[] } & {
      strategy: plans.Strategy
      autoShutdown: plans.AutoShutdown
      intensity: number
    },
  ) {
    const rows = tree.children.map((child, i) => ({
      ...child,
      id: `c${i}`,
      backoff: plans.backoff({ jitter: 0 }),
      status: 'down' as const,
      attempt: 0,
      upSinceMs: -1,
    }))
    const limit = { intensity: tree.intensity, periodMs: 1000 }
    const { strategy, autoShutdown } = tree
    const start = { id: 'top', phase: 'idle' as const, batches: [], history: [], error: undefined }
    this.plan = { ...start, strategy, autoShutdown, limit, rows }
  }

  /** Takes the next state, and carries out what it commands. */
  become(next: plans.Plan): void {
    const before = this.plan.history.length
    this.plan = next
    // What restarts were counted are those that are made: the one too many ends everything.
    if (next.history.length > before && next.error === undefined) this.restartsAtMs.push(this.nowMs)
    const commands = plans.commands(next)
    for (const command of commands) {
      const { status } = next.rows.find((row) => row.id === command.id)!
      if (command.type === 'start') {
        expect(status).toBe('down')
        if (next.strategy === 'one_for_one') expect(this.unwanted.has(command.id)).toBe(false)
        // Whoever depends on it comes after it.
        const later = next.rows.slice(next.rows.findIndex((row) => row.id === command.id) + 1)
        const isOfPlan = next.strategy !== 'one_for_one' && !this.wanted.has(command.id)
        if (isOfPlan) expect(later.every((row) => row.status === 'down')).toBe(true)
      } else expect(['starting', 'up']).toContain(status)
      // A stop overtakes a start that has not been answered.
      const earlier = this.underWay.findIndex((one) => one.id === command.id)
      if (earlier !== -1) {
        expect(command.type).toBe('stop')
        expect(this.underWay[earlier]!.type).toBe('start')
        this.underWay.splice(earlier, 1)
      }
      this.underWay.push(command)
      if (command.type === 'stop') this.stops.push(command.id)
    }
    this.plan = plans.carriedOut(next, commands)
    // Nothing is commanded twice.
    expect(plans.commands(this.plan).filter(({ id }) => commands.some((one) => one.id === id))).toEqual([])
  }

  /** Children that somebody wished to be down, and nobody to be up since. */
  readonly unwanted = new Set<string>()
  /** Children that somebody wished to be up: they alone were started, as with OTP's `restart_child`. */
  readonly wanted = new Set<string>()

  /** Somebody wants one child down, or up. */
  #wish(wish: 'down' | 'up', choice: number): void {
    const row = this.plan.rows[choice % Math.max(1, this.plan.rows.length)]
    if (row === undefined || this.plan.phase !== 'running') return
    if (wish === 'down') this.unwanted.add(row.id)
    else {
      this.unwanted.delete(row.id)
      this.wanted.add(row.id)
    }
    this.become(wish === 'down' ? plans.bringDown(this.plan, row.id) : plans.bringUp(this.plan, row.id))
  }

  step({
    wish,
    choice,
    outcome,
    ms,
  }: {
    wish: 'none' | 'down' | 'up'
    choice: number
    outcome: string
    ms: number
  }): void {
    this.nowMs += ms
    if (wish !== 'none') return this.#wish(wish, choice)
    const up = this.plan.rows.filter((row) => row.status === 'up')
    const count = this.underWay.length + up.length
    if (count === 0) return
    const index = choice % count
    if (index < this.underWay.length) {
      const [command] = this.underWay.splice(index, 1)
      this.#answer(command!, outcome)
      return
    }
    if (outcome !== 'well') this.#end(up[index - this.underWay.length]!.id, outcome)
  }

  #answer({ type, id }: plans.Command, outcome: string): void {
    if (type === 'start' && outcome === 'well') {
      this.become(plans.childChanged(this.plan, id, 'up', this.nowMs))
      return
    }
    this.#end(id, type === 'stop' ? 'normal' : outcome)
  }

  #end(id: string, outcome: string): void {
    const error = outcome === 'normal' ? undefined : new Error(`${id} ${outcome}`)
    const directive = outcome === 'escalate' ? ('escalate' as const) : undefined
    this.become(plans.childEnded(this.plan, { id, error, directive, nowMs: this.nowMs, draw: 0 }))
  }

  /** Answers everything well until nothing is left to do. */
  finish(): void {
    for (let i = 0; i < 1000 && this.underWay.length > 0; i++)
      this.step({ wish: 'none', choice: 0, outcome: 'well', ms: 1 })
    expect(this.underWay).toEqual([])
  }
}

test('a plan keeps its limits and always comes to its end', () => {
  fc.assert(
    fc.property(treeOf, fc.array(stepOf, { maxLength: 60 }), (tree, steps) => {
      const simulation = new Simulation(tree)
      simulation.become(plans.begin(simulation.plan))
      for (const step of steps) simulation.step(step)
      // Never more restarts within a window than the intensity.
      const { restartsAtMs } = simulation
      restartsAtMs.forEach((atMs, i) => {
        const within = restartsAtMs.slice(0, i + 1).filter((other) => atMs - other <= 1000)
        expect(within.length).toBeLessThanOrEqual(tree.intensity)
      })
      simulation.finish()
      const order = simulation.plan.rows.filter((row) => row.status !== 'down').map((row) => row.id)
      const before = simulation.stops.length
      simulation.become(plans.end(simulation.plan))
      simulation.finish()
      expect(['stopped', 'failed']).toContain(simulation.plan.phase)
      expect(simulation.plan.rows.filter((row) => row.status !== 'down')).toEqual([])
      // The end goes in the reverse of the start.
      expect(simulation.stops.slice(before)).toEqual(order.reverse())
    }),
    { numRuns: process.env['SHL_SOAK'] ? 20_000 : 500 },
  )
})
