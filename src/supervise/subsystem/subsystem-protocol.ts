/**
 * What passes between a subsystem and its supervisor: messages, and a few shared words.
 *
 *     words (shared):   begun | current method | arena KiB
 *
 * `begun` is the number of the newest call that was begun. Calls are numbered in the order in which they are
 * sent, and begun in that order, so that of a call that was under way when its subsystem died it is known
 * whether it can have had any effect. `current method` is the one that blocks the thread just now.
 *
 * Writer: the subsystem's thread. Readers: the supervisor's.
 * Tests: test/supervise/subsystem/subsystem.race.test.ts
 */
import type { ActorRef } from '../../actor/index.ts'
import { ShardloomError } from '../../base/index.ts'

export const WORD_BEGUN = 0
/** 0: none; else its place among the methods, plus 1. */
export const WORD_METHOD = 1
export const WORD_ARENA_KIB = 2
export const WORD_COUNT = 4
export const KIB = 1024

/** Keeps what subsystems hand over while they run. */
export interface SnapshotKeeper {
  readonly keep: (state: unknown, kept: KeptSnapshot) => void
}

/** A snapshot; they are numbered as they are begun, because a slow one may come late. */
export interface NumberedSnapshot {
  readonly number: number
  readonly value: unknown
  readonly version: number
}

/** A snapshot, and of which run it is. */
export interface KeptSnapshot extends NumberedSnapshot {
  readonly run: number
}

/** Brings a subsystem to life. */
export interface InitRequest {
  readonly name: string
  readonly args: unknown
  readonly previous: { readonly value: unknown; readonly version: number } | undefined
  readonly run: number
  readonly words: SharedArrayBuffer
  readonly keeper: ActorRef<SnapshotKeeper>
  /** The longest time for one call; undefined: any. */
  readonly callMs: number | undefined
}

/** What a subsystem says of itself when it is ready. */
export interface InitAnswer {
  readonly version: number
  readonly methods: readonly string[]
  readonly idempotent: readonly string[]
  readonly hasSnapshot: boolean
  readonly hasMigrate: boolean
  /** The actor that answers probes. */
  readonly probes: ActorRef<never>
}

/** What comes of a call: Comlink's answer, or what the function threw. */
export interface CallReply {
  readonly answer?: unknown
  readonly thrown?: Error
  /** The subsystem has failed, and the call with it. */
  readonly isFailing?: boolean
}

/** One call: a message of Comlink's. */
export interface CallRequest {
  readonly number: number
  readonly message: { readonly id: string; readonly type: string; readonly path?: readonly string[] }
}

/**
 * A call was under way when its subsystem was restarted. `retryable` says whether it may be made again: it
 * was not begun, or its function is idempotent.
 */
export class SubsystemRestarted extends ShardloomError {
  override readonly retryable: boolean

  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof ShardloomError && value.code === 'SHL_SUBSYSTEM_RESTARTED'
  }

  constructor(
    details: { subsystem: string; method: string; hasBegun: boolean; retryable: boolean },
    cause: Error | undefined,
  ) {
    const { retryable, ...rest } = details
    const effect = details.hasBegun ? 'it may have taken effect' : 'it had not been begun'
    super('SHL_SUBSYSTEM_RESTARTED', { ...rest, effect }, cause === undefined ? {} : { cause })
    this.name = 'SubsystemRestarted'
    this.retryable = retryable
  }
}
