/**
 * The outbox of a thread: everything its refs send, and everything that comes back for it.
 *
 * How a message is sent is in `record-sender.ts`; here is what a program asks for, and how each ask settles.
 *
 * What must wait for space (offers, and asks under the policy `wait`) stands in one queue per thread, in
 * order per target, and is tried again after each batch and every millisecond, up to its deadline.
 *
 * Invariant: every ask settles exactly once: by answer, failure, deadline, signal, the end of the actor, its
 * thread or this runtime.
 * Cost: bench/ask-awake.ts, bench/ask-256.ts. Tests: test/actor/ask.race.test.ts,
 * test/actor/mailbox.race.test.ts
 */
import { addAbortListener, type Clock, invalidOption, numberOption, ShardloomError } from '../base/index.ts'
import { rejectWithAskerStack, withAskerStack } from '../codec/index.ts'
import * as wire from '../transport/index.ts'
import type { ActorAddress } from './address.ts'
import type { DeadLetters } from './dead-letters.ts'
import type { Envelope } from './mailbox.ts'
import type {
  AskOptions,
  Messenger,
  OfferOptions,
  Owner,
  StopMode,
  StopOptions,
  StreamOptions,
  TellOptions,
} from './messenger.ts'
import { type PendingAsk, PendingAsks } from './pending-asks.ts'
import { RecordSender, type RecordSenderParts } from './record-sender.ts'
import { RefusalPace } from './refusal-pace.ts'
import {
  addressText,
  deadLetterReason,
  isFull,
  lossReason,
  priorityOf,
  REFUSED_RING,
  threadLostError,
} from './send-outcome.ts'
import { StreamReader } from './stream-reader.ts'
import type { TerminationReason, ThreadLossCause } from './termination.ts'
import { type WaitingSender, WaitingSenders } from './waiting-senders.ts'

/** An actor that has not ended so long after a kill is on a thread that does not react. */
const KILL_MS = 100
const STOP_MODES: readonly StopMode[] = ['drain', 'stop', 'kill']
const TIMEOUT_MAX_MS = 2 ** 31 - 1

/** What the outbox is made of. */
export interface OutboxParts extends RecordSenderParts {
  readonly clock: Clock
  readonly scheduler: wire.Scheduler
  readonly deadLetters: DeadLetters
  readonly askTimeoutMs: number
  readonly stopTimeoutMs: number
  requestRun(): void
  /** Something may continue in the microtask queue. */
  noteSettled(): void
  onBusy(): void
  onIdle(): void
  /** A stop was not obeyed in time: the last resort for actors with a thread of their own. */
  onStopOverdue(to: ActorAddress): void
}

let capturedResolve: (value: unknown) => void
const captureResolve = (resolve: (value: unknown) => void): void => {
  capturedResolve = resolve
}

/** Sends the messages of one thread and settles its asks. */
export class Outbox implements Messenger {
  readonly pending: PendingAsks
  readonly #parts: OutboxParts
  readonly #sender: RecordSender
  readonly #waiting: WaitingSenders
  readonly #refusals: RefusalPace
  #isClosed = false
  /** The runtime is closing: actors may still finish their work, the program may not begin any. */
  isClosing = false

  constructor(parts: OutboxParts) {
    this.#parts = parts
    this.#sender = new RecordSender(parts)
    this.#refusals = new RefusalPace(parts.scheduler)
    this.#waiting = new WaitingSenders(parts.clock, () => parts.requestRun())
    this.pending = new PendingAsks(parts.memory.asks, parts.clock, {
      onBusy: () => parts.onBusy(),
      onIdle: () => parts.onIdle(),
      onDeadline: (ask) => this.#onDeadline(ask),
    })
  }

  tell(
    to: ActorAddress,
    owner: Owner | undefined,
    type: string,
    payload: unknown,
    options?: TellOptions,
  ): boolean {
    const outcome = this.#sendTell(to, owner, type, payload, options)
    if (outcome === wire.ADMITTED) return true
    this.#parts.deadLetters.add(
      addressText(to),
      type,
      deadLetterReason(outcome, this.#isClosed || this.isClosing),
    )
    return false
  }

