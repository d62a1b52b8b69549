/**
 * Actors that contend for one lock in a simulated world, and the history of what they saw.
 *
 * Times are the numbers of events, since virtual time stands still while much happens. Nobody sees a lease
 * end: it is recorded as something that may happen from the earliest moment on at which it can.
 */
import { type ActorContext, type ActorDefinition, contextHost, defineActor } from '../../src/actor/index.ts'
import type { KeyspaceLock, LockOptions } from '../../src/keyspace/public.ts'
import type { LockCall, Operation, Simulation } from '../../src/testkit/index.ts'

/** How the world is made worse. */
export interface LockWorldOptions {
  readonly actors: number
  readonly rounds: number
  /** Whether writes carry the token: without, the store takes whatever comes. */
  readonly isFenced: boolean
  /** Whether shards may be lost: then a lease may end at any time, since its shard has forgotten it. */
  readonly isLossy: boolean
}

type LockOperation = Operation<LockCall, bigint | boolean | undefined>

interface Contender {
  begin(state: null, rounds: number, ctx: ActorContext): Promise<void>
}

interface Attempt {
  readonly process: string
  readonly owner: string
  readonly askedAt: number
  token: bigint | undefined
  heldAt: number
  /** Virtual time before which the lease does not end. */
  dueMs: number
  releasedAt: number
  isReleased: boolean
  hasHeartbeat: boolean
  /** Ended by an answer that says that it holds nothing. */
  isRefused: boolean
}

const NAME = 'door'
const LOGS = ['log', 'log-2', 'log-3']

/** One lock, and lists to which its holders append their tokens. */
export class LockWorld {
  readonly #sim: Simulation
  readonly #options: LockWorldOptions
  readonly #attempts: Attempt[] = []
  readonly #writes: LockOperation[] = []
  /** Virtual time of each event. */
  readonly #times: number[] = []
  /** When actors were made to fail. What one holds is given back some time later. */
  readonly #crashes = new Map<string, number>()
  ended = 0
  losses = 0
  fenced = 0

  constructor(sim: Simulation, options: LockWorldOptions) {
    this.#sim = sim
    this.#options = options
  }

