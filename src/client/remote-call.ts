/**
 * One call, from when it was made to its one outcome, over as many connections as that takes.
 *
 * It is one command, or several that go out with nothing between them, of which the last one's reply is the
 * answer. Its deadline is for all of it: for the wait for a connection, and for every time it is sent.
 *
 * Invariants: (1) it settles once; (2) it is on its way on one connection at most.
 * Cost: one timer.
 * Tests: test/client/remote-client.faults.test.ts
 */
import { addAbortListener, type Clock, ShardloomError, type TimerHandle } from '../base/index.ts'
import { ErrorReply, type Reply } from '../keyspace/engine/index.ts'
import type { Connection } from './connection.ts'
import { failedError, lostError } from './connection-errors.ts'
import type { CommandProfile } from './retry-rules.ts'
import type { SentMark } from './sent-mark.ts'
import type { WireArgument } from './wire-values.ts'

/** What a call is made of. */
export interface CallParts {
  readonly profile: CommandProfile
  readonly commands: readonly (readonly WireArgument[])[]
  /** Hash slots of its keys; empty: it may concern any. */
  readonly slots: readonly number[]
  readonly address: string
  readonly timeoutMs: number
  /** A connection that says nothing for so long is given up. */
  readonly silenceMs: number
  readonly signal: AbortSignal | undefined
  /** Is given the last reply, which may be an error, and all of them. */
  settle(reply: Reply, all: readonly Reply[]): void
  fail(error: Error): void
}

/** A timer of Node may fire within the millisecond before. */
const TIMER_MS = 2

/** A call. */
export class RemoteCall {
  readonly profile: CommandProfile
  readonly commands: readonly (readonly WireArgument[])[]
  readonly slots: readonly number[]
  /** How often it was sent, or was to be. */
  attempts = 0
  /** Whether it left at an earlier attempt, of which nobody knows the outcome. */
  wasSent = false
  /** Takes it out of where it waits. Set by who keeps it. */
  forget: (() => void) | undefined
  readonly #parts: CallParts
  readonly #forgetSignal: (() => void) | undefined
  readonly #timer: TimerHandle
  #connection: Connection | undefined
  #marks: readonly SentMark[] = []
  #isSettled = false
  #onSettled: (() => void) | undefined

  /** `why`: the reason for which there is no connection. */
  constructor(parts: CallParts, clock: Clock, onSettled: () => void, why: () => Error | undefined) {
    this.profile = parts.profile
    this.commands = parts.commands
    this.slots = parts.slots
    this.#parts = parts
    this.#onSettled = onSettled
    // This one keeps the process alive: somebody waits.
    this.#timer = clock.after(parts.timeoutMs, () => this.#onLate(why()))
    const { signal } = parts
    this.#forgetSignal = signal && addAbortListener(signal, () => this.#onAbort(signal))
  }

  get isSettled(): boolean {
    return this.#isSettled
  }

  /** Whether it may have taken effect: the last of its commands has left, now or earlier. */
  get isSent(): boolean {
    return this.wasSent || this.#marks.at(-1)?.isSent === true
  }

  /** Sends it on a connection: all its replies. Rejects with that connection's end. */
  giveTo(connection: Connection): Promise<readonly Reply[]> {
    this.attempts++
    this.#connection = connection
    const [first] = this.commands
    if (this.commands.length === 1 && first !== undefined) {
      const mark = connection.mark()
      this.#marks = [mark]
      return connection.send(first, mark).then((reply) => [reply])
    }
    this.#marks = this.commands.map(() => connection.mark())
    return connection.sendAll(this.commands, this.#marks)
  }

  /** It was answered that it did not run. */
  comeBack(): void {
    this.#connection = undefined
    this.#marks = []
  }

  /** Its connection has ended: whether the last attempt left is remembered. */
  leave(): boolean {
    const isSent = this.#marks.at(-1)?.isSent === true
    this.wasSent ||= isSent
    this.comeBack()
    return isSent
  }

  answer(all: readonly Reply[]): void {
    const reply = all.at(-1) ?? null
    const isRefused = reply === null || reply instanceof ErrorReply
    // The first one may have been what it is refused for now.
    if (this.profile.rule === 'once' && this.wasSent && isRefused) {
      this.fail(this.lost('sent again, it was refused, perhaps because of itself'))
    } else if (this.#end()) this.#parts.settle(reply, all)
  }

  fail(error: Error): void {
    if (this.#end()) this.#parts.fail(error)
  }

  /** The error that says whether it may have taken effect. */
  lost(reason: Error | string): ShardloomError {
    return lostError(this.#parts.address, this.profile.name, this.isSent, reason)
  }

  #onLate(lastFailure: Error | undefined): void {
    const { address, timeoutMs, silenceMs } = this.#parts
    const command = this.profile.name
    const connection = this.#connection
    const hasLeft = this.#recall()
    const isSent = this.wasSent || hasLeft
    if (isSent || connection !== undefined) {
      const details = { actor: address, type: command, timeoutMs, isSent }
      this.fail(new ShardloomError('SHL_ASK_TIMEOUT', details))
    } else {
      this.fail(failedError(address, command, lastFailure, timeoutMs))
    }
    // Nothing at all came for long: nobody is there any more, whatever the socket says.
    if (!hasLeft || connection === undefined) return
    const { silentMs } = connection
    if (silentMs + TIMER_MS >= silenceMs) connection.end(silence(address, silentMs))
  }

  #onAbort(signal: AbortSignal): void {
    const isSent = this.#recall() || this.wasSent
    const details = { actor: this.#parts.address, type: this.profile.name, isSent }
    this.fail(new ShardloomError('SHL_ASK_ABORTED', details, { cause: signal.reason }))
  }

  /**
   * Takes back what has not left; true: it has, or will. Of several, all or none: a MULTI that has left
   * without its EXEC would take in what others send behind it.
   */
  #recall(): boolean {
    const [first] = this.#marks
    if (first?.isSent === true) return true
    for (const mark of this.#marks) mark.recall()
    return false
  }

  #end(): boolean {
    if (this.#isSettled) return false
    this.#isSettled = true
    this.#timer.cancel()
    this.#forgetSignal?.()
    this.forget?.()
    this.#onSettled?.()
    this.#onSettled = undefined
    return true
  }
}

/** Why a connection is ended that says nothing. */
export function silence(address: string, timeoutMs: number): ShardloomError {
  return new ShardloomError('SHL_ASK_TIMEOUT', {
    actor: address,
    type: 'any answer',
    timeoutMs: Math.round(timeoutMs),
  })
}
