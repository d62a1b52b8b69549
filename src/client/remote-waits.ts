/**
 * Commands that the server lets wait, and what ends them: their own time, a signal, a deadline, and the end
 * of the client.
 *
 * However a wait is ended, it is told why only when the server has said that nothing came of it: what came
 * just before is given all the same.
 *
 * Tests: test/client/lone-call.test.ts, test/client/remote-keyspace.limits.test.ts,
 * test/client/remote-client.end.test.ts
 */
import { ShardloomError } from '../base/index.ts'
import type { Argument, Reply } from '../keyspace/engine/index.ts'
import type { RemoteCallOptions } from './call-limits.ts'
import { closedError, NOTHING_DONE } from './connection-errors.ts'
import { joinSignals } from './joined-signal.ts'
import { dropOrphan } from './lock-orphan.ts'
import { type LoneAnswer, type LoneCallParts, type LoneCommand, runAlone } from './lone-call.ts'
import { type CommandProfile, profileOf } from './retry-rules.ts'
import { waitTimeOf } from './wait-time.ts'
import { wireArgument } from './wire-values.ts'

/** What waits need of their client. */
export interface RemoteWaitsParts extends LoneCallParts {
  /** Aborts when the client closes. */
  readonly closing: AbortSignal
  /** Whether a caller's name was given by this client. */
  isOurs(owner: string): boolean
  run(argv: readonly Argument[]): Promise<Reply>
}

/** Waits of one client. */
export class RemoteWaits {
  readonly #parts: RemoteWaitsParts

  constructor(parts: RemoteWaitsParts) {
    this.#parts = parts
  }

  /**
   * Any command that may wait. @throws SHL_ASK_TIMEOUT, SHL_ASK_ABORTED, SHL_CONNECTION_CLOSED and its kin
   */
  async any(
    profile: CommandProfile,
    argv: readonly Argument[],
    { signal, timeoutMs: limitMs, waitMs }: RemoteCallOptions,
  ): Promise<Reply> {
    const { name } = profile
    const time = waitTimeOf(profile, argv)
    const patienceMs = limitMs ?? this.#parts.timeoutMs
    const args = argv.map(wireArgument)
    const own = { name, args, time, waitMs: waitMs ?? time.waitMs }
    const wait = this.#alone({ ...own, patienceMs, limitMs, end: signal })
    const { reply, isSent, ended } = await wait.catch((error: unknown) => {
      throw signal?.aborted === true && isUnanswered(error) ? this.#aborted(name, signal, {}) : error
    })
    // What came just before the end is no less there for it.
    if (ended === undefined || reply !== null) return reply
    throw ended === 'late' ? this.#late(name, limitMs, isSent) : this.#ended(name, signal, isSent)
  }

  /** For a lock: null when it was ended by `end`, which is no error. */
  async forLock(argv: readonly Argument[], waitMs: number, end: AbortSignal): Promise<Reply> {
    const { timeoutMs, isOurs, run } = this.#parts
    const profile = profileOf(argv)
    const { name } = profile
    const time = waitTimeOf(profile, argv)
    const args = argv.map(wireArgument)
    try {
      const wait = { name, args, time, waitMs, patienceMs: waitMs + timeoutMs, end }
      const { reply, isSent, ended } = await this.#alone(wait)
      if (ended === undefined || reply !== null || end.aborted) return reply
      throw this.#ended(name, undefined, isSent)
    } catch (error) {
      // Before it is asked for again: else that would wait for this.
      if (isUnknown(error)) await dropOrphan(run, argv, isOurs).catch(() => undefined)
      throw error
    }
  }

  async #alone(command: LoneCommand): Promise<LoneAnswer> {
    const { signal: end, forget } = joinSignals(command.end, this.#parts.closing)
    try {
      return await runAlone(this.#parts, { ...command, end })
    } finally {
      forget()
    }
  }

  #ended(type: string, signal: AbortSignal | undefined, isSent: boolean): ShardloomError {
    if (signal?.aborted === true) return this.#aborted(type, signal, { isSent, ...NOTHING_DONE })
    return closedError(this.#parts.address, type, isSent)
  }

  #aborted(type: string, signal: AbortSignal, more: object): ShardloomError {
    const details = { actor: this.#parts.address, type, isSent: true, ...more }
    return new ShardloomError('SHL_ASK_ABORTED', details, { cause: signal.reason })
  }

  #late(type: string, timeoutMs: number | undefined, isSent: boolean): ShardloomError {
    const details = { actor: this.#parts.address, type, timeoutMs, isSent, ...NOTHING_DONE }
    return new ShardloomError('SHL_ASK_TIMEOUT', details)
  }
}

/** Whether nobody knows what became of a call. */
function isUnknown(error: unknown): boolean {
  return (
    error instanceof ShardloomError &&
    error.details['isSent'] === true &&
    error.code !== 'SHL_CONNECTION_CLOSED'
  )
}

/** The server did not even answer to the end of the wait. */
function isUnanswered(error: unknown): boolean {
  return error instanceof ShardloomError && error.code === 'SHL_ASK_TIMEOUT'
}