  async offer(
    to: ActorAddress,
    owner: Owner | undefined,
    type: string,
    payload: unknown,
    options: OfferOptions = {},
  ): Promise<void> {
    this.#checkOpen('offer', owner)
    const timeoutMs = this.#timeout(options.timeoutMs, owner)
    if (options.signal?.aborted) throw this.#abortError(to, type, options.signal)
    if (!this.#waiting.hasFor(to)) {
      const outcome = this.#sendTell(to, owner, type, payload, options)
      if (outcome === wire.ADMITTED) return
      if (!isFull(outcome)) throw this.#sender.refusal(outcome, to, type)
    }
    const pending = this.#openPending('ask', to, owner, type, timeoutMs)
    const promise = new Promise(captureResolve)
    pending.resolve = capturedResolve
    this.#listen(pending, options.signal)
    this.#wait({ to, owner, type, payload, options, pending, isAsk: false })
    await promise
  }

  ask(
    to: ActorAddress,
    owner: Owner | undefined,
    type: string,
    payload: unknown,
    options?: AskOptions,
  ): Promise<unknown> {
    const promise = new Promise(captureResolve)
    const resolve = capturedResolve
    try {
      this.#ask(resolve, to, owner, type, payload, options)
    } catch (error) {
      this.#refusals.tell(() => resolve(Promise.reject(error)))
    }
    return promise
  }

