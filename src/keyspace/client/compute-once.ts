/**
 * `getOrCompute`: of all in the process who want a value that is not there, one computes it, and the others
 * get what it made.
 *
 *     in memory ──▶ the value, without a message
 *     LEASE.GET ──▶ the value, at once or when somebody has computed it
 *          └──────▶ a lease: compute here ──▶ LEASE.PUT, and all who wait have it
 *                         └── it failed ────▶ LEASE.FAIL, and the next one who waits computes
 *
 * A thread that dies while it computes holds nobody up for longer than its lease. One that takes longer than
 * that is told by its signal; what it makes all the same is stored if nobody else has begun meanwhile.
 *
 * Tests: test/keyspace/compute-once.race.test.ts, test/keyspace/lock-kin.prop.test.ts
 */
import {
  addAbortListener,
  checkKnownOptions,
  numberOption,
  ShardloomError,
  type TimerHandle,
} from '../../base/index.ts'
import { type Argument, argumentOf, ErrorReply, type Reply, textOfBytes } from '../engine/index.ts'
import { type CommandCaller, toArgument } from './caller.ts'
import type { CommandClient } from './command-client.ts'
import { replyError } from './reply-value.ts'
import { hasMoved, isShardGone } from './waiting-call.ts'

/** How a value is computed, and waited for. */
export interface ComputeOptions {
  /** Milliseconds until the value expires. Default: never. */
  readonly ttl?: number
  /** How long it may take, before the next one is let. Default 30,000. */
  readonly computeMs?: number
  /** How long to wait for it altogether. Default one hour. */
  readonly waitMs?: number
  /** Ends the wait, and the own computation. */
  readonly signal?: AbortSignal
}

/** What a computation is given. */
export interface ComputeContext {
  /** Aborts when nobody wants the value any more, or it takes too long. */
  readonly signal: AbortSignal
}

/** Makes a value. */
export type Compute = (context: ComputeContext) => string | Uint8Array | Promise<string | Uint8Array>

const COMPUTE_MS = 30_000
const COMPUTE_MS_MAX = 24 * 60 * 60 * 1000
const WAIT_MS = 60 * 60 * 1000
const WAIT_MS_MAX = 2 ** 31 - 1
const TTL_MS_MAX = 2 ** 53 - 1
const DOWN_MS = 10
const OPTIONS = ['ttl', 'computeMs', 'waitMs', 'signal']

interface Flight {
  readonly key: Argument
  readonly shown: string
  readonly ttl: number
  readonly computeMs: number
  readonly waitMs: number
  readonly endMs: number
  /** Of the caller, or of the end of its patience. */
  readonly end: AbortSignal
  readonly compute: Compute
  /** What was computed and could not be stored, because it was too late or the shard was lost. */
  made: Argument | undefined
  /** What the computation threw. */
  failure: { readonly error: unknown } | undefined
}

/** Values that are computed once, on one thread. */
export class ComputeOnce {
  readonly #client: CommandClient
  readonly #caller: CommandCaller

  constructor(client: CommandClient, caller: CommandCaller) {
    this.#client = client
    this.#caller = caller
  }

  /** The value at a key; it is made when there is none. */
  async get(key: string | Uint8Array, compute: Compute, options: ComputeOptions): Promise<Argument> {
    checkKnownOptions('keyspace.getOrCompute', options, OPTIONS)
    const whole = { min: 1, max: COMPUTE_MS_MAX, integer: true }
    const { signal } = options
    const waitMs = numberOption('waitMs', options.waitMs, WAIT_MS, { min: 1, max: WAIT_MS_MAX })
    const end = new AbortController()
    const flight: Flight = {
      key: toArgument(key),
      shown: typeof key === 'string' ? key : textOfBytes(argumentOf(key)),
      ttl: numberOption('ttl', options.ttl, 0, { min: 1, max: TTL_MS_MAX, integer: true }),
      computeMs: numberOption('computeMs', options.computeMs, COMPUTE_MS, whole),
      waitMs,
      endMs: this.#client.clock.nowMs() + waitMs,
      end: end.signal,
      compute,
      made: undefined,
      failure: undefined,
    }
    const aborted = (): ShardloomError =>
      new ShardloomError('SHL_COMPUTE_ABORTED', { key: flight.shown }, { cause: signal?.reason })
    if (signal?.aborted === true) throw aborted()
    return new Promise((resolve, reject) => {
      const forget =
        signal &&
        addAbortListener(signal, () => {
          end.abort(aborted())
          reject(aborted())
        })
      this.#fly(flight)
        .finally(() => forget?.())
        .then(resolve, reject)
    })
  }

