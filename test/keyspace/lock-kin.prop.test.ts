/** Several locks at once, readers and writers, semaphores and single flight, in simulated worlds. */
import { expect, test } from 'vitest'
import { type ActorContext, contextHost, defineActor } from '../../src/actor/index.ts'
import type { KeyspaceLock } from '../../src/keyspace/public.ts'
import { explore, type SimulateOptions, type Simulation } from '../../src/testkit/index.ts'

const SCALE = process.env['SHL_SOAK'] ? 50 : 1
const THREADS = 2
const STALLS: SimulateOptions = {
  threads: THREADS,
  keyspace: { shards: 2, segmentBytes: 2 ** 20 },
  faults: { rate: 0.01, types: ['stall_thread', 'fill_rings'], countMax: 8 },
}

/** From when until when somebody believed to hold something, in virtual time. */
interface Belief {
  readonly name: string
  readonly isShared: boolean
  readonly fromMs: number
  untilMs: number
}

type Round = (ctx: ActorContext, actor: number) => Promise<void>

/** Runs rounds on actors of all threads; how many actors came to their end. */
async function runActors(sim: Simulation, actors: number, rounds: number, round: Round): Promise<number> {
  let ended = 0
  const begin = async (_state: null, actor: number, ctx: ActorContext): Promise<void> => {
    for (let i = 0; i < rounds; i++) await round(ctx, actor)
    ended++
  }
  const worker = defineActor({ name: 'worker', reentrant: true, init: () => null, receive: { begin } })
  await sim.calm(async () => {
    for (let i = 0; i < actors; i++) {
      const ref = await sim.spawn(worker, { thread: sim.random.below(THREADS + 1) })
      ref.tell('begin', i)
    }
  })
  for (let i = 0; i < 400 && ended < actors; i++) await sim.advance(25)
  return ended
}

function pause(ctx: ActorContext, ms: number): Promise<void> {
  return new Promise((resolve) => void contextHost(ctx).clock.after(ms, resolve))
}

/** The worst moment for a thread to be paused: between question and answer. */
function maybeStall(sim: Simulation, { self }: ActorContext): void {
  if (sim.random.below(3) === 0) sim.stall(self.thread, sim.random.below(30))
}

/** Holds a lock for a while, and notes how long its holder believes that it does. */
async function believe(
  sim: Simulation,
  ctx: ActorContext,
  lock: KeyspaceLock,
  isShared: boolean,
  beliefs: Belief[],
): Promise<void> {
  const nowMs = sim.nowMs
  const own = lock.names.map((name): Belief => ({ name, isShared, fromMs: nowMs, untilMs: nowMs }))
  beliefs.push(...own)
  const note = (): void => {
    const untilMs = sim.nowMs + lock.expiresInMs
    if (lock.isHeld) for (const belief of own) belief.untilMs = untilMs
  }
  note()
  // Often longer than its lease.
  await pause(ctx, sim.random.below(40))
  note()
  for (const belief of own) belief.untilMs = Math.min(belief.untilMs, sim.nowMs)
  await lock.release()
}

/** The most who believed to hold a name at the same time; one who does not share counts as all places. */
function most(beliefs: readonly Belief[], places: number): number {
  let worst = 0
  for (const { name, fromMs } of beliefs) {
    const together = beliefs.filter(
      (other) => other.name === name && other.fromMs <= fromMs && fromMs < other.untilMs,
    )
    const count = together.reduce((sum, { isShared }) => sum + (isShared ? 1 : places), 0)
    worst = Math.max(worst, count)
  }
  return worst
}

test('several locks in any order never deadlock, and nobody believes to have one of another', async () => {
  const names = ['ant', 'bee', 'cat', 'dog', 'elk']
  let contended = 0
  await explore({ ...STALLS, runs: 25 * SCALE, shrinkRunsMax: 50 }, async (sim) => {
    const { random } = sim
    const beliefs: Belief[] = []
    const ended = await runActors(sim, 5, 3, async (ctx) => {
      const some = names.filter(() => random.below(2) === 0)
      if (random.below(2) === 0) some.reverse()
      if (some.length === 0) some.push('ant')
      const heartbeat = random.below(2) === 0
      const shared = random.below(3) === 0
      const asked = ctx.keyspace.lock(some, { ttl: 8 + random.below(30), heartbeat, shared })
      maybeStall(sim, ctx)
      await believe(sim, ctx, await asked, shared, beliefs)
    })
    expect(ended).toBe(5)
    // Places for all who might share: one who does not takes them all.
    expect(most(beliefs, 100)).toBeLessThanOrEqual(100)
    contended += beliefs.length
    await sim.advance(1000)
    expect(await sim.runtime.keyspace.locks()).toEqual([])
  })
  expect(contended).toBeGreaterThan(300)
})

test('no more believe to be in a semaphore than it has places', async () => {
  let full = 0
  await explore({ ...STALLS, runs: 20 * SCALE, shrinkRunsMax: 50 }, async (sim) => {
    const { random } = sim
    const limit = 1 + random.below(3)
    const beliefs: Belief[] = []
    const ended = await runActors(sim, 6, 3, async (ctx) => {
      const heartbeat = random.below(2) === 0
      const asked = ctx.keyspace.semaphore('pool', limit, { ttl: 8 + random.below(30), heartbeat })
      maybeStall(sim, ctx)
      await believe(sim, ctx, await asked, true, beliefs)
    })
    expect(ended).toBe(6)
    expect(most(beliefs, limit)).toBeLessThanOrEqual(limit)
    if (most(beliefs, limit) === limit) full++
  })
  expect(full).toBeGreaterThan(5)
})

test('all get the value that one computed, whoever fails, is late, or gives up', async () => {
  let [computed, failed, late] = [0, 0, 0]
  await explore({ ...STALLS, runs: 25 * SCALE, shrinkRunsMax: 50 }, async (sim) => {
    const { random } = sim
    const seen = new Set<string>()
    const values: string[] = []
    const errors: unknown[] = []
    const thrown: unknown[] = []
    const ended = await runActors(sim, 6, 1, async (ctx, actor) => {
      const stop = new AbortController()
      if (random.below(5) === 0) contextHost(ctx).clock.after(random.below(30), () => stop.abort())
      const compute = async (): Promise<string> => {
        await pause(ctx, random.below(20))
        computed++
        if (random.below(4) > 0) return `value of ${actor}`
        const error = new RangeError(`of ${actor}`)
        thrown.push(error)
        throw error
      }
      try {
        const value = await ctx.keyspace.getOrCompute('page', compute, { computeMs: 15, signal: stop.signal })
        seen.add(value)
        values.push(value)
      } catch (error) {
        errors.push(error)
      }
    })
    expect(ended).toBe(6)
    expect([...seen].length).toBeLessThanOrEqual(1)
    const stored = await sim.runtime.keyspace.get('page')
    if (values.length > 0) expect(stored).toBe(values[0])
    // Who computes and fails, or is late, is told, and nobody else is.
    const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code
    const told = errors.filter((error) => codeOf(error) !== 'SHL_COMPUTE_ABORTED')
    const failures = told.filter((error) => codeOf(error) !== 'SHL_COMPUTE_LATE')
    expect(thrown).toEqual(expect.arrayContaining(failures))
    failed += failures.length
    late += told.length - failures.length
  })
  expect(computed).toBeGreaterThan(40)
  expect(failed).toBeGreaterThan(5)
  expect(late).toBeGreaterThan(5)
})