  stream(
    to: ActorAddress,
    owner: Owner | undefined,
    type: string,
    payload: unknown,
    options: StreamOptions = {},
  ): AsyncIterableIterator<unknown> {
    this.#checkOpen('stream', owner)
    const timeoutMs = this.#timeout(options.timeoutMs, owner)
    const window = numberOption('window', options.window, 1, { min: 1, max: 65_536, integer: true })
    const reader = new StreamReader(window)
    const pending = this.#openPending('stream', to, owner, type, timeoutMs)
    this.pending.disarm(pending)
    const { slot, generation } = pending
    pending.sink = reader
    const isOpen = (): boolean => this.pending.get(slot, generation) === pending
    reader.attach({
      pull: (count) => {
        if (isOpen())
          this.#sender.sendControl(wire.KIND_STREAM_PULL, to, {
            askSlot: slot,
            askGeneration: generation,
            argument: count,
          })
      },
      cancel: () => {
        if (isOpen()) this.#cancel(pending)
      },
      startWait: () => {
        if (isOpen()) this.pending.arm(pending, timeoutMs, this.#parts.clock.nowMs())
      },
      endWait: () => {
        if (isOpen()) this.pending.disarm(pending)
      },
    })
    if (options.signal?.aborted) {
      this.#fail(pending, () => this.#abortError(to, type, options.signal!))
      return reader
    }
    this.#listen(pending, options.signal)
    try {
      const out = this.#sender.prepare(wire.KIND_STREAM_OPEN, to, owner, type, payload, options)
      out.askSlot = slot
      out.askGeneration = generation
      out.argument = priorityOf(options) | (window << 8)
      out.flags = wire.FLAG_CANCELLABLE
      out.deadlineMs = 0
      const outcome = this.#sender.send(to)
      if (outcome !== wire.ADMITTED) this.#fail(pending, () => this.#sender.refusal(outcome, to, type))
      else owner?.onNestedAsk(slot, generation)
    } catch (error) {
      this.pending.close(pending)
      throw error
    }
    return reader
  }

  async stop(to: ActorAddress, options: StopOptions = {}): Promise<TerminationReason> {
    const mode = options.mode ?? 'stop'
    if (!STOP_MODES.includes(mode)) invalidOption('mode', mode, STOP_MODES.join(' | '))
    const range = { min: 0, max: TIMEOUT_MAX_MS }
    const timeoutMs = numberOption('timeoutMs', options.timeoutMs, this.#parts.stopTimeoutMs, range)
    const ended = this.#awaitEnd(to, STOP_MODES.indexOf(mode) + 1)
    const { clock, onStopOverdue } = this.#parts
    const kill = (): void => {
      this.sendStop(to, 'kill')
      timer = clock.after(KILL_MS, () => onStopOverdue(to), { unref: true })
    }
    let timer = clock.after(timeoutMs, kill, { unref: true })
    try {
      return await ended
    } finally {
      timer.cancel()
    }
  }

  awaitEnd(to: ActorAddress): Promise<TerminationReason> {
    return this.#awaitEnd(to, 0)
  }

  depth(to: ActorAddress): number {
    const actors = this.#sender.tableOf(to.thread)
    if (actors === undefined) return 0
    return Math.max(0, Atomics.load(actors, to.slot * wire.ACTOR_WORDS + wire.ACTOR_DEPTH))
  }

  /** Ends an actor without waiting for it. */
  sendStop(to: ActorAddress, mode: StopMode): void {
    this.#sender.sendControl(wire.KIND_STOP, to, { argument: STOP_MODES.indexOf(mode) + 1 })
  }

  /** Sends a record of the runtime's own: bounded by the actors and asks it speaks of, so never refused. */
  sendSignal(
    kind: number,
    to: ActorAddress,
    from: ActorAddress,
    argument = 0,
    payload: unknown = undefined,
  ): void {
    const sender = { senderSlot: from.slot, senderGeneration: from.generation, argument }
    this.#sender.sendControl(kind, to, sender, payload)
  }

  /** Sends an answer, a stream item or a failure back to where the ask came from. */
  answer(kind: number, envelope: Envelope, value: unknown, transfer?: readonly unknown[]): void {
    const { askThread, askSlot, askGeneration } = envelope
    if (askSlot < 0) return
    if (askThread !== this.#parts.memory.id) {
      this.#sender.sendAnswer(kind, envelope, value, transfer)
      return
    }
    const owner = this.pending.get(askSlot, askGeneration)?.owner
    this.onAnswer(kind, askSlot, askGeneration, this.#sender.copyAnswer(owner, value, transfer))
  }

  /** An answer has arrived. */
  onAnswer(kind: number, askSlot: number, askGeneration: number, payload: unknown): void {
    const ask = this.pending.get(askSlot, askGeneration)
    if (ask === undefined) return
    this.#parts.noteSettled()
    if (kind === wire.KIND_REPLY) {
      const resolve = ask.resolve
      this.pending.close(ask)
      resolve(payload)
      return
    }
    if (kind === wire.KIND_STREAM_ITEM) {
      ask.sink?.onItem(payload)
      return
    }
    if (kind === wire.KIND_STREAM_END) {
      const sink = ask.sink
      this.pending.close(ask)
      sink?.onEnd(payload)
      return
    }
    this.#fail(ask, (askerStack) => {
      if (payload instanceof Error) withAskerStack(payload, 'asked from', askerStack)
      return payload
    })
  }

  /** Cancels an ask that an actor made for a message nobody waits for any more. */
  cancelNested(slot: number, generation: number): void {
    const ask = this.pending.get(slot, generation)
    if (ask === undefined) return
    this.#cancelThenFail(ask, new ShardloomError('SHL_ASK_ABORTED', { actor: ask.name, type: ask.type }))
  }

  /** Settles everything that was expected from a lost thread. */
  onThreadLost(thread: number, cause: ThreadLossCause, error: Error | undefined): void {
    for (const ask of this.pending.filter((candidate) => candidate.thread === thread)) {
      if (ask.kind === 'end' || ask.kind === 'watch') {
        const { resolve } = ask
        this.pending.close(ask)
        resolve(lossReason(thread, cause, error))
        continue
      }
      this.#fail(ask, () => threadLostError(thread, cause, error))
    }
  }

  /** Tries the waiting senders again; true when one got through. */
  retryWaiting(): boolean {
    return this.#waiting.retryAll(
      ({ pending, generation }) => this.pending.get(pending.slot, generation) === pending,
      (sender) => this.#retry(sender),
    )
  }

  /** Whether a sender waits that began to only just now. */
  hasEagerWaiting(): boolean {
    return this.#waiting.hasEager()
  }

  /** Rejects whatever still waits. */
  close(): void {
    this.#isClosed = true
    this.#waiting.clear()
    for (const ask of this.pending.filter(() => true)) {
      if (ask.kind === 'end' || ask.kind === 'watch') {
        const { resolve } = ask
        this.pending.close(ask)
        resolve({ type: 'closed' } satisfies TerminationReason)
      } else {
        this.#fail(ask, () => new ShardloomError('SHL_RUNTIME_CLOSED', { operation: `ask ${ask.type}` }))
      }
    }
    this.pending.dispose()
  }

  #ask(
    resolve: (value: unknown) => void,
    to: ActorAddress,
    owner: Owner | undefined,
    type: string,
    payload: unknown,
    options: AskOptions | undefined,
  ): void {
    this.#checkOpen('ask', owner)
    const timeoutMs = this.#timeout(options?.timeoutMs, owner)
    const signal = options?.signal
    if (signal?.aborted) throw this.#abortError(to, type, signal)
    const out = this.#sender.prepare(wire.KIND_ASK, to, owner, type, payload, options)
    const pending = this.#openPending('ask', to, owner, type, timeoutMs)
    pending.resolve = resolve
    if (this.#waiting.count > 0 && this.#waiting.hasFor(to)) {
      this.#listen(pending, signal)
      owner?.onNestedAsk(pending.slot, pending.generation)
      this.#wait({ to, owner, type, payload, options, pending, isAsk: true })
      return
    }
    out.askSlot = pending.slot
    out.askGeneration = pending.generation
    out.deadlineMs = pending.deadlineMs
    let outcome: number
    try {
      outcome = this.#sender.send(to)
    } catch (error) {
      this.pending.close(pending)
      throw error
    }
    if (signal !== undefined) this.#listen(pending, signal)
    owner?.onNestedAsk(pending.slot, pending.generation)
    if (outcome === wire.ADMITTED) return
    // A full ring holds messages for others too: that is no refusal of this mailbox, and an ask can wait.
    if (outcome === REFUSED_RING || (isFull(outcome) && this.#sender.policyOf(to) === wire.POLICY_WAIT)) {
      this.#wait({ to, owner, type, payload, options, pending, isAsk: true })
      return
    }
    const { slot, generation } = pending
    this.#refusals.tell(() => {
      const isOpen = this.pending.get(slot, generation) === pending
      if (isOpen) this.#fail(pending, () => this.#sender.refusal(outcome, to, type))
    })
  }

  #sendTell(
    to: ActorAddress,
    owner: Owner | undefined,
    type: string,
    payload: unknown,
    options: TellOptions | undefined,
    isRetry = false,
  ): number {
    if (this.#isClosed || (this.isClosing && owner === undefined)) return wire.REFUSED_GONE
    // What waits was sent before: nothing of the same sender may overtake it.
    if (!isRetry && this.#waiting.count > 0 && this.#waiting.hasFor(to)) return REFUSED_RING
    const out = this.#sender.prepare(wire.KIND_TELL, to, owner, type, payload, options)
    out.askSlot = wire.NO_SLOT
    out.askGeneration = 0
    out.deadlineMs = 0
    return this.#sender.send(to)
  }

  #awaitEnd(to: ActorAddress, mode: number): Promise<TerminationReason> {
    if (this.#isClosed) return Promise.resolve({ type: 'closed' })
    const loss = this.#parts.lossOf(to.thread)
    if (loss !== undefined) return Promise.resolve(lossReason(to.thread, loss.cause, loss.error))
    const pending = this.pending.openEnd(mode === 0 ? 'watch' : 'end')
    this.#aim(pending, to, 'stop')
    const promise = new Promise<unknown>(captureResolve)
    pending.resolve = capturedResolve
    const identity = { askSlot: pending.slot, askGeneration: pending.generation, argument: mode }
    this.#sender.sendControl(wire.KIND_AWAIT_END, to, identity)
    return promise as Promise<TerminationReason>
  }

  #openPending(
    kind: 'ask' | 'stream',
    to: ActorAddress,
    owner: Owner | undefined,
    type: string,
    timeoutMs: number,
  ): PendingAsk {
    const pending = this.pending.open(kind)
    if (pending === undefined) throw this.#askLimit()
    this.#aim(pending, to, type)
    pending.owner = owner
    this.pending.arm(pending, timeoutMs, this.#parts.clock.nowMs())
    return pending
  }

  #aim(pending: PendingAsk, to: ActorAddress, type: string): void {
    pending.thread = to.thread
    pending.targetSlot = to.slot
    pending.targetGeneration = to.generation
    pending.name = to.name
    pending.type = type
  }

  #listen(pending: PendingAsk, signal: AbortSignal | undefined): void {
    if (signal === undefined) return
    pending.forgetSignal = addAbortListener(signal, () =>
      this.#cancelThenFail(pending, this.#abortError(pending, pending.type, signal)),
    )
  }

  /**
   * Stands in the queue. The payload is copied as it is now, unless it moves: what moves is the sender's no
   * more.
   */
  #wait(sender: Omit<WaitingSender, 'sinceMs' | 'generation'>): void {
    const isMoving = sender.options?.transfer !== undefined
    const payload = isMoving ? sender.payload : this.#sender.copyPayload(sender.owner, sender.payload)
    this.#waiting.push({ ...sender, payload })
  }

  #retry(sender: WaitingSender): boolean {
    const { to, owner, type, payload, options, pending, isAsk } = sender
    let outcome: number
    try {
      if (isAsk) {
        const out = this.#sender.prepare(wire.KIND_ASK, to, owner, type, payload, options)
        out.askSlot = pending.slot
        out.askGeneration = pending.generation
        out.deadlineMs = pending.deadlineMs
        outcome = this.#sender.send(to)
      } else {
        outcome = this.#sendTell(to, owner, type, payload, options, true)
      }
    } catch (error) {
      this.#fail(pending, () => error)
      return true
    }
    if (isFull(outcome)) return false
    if (outcome !== wire.ADMITTED) {
      this.#fail(pending, () => this.#sender.refusal(outcome, to, type))
    } else if (!isAsk) {
      const { resolve } = pending
      this.pending.close(pending)
      this.#parts.noteSettled()
      resolve(undefined)
    }
    return true
  }

  #onDeadline(ask: PendingAsk): void {
    const isOffer = this.#waiting.isOffer(ask)
    const code = isOffer ? 'SHL_OFFER_TIMEOUT' : 'SHL_ASK_TIMEOUT'
    const timeoutMs = Math.round(ask.timeoutMs)
    this.#cancelThenFail(ask, new ShardloomError(code, { actor: ask.name, type: ask.type, timeoutMs }))
  }

  #cancelThenFail(ask: PendingAsk, error: Error): void {
    this.#sendCancel(ask)
    this.#fail(ask, (askerStack) => {
      withAskerStack(error, 'asked from', askerStack)
      return error
    })
  }

  #cancel(ask: PendingAsk): void {
    this.#sendCancel(ask)
    this.pending.close(ask)
  }

  #sendCancel(ask: PendingAsk): void {
    this.pending.markCancelled(ask)
    const to = { thread: ask.thread, slot: ask.targetSlot, generation: ask.targetGeneration, name: ask.name }
    this.#sender.sendControl(wire.KIND_CANCEL, to, { askSlot: ask.slot, askGeneration: ask.generation })
  }

  /** Closes and rejects; the error is built where it can see who awaits it. */
  #fail(ask: PendingAsk, build: (askerStack: string) => unknown): void {
    const { resolve, sink, kind } = ask
    this.pending.close(ask)
    this.#parts.noteSettled()
    if (kind === 'stream') sink?.onError(build(''))
    else rejectWithAskerStack(resolve, build as (askerStack: string) => Error)
  }

  #abortError(to: { readonly name: string }, type: string, signal: AbortSignal): ShardloomError {
    return new ShardloomError('SHL_ASK_ABORTED', { actor: to.name, type }, { cause: signal.reason })
  }

  #askLimit(): ShardloomError {
    const { count, asksMax } = this.pending
    return new ShardloomError('SHL_ASK_LIMIT', { pending: count, pendingMax: asksMax })
  }

  #timeout(timeoutMs: number | undefined, owner: Owner | undefined): number {
    const own =
      timeoutMs === undefined
        ? this.#parts.askTimeoutMs
        : numberOption('timeoutMs', timeoutMs, 0, { min: 0, max: TIMEOUT_MAX_MS })
    if (owner === undefined || owner.deadlineMs === 0) return own
    return Math.max(0, Math.min(own, owner.deadlineMs - this.#parts.clock.nowMs()))
  }

  #checkOpen(operation: string, owner: Owner | undefined): void {
    if (this.#isClosed || (this.isClosing && owner === undefined))
      throw new ShardloomError('SHL_RUNTIME_CLOSED', { operation })
  }
}
