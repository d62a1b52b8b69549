/**
 * One keyspace through several lives of its process: in each, random clients on all threads; at a random
 * moment it is killed, or the power is cut, and what the disk has then is what the next life opens. In
 * between threads may be lost, and a process may die while it recovers.
 *
 *     prepare ── clients … ✗   opens ── dies ✗   opens, reads all ── clients … ✗   opens, reads all
 *     life 0                   life 1             life 2                            the last
 *
 * The clock of a history is that of the simulated worlds, one after the other, with a step so small for each
 * look at it that no two looks are equal.
 */
import { type Random, seededRandom } from '../../../src/base/index.ts'
import { HASH_SLOTS, hashSlotOf } from '../../../src/keyspace/hash-slot.ts'
import {
  type FaultOptions,
  type FaultType,
  SimulatedDisk,
  type SimulateOptions,
  type Simulation,
  simulate,
} from '../../../src/testkit/index.ts'
import { startClients } from '../consistency/simulated-clients.ts'
import { type ClientNotes, type Kind, prepare } from '../consistency/workload.mjs'
import { readAll } from './opener.mjs'
import { PlantedDisk } from './simulated-directory.ts'
import { type Watched, watchLife } from './watched.ts'

/** How lives are lived, and how they end. */
export interface LivesPlan {
  readonly level: 'memory' | 'os' | 'fsync'
  /** Default `kill`. */
  readonly death?: 'kill' | 'power cut'
  /** Threads and actors are lost within a life, and recover by themselves. */
  readonly losses?: boolean | readonly FaultType[]
  /** With clients; default 3. */
  readonly lives?: number
  readonly kinds?: readonly Kind[]
  /** Whether somebody watches; default: in each second seed. */
  readonly watches?: boolean
}

/** One life of the process. */
export interface Life {
  /** From when on, and until when it lived. */
  readonly startAt: number
  readonly endAt: number
  readonly notes: readonly ClientNotes[]
  readonly watched: readonly Watched[]
}

/** What all lives have told. */
export interface ToldLives {
  readonly lives: readonly Life[]
}

/** Where a key lies: slots are dealt out in ranges, and never moved here. */
export function shardOf(key: string): number {
  return Math.floor((hashSlotOf(key) * SHARDS) / HASH_SLOTS)
}

const SHARDS = 3
const THREADS = 2
const STEPS = 26
const CRASH_MS_MAX = 110
/** Tasks after which a process dies that is to die while it recovers: it needs about so many. */
const RECOVERY_STEPS_MAX = 120
const LOOK_MS = 1e-6
/** Clients of a life are called by the numbers from a multiple of this on. */
const PROCESSES = 10
const OPENER = 9
const KINDS: readonly Kind[] = [
  ...(['register', 'register', 'counter', 'set', 'set', 'memory', 'token', 'listing', 'lock'] as const),
  ...(['transaction', 'transaction', 'transaction', 'own'] as const),
]
const LOSSES: FaultOptions = {
  rate: 0.004,
  countMax: 2,
  types: ['lose_thread', 'lose_thread', 'crash_actor', 'stall_thread'],
}
const FAULTS: FaultOptions = { rate: 0.002, countMax: 2, types: ['stall_thread', 'fill_rings'] }

/** Lives of one keyspace, by a seed. */
export async function simulateLives(seed: number, plan: LivesPlan): Promise<ToldLives> {
  const lives = new Lives(seed, plan)
  try {
    await lives.run()
  } finally {
    lives.planted.remove()
  }
  return lives
}

/** What a life has told so far. */
interface Made {
  readonly notes: ClientNotes[]
  readonly watched: Watched[]
  now: () => number
}

class Lives implements ToldLives {
  readonly random: Random
  readonly lives: Life[] = []
  readonly planted: PlantedDisk
  readonly #seed: number
  readonly #plan: LivesPlan
  readonly #isWatched: boolean
  #baseMs = 0

  constructor(seed: number, plan: LivesPlan) {
    this.#seed = seed
    this.#plan = plan
    this.#isWatched = plan.watches ?? seed % 2 === 0
    this.random = seededRandom(seed ^ 0x11fe5)
    const disk = new SimulatedDisk()
    disk.putFolder('/data')
    this.planted = new PlantedDisk(disk, this.random)
  }