  async #fly(flight: Flight): Promise<Argument> {
    const { clock } = this.#client
    for (;;) {
      try {
        const value = await this.#attempt(flight)
        if (value !== undefined) return value
        if (flight.failure !== undefined) throw flight.failure.error
      } catch (error) {
        if (flight.failure !== undefined || !isShardGone(error) || clock.nowMs() >= flight.endMs) throw error
        await new Promise<void>((resolve) => void clock.after(DOWN_MS, resolve))
      }
    }
  }

  /** Undefined: to be tried again. */
  async #attempt(flight: Flight): Promise<Argument | undefined> {
    const { key, computeMs, end, endMs, shown, waitMs } = flight
    const owner = this.#client.newName()
    const leftMs = Math.max(1, Math.ceil(endMs - this.#client.clock.nowMs()))
    const argv = ['LEASE.GET', key, owner, 'PX', String(computeMs), 'WAIT', String(leftMs)]
    const reply = await this.#client.callWaiting(argv, leftMs, end)
    if (hasMoved(reply)) return undefined
    if (reply instanceof ErrorReply) throw replyError(reply, 'LEASE.GET')
    if (reply === null) {
      throw end.aborted ? end.reason : new ShardloomError('SHL_COMPUTE_TIMEOUT', { key: shown, waitMs })
    }
    const [kind, answer] = reply as readonly [Reply, Reply]
    if (kind === 'value') return answer as Argument
    const token = Number(answer)
    try {
      if (end.aborted) throw end.reason
      flight.made ??= await this.#compute(flight)
    } catch (error) {
      // Also when the shard is gone: then nobody waits there any more.
      await this.#caller.run(['LEASE.FAIL', key, owner, token]).catch(() => undefined)
      flight.failure = { error }
      return undefined
    }
    return this.#put(flight, owner, token, flight.made)
  }

  async #put(flight: Flight, owner: string, token: number, value: Argument): Promise<Argument | undefined> {
    const { key, ttl } = flight
    const argv = ['LEASE.PUT', key, owner, String(token), value, ...(ttl > 0 ? ['PX', String(ttl)] : [])]
    const reply = await this.#client.callRaw(argv)
    if (!(reply instanceof ErrorReply)) return value
    // Too late, or the shard has forgotten: whoever has begun since is waited for, or this is stored.
    if (reply.code === 'FENCED') return undefined
    throw replyError(reply, 'LEASE.PUT')
  }

  async #compute({ compute, computeMs, end, shown }: Flight): Promise<Argument> {
    const stop = new AbortController()
    const late = new ShardloomError('SHL_COMPUTE_LATE', { key: shown, computeMs })
    let forget = (): void => undefined
    let timer: TimerHandle | undefined
    // Nobody waits for a computation that goes on regardless.
    const aborted = new Promise<never>((_, reject) => {
      timer = this.#client.clock.after(computeMs, () => {
        stop.abort(late)
        reject(late)
      })
      forget = addAbortListener(end, () => {
        stop.abort(end.reason)
        reject(end.reason)
      })
    })
    const run = async (): Promise<unknown> => compute({ signal: stop.signal })
    try {
      const made = await Promise.race([run(), aborted])
      if (typeof made === 'string' || made instanceof Uint8Array) return toArgument(made)
      const allowed = 'a function that gives a string or bytes'
      throw new ShardloomError('SHL_OPTION_INVALID', { option: 'compute', value: typeof made, allowed })
    } finally {
      timer?.cancel()
      forget()
    }
  }
}
