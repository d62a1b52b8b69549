/** Random clients in a simulated world: one on each thread, the main one included. */
import { defineActor } from '../../../src/actor/index.ts'
import type { Clock } from '../../../src/base/index.ts'
import { type FaultOptions, type Simulation, simulate } from '../../../src/testkit/index.ts'
import { type ClientNotes, type ClientPlan, type Kind, prepare, runClient } from './workload.mjs'

/** What goes on beside the clients. */
export interface Chaos {
  readonly moves?: boolean
  readonly faults?: FaultOptions
  /** Some wake-ups do not arrive: a thread sleeps until it does something by itself. */
  readonly losesBell?: boolean
  /** Threads are lost, with the clients on them. */
  readonly losses?: boolean
  /** How long a command may take. */
  readonly timeoutMs?: number
  readonly steps?: number
  readonly kinds?: readonly Kind[]
  readonly shards?: number
  /** Default: 2 or 3. */
  readonly threads?: number
  /** Called when all is prepared: plants a bug, or brings something down. */
  begin?(sim: Simulation): void | Promise<void>
  /** Called when all clients are done, while the world is calm. */
  end?(sim: Simulation): void | Promise<void>
}

const KINDS: readonly Kind[] = [
  ...(['register', 'counter', 'set', 'memory', 'token', 'listing'] as const),
  ...(['transaction', 'transaction', 'transaction', 'own', 'own', 'own'] as const),
]
const STEPS = 14
const VIRTUAL_MS_MAX = 120_000
const BEAT_MS = 100
/** Of an address that was written once. */
const FIRST_LIFE = 2

/** What a run has told. */
export interface Told {
  readonly notes: readonly ClientNotes[]
  /** Shards that were never lost. */
  readonly survivors: ReadonlySet<number>
}

/** Seeds from 1 on, or the one that the environment names. */
export function seedsOf(count: number): number[] {
  const one = process.env['SHL_SEED']
  if (one !== undefined) return [Number(one)]
  const first = Number(process.env['SHL_SEED_FIRST'] ?? 1)
  return Array.from({ length: count }, (_, i) => first + i)
}

/** Runs a world with clients; what they wrote down. */
export async function simulateClients(seed: number, chaos: Chaos): Promise<Told> {
  const { moves = false, faults, timeoutMs = 20_000, steps = STEPS, shards = 3 } = chaos
  const { threads = 2 + (seed % 2) } = chaos
  const kinds = [...(chaos.kinds ?? KINDS), ...(moves ? (['move', 'move'] as const) : [])]
  const keyspace = { shards, segmentBytes: 1 << 20, timeoutMs }
  const options = { seed, threads, keyspace, virtualMsMax: VIRTUAL_MS_MAX, ...(faults && { faults }) }
  return simulate(options, async (sim) => {
    let time = 0
    const notes: ClientNotes[] = []
    await sim.calm(async () => {
      await prepare(sim.runtime.keyspace)
      await chaos.begin?.(sim)
    })
    const plan = { processes: threads + 1, steps, kinds, now: () => ++time }
    const { losses = false } = chaos
    const done = await startClients(sim, { threads, plan, losses, onNotes: (made) => notes.push(made) })
    if (chaos.losesBell === true)
      void sim.advance(sim.random.below(20)).then(() => sim.loseBells(1 + sim.random.below(3)))
    await done()
    await sim.calm(async () => chaos.end?.(sim))
    return { notes, survivors: survivorsOf(sim) }
  })
}

/** Clients of a simulated world. */
export interface SimulatedClients {
  readonly threads: number
  readonly plan: Omit<ClientPlan, 'keyspace' | 'process' | 'seed' | 'onNotes' | 'onLine'>
  /** What the first one is called; the others are called by the numbers that follow. Default 0. */
  readonly firstProcess?: number
  /** Threads are lost, with the clients on them. */
  readonly losses: boolean
  /** Given the notes of each client while they are made. */
  onNotes(notes: ClientNotes): void
}

/** Starts one client on each thread, the main one included; what waits until all are done. */
export async function startClients(
  sim: Simulation,
  { threads, plan, firstProcess = 0, losses, onNotes }: SimulatedClients,
): Promise<() => Promise<void>> {
  const { seed } = sim
  const client = defineActor({
    name: 'client',
    reentrant: true,
    receive: {
      async run(_state, index: number, ctx) {
        beat(ctx.keyspace.client.clock, () => ctx.self.tell('beat'))
        const process = firstProcess + index
        await runClient({ ...plan, keyspace: ctx.keyspace, process, seed: seed * 31 + index, onNotes })
      },
      beat: () => undefined,
    },
  })
  const refs = await sim.calm(() =>
    Promise.all(Array.from({ length: threads }, (_, i) => sim.spawn(client, { thread: i + 1 }))),
  )
  const { keyspace } = sim.runtime
  const onMain = runClient({ ...plan, keyspace, process: firstProcess, seed: seed * 31, onNotes })
  const elsewhere = refs.map((ref, i) => ref.ask('run', i + 1, { timeoutMs: VIRTUAL_MS_MAX }))
  // A client that is lost with its thread has written down what it did until then.
  const settled = elsewhere.map((one) => (losses ? one.catch(ifTimely) : one))
  beat(sim.clock, () => refs[0]!.tell('beat'))
  return async () => void (await Promise.all([onMain, ...settled]))
}

/** A thread whose wake-up was lost sleeps until it does something by itself. */
function beat(clock: Clock, tell: () => void): void {
  clock.after(BEAT_MS, () => {
    tell()
    beat(clock, tell)
  })
}

function survivorsOf(sim: Simulation): ReadonlySet<number> {
  const { memory } = sim.runtime.keyspace.client
  const shards = Array.from({ length: memory.shardCount }, (_, shard) => shard)
  return new Set(shards.filter((shard) => memory.incarnationOf(shard) === FIRST_LIFE))
}

/** A client that never ends is none that was lost. */
function ifTimely(error: Error & { readonly code?: string }): void {
  if (error.code === 'SHL_ASK_TIMEOUT') throw error
}