  async run(): Promise<void> {
    const { lives = 3 } = this.#plan
    await this.#live((sim) =>
      sim.calm(async () => {
        const { keyspace } = sim.runtime
        await prepare(keyspace)
        // At every level: what comes after rests on it.
        await keyspace.snapshot()
      }),
    )
    for (let life = 1; life <= lives; life++) {
      while (this.random.below(4) === 0) await this.#dieEarly(life)
      await this.#live((sim, made) => this.#loadUntilDeath(sim, made, life))
    }
    await this.#live((sim, made) => sim.calm(() => this.#open(sim, made, lives + 1)))
  }

  #options(life: number): SimulateOptions {
    const { level, losses = false } = this.#plan
    return {
      seed: this.#seed * 16 + life,
      threads: THREADS,
      faults: losses === false ? FAULTS : losses === true ? LOSSES : { ...LOSSES, types: losses },
      virtualMsMax: 120_000,
      keyspace: {
        shards: SHARDS,
        dir: '/data',
        durability: level,
        segmentBytes: 1 << 20,
        logSegmentBytes: 64 * 1024,
        diskReserveBytes: 0,
        syncEveryMs: 40,
        timeoutMs: 20_000,
      },
    }
  }

  /** One life, from the opening of the directory to its end, after which the disk is what is left. */
  async #live(body: (sim: Simulation, made: Made) => Promise<void>): Promise<void> {
    const startAt = this.#baseMs
    const made: Made = { notes: [], watched: [], now: () => startAt }
    const options = this.#options(this.lives.length)
    await simulate(options, async (sim) => {
      let looks = 0
      const now = (): number => startAt + sim.nowMs + ++looks * LOOK_MS
      made.now = now
      await body(sim, made)
      this.#baseMs = now() + 1
      this.#die()
    })
    this.lives.push({ startAt, endAt: this.#baseMs - 0.5, notes: made.notes, watched: made.watched })
  }

  /** It dies while it recovers, or soon after. */
  async #dieEarly(life: number): Promise<void> {
    const stepsMax = 1 + this.random.below(RECOVERY_STEPS_MAX)
    const options = { ...this.#options(life + 100), faults: {}, stepsMax }
    await simulate(options, () => undefined).catch((error: { readonly code?: string }) => {
      if (error.code !== 'SHL_SIMULATION_STEPS') throw error
    })
    this.#die()
  }

  #die(): void {
    const { random, planted } = this
    const { death = 'kill' } = this.#plan
    planted.endSome()
    const isCut = death === 'power cut' && random.below(4) > 0
    const { disk } = planted
    planted.disk = isCut ? disk.afterPowerCut(random.below(2 ** 31)) : disk.afterKill()
  }

  async #open(sim: Simulation, made: Made, life: number): Promise<void> {
    const { keyspace } = sim.runtime
    made.notes.push(await readAll(keyspace, life * PROCESSES + OPENER, made.now))
    if (this.#isWatched) made.watched.push(...watchLife(keyspace, this.lives, made.now))
    await Promise.all(made.watched.map(({ ready }) => ready))
  }

  async #loadUntilDeath(sim: Simulation, made: Made, life: number): Promise<void> {
    const { random } = this
    const { losses = false, kinds = KINDS } = this.#plan
    await sim.calm(() => this.#open(sim, made, life))
    const firstProcess = life * PROCESSES
    const peers = [...Array.from({ length: life }, (_, i) => (i + 1) * PROCESSES)].flatMap((one) =>
      Array.from({ length: THREADS + 1 }, (_, i) => one + i),
    )
    const done = await startClients(sim, {
      threads: THREADS,
      firstProcess,
      losses: losses !== false,
      plan: { processes: THREADS + 1, peers, steps: STEPS, kinds, now: made.now },
      onNotes: (notes) => made.notes.push(notes),
    })
    const death = sim.advance(random.next() * CRASH_MS_MAX)
    if (random.below(2) === 0) void this.#snapshot(sim, random.next() * CRASH_MS_MAX)
    await Promise.race([done(), death])
  }

  async #snapshot(sim: Simulation, afterMs: number): Promise<void> {
    await sim.advance(afterMs)
    // A shard may be lost meanwhile.
    await sim.runtime.keyspace.snapshot().catch(() => undefined)
  }
}