  /** Starts the actors, and lets them do what they like until all have ended or are lost. */
  async run(threads: number): Promise<void> {
    const { actors, rounds } = this.#options
    const { random } = this.#sim
    await this.#sim.calm(async () => {
      for (let i = 0; i < actors; i++) {
        const thread = random.below(threads + 1)
        const ref = await this.#sim.spawn(this.#contender(`actor ${i}`), { thread })
        ref.tell('begin', rounds)
        if (random.below(6) > 0) continue
        this.#sim.clock.after(random.below(60), () => {
          this.#crashes.set(`actor ${i}`, this.#now())
          this.#sim.crash(ref)
        })
      }
    })
    for (let i = 0; i < 80 && this.ended < actors; i++) await this.#sim.advance(50)
  }

  /** What the lists hold: the tokens of the writes that were accepted, in their order. */
  async written(): Promise<string[][]> {
    const { keyspace } = this.#sim.runtime
    return this.#whenUp(() => Promise.all(LOGS.map((log) => keyspace.list(log).range(0, -1))))
  }

  /** Whether nobody holds a lock or waits for one, once every lease must be over. */
  async isDeserted(): Promise<boolean> {
    await this.#sim.advance(1000)
    return (await this.#whenUp(() => this.#sim.runtime.keyspace.locks())).length === 0
  }

  /** A shard that was lost is started again. */
  async #whenUp<T>(task: () => Promise<T>): Promise<T> {
    for (let i = 0; ; i++) {
      try {
        return await this.#sim.calm(task)
      } catch (error) {
        if ((error as { readonly retryable?: boolean }).retryable !== true || i === 20) throw error
        await this.#sim.advance(100)
      }
    }
  }

  /** As `lockModel` reads it. */
  history(): LockOperation[] {
    return [...this.#writes, ...this.#attempts.flatMap((attempt) => this.#operations(attempt))]
  }

  #operations(attempt: Attempt): LockOperation[] {
    const { process, owner, askedAt, token, heldAt, dueMs, releasedAt, isReleased, isRefused } = attempt
    if (isRefused) return []
    const acquire: LockCall = { type: 'acquire', owner }
    if (token === undefined) {
      const expire: LockCall = { type: 'expire', owner, token }
      return [
        { process, call: acquire, callAt: askedAt, pending: true },
        { process: `${process}'s lease`, call: expire, callAt: askedAt, pending: true },
      ]
    }
    const operations: LockOperation[] = [
      { process, call: acquire, output: token, callAt: askedAt, returnAt: heldAt },
    ]
    const release: LockCall = { type: 'release', owner, token }
    if (isReleased) {
      operations.push({
        process,
        call: release,
        output: true,
        callAt: releasedAt,
        returnAt: this.#last(release),
      })
    } else {
      if (releasedAt > 0) operations.push({ process, call: release, callAt: releasedAt, pending: true })
      const crashAt = this.#crashes.get(process) ?? Number.POSITIVE_INFINITY
      const callAt = this.#options.isLossy ? askedAt : Math.min(crashAt, this.#eventBefore(dueMs))
      const call: LockCall = { type: 'expire', owner, token }
      operations.push({ process: `${process}'s lease`, call, callAt, pending: true })
    }
    return operations
  }

  readonly #returns = new Map<string, number>()

  #last({ owner }: { readonly owner: string }): number {
    return this.#returns.get(owner) as number
  }

  #now(): number {
    this.#times.push(this.#sim.nowMs)
    return this.#times.length
  }

  /** After every event that happened before this time. */
  #eventBefore(ms: number): number {
    return this.#times.findLastIndex((time) => time < ms) + 1.5
  }

  #contender(process: string): ActorDefinition<null, unknown, Contender> {
    const receive = {
      begin: async (_state: null, rounds: number, ctx: ActorContext): Promise<void> => {
        try {
          for (let round = 0; round < rounds; round++) await this.#round(process, `${process}.${round}`, ctx)
        } finally {
          this.ended++
        }
      },
    }
    return defineActor<null, unknown, Contender>({
      name: 'contender',
      reentrant: true,
      init: () => null,
      receive,
    })
  }

  async #round(process: string, owner: string, ctx: ActorContext): Promise<void> {
    const { random } = this.#sim
    const attempt: Attempt = {
      ...{ process, owner, askedAt: this.#now(), token: undefined, heldAt: 0, dueMs: 0 },
      ...{ releasedAt: 0, isReleased: false, hasHeartbeat: false, isRefused: false },
    }
    this.#attempts.push(attempt)
    const lock = await this.#acquire(attempt, ctx)
    if (lock === undefined) return
    attempt.token = lock.token
    attempt.dueMs = this.#sim.nowMs + lock.expiresInMs
    attempt.heldAt = this.#now()
    for (let i = random.below(3); i >= 0; i--) {
      await pause(ctx, random.below(12))
      await this.#write(process, lock, ctx)
    }
    // Some stop without a word. One that has a heartbeat would hold it for as long as its actor lives.
    if (!attempt.hasHeartbeat && random.below(3) === 0) return
    attempt.releasedAt = this.#now()
    attempt.isReleased = await lock.release().catch(() => false)
    this.#returns.set(owner, this.#now())
    if (!attempt.isReleased) this.losses++
    // A holder that has lost its lock must have been told.
    if (!attempt.isReleased && lock.isHeld) throw new Error(`${owner} lost its lock and was not told`)
  }

  async #acquire(attempt: Attempt, { keyspace, self }: ActorContext): Promise<KeyspaceLock | undefined> {
    const { random } = this.#sim
    const stop = new AbortController()
    attempt.hasHeartbeat = random.below(2) === 0
    const options: LockOptions = {
      ttl: 10 + random.below(30),
      heartbeat: attempt.hasHeartbeat,
      waitMs: random.below(200),
      signal: stop.signal,
    }
    const kind = random.below(4)
    try {
      if (kind === 0) return await keyspace.tryLock(NAME, { ttl: 20, heartbeat: attempt.hasHeartbeat })
      const waiting = keyspace.lock(NAME, options)
      if (random.below(4) === 0) this.#sim.stall(self.thread, random.below(30))
      if (kind === 1) setImmediateTimes(random.below(6), () => stop.abort())
      return await waiting
    } catch (error) {
      const { code } = error as { readonly code?: string }
      // What was granted in secret is given back in secret: it may have been held for a while.
      if (code === 'SHL_LOCK_TIMEOUT') attempt.isRefused = options.waitMs === 0
      if (code?.startsWith('SHL_') !== true) throw error
      return undefined
    }
  }

  async #write(process: string, lock: KeyspaceLock, { keyspace }: ActorContext): Promise<void> {
    const { isFenced } = this.#options
    const log = LOGS[this.#sim.random.below(LOGS.length)] as string
    const push = ['RPUSH', log, String(lock.token)] as const
    const write: { -readonly [K in keyof LockOperation]: LockOperation[K] } = {
      process,
      call: { type: 'write', token: lock.token },
      callAt: this.#now(),
      pending: true,
    }
    this.#writes.push(write)
    try {
      if (isFenced) await keyspace.command('FENCED', lock.name, lock.token, ...push)
      else await keyspace.command(...push)
      write.output = true
    } catch (error) {
      if ((error as { readonly code?: string }).code !== 'SHL_LOCK_FENCED') return
      this.fenced++
      write.output = false
    }
    write.returnAt = this.#now()
    delete write.pending
  }
}

function pause(ctx: ActorContext, ms: number): Promise<void> {
  return new Promise((resolve) => void contextHost(ctx).clock.after(ms, resolve))
}

/** After so many turns of promises: at any moment of what goes on. */
function setImmediateTimes(turns: number, task: () => void): void {
  if (turns === 0) task()
  else void Promise.resolve().then(() => setImmediateTimes(turns - 1, task))
}
