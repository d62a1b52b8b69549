/**
 * The outbox of a thread: everything its refs send, and everything that comes back for it.
 *
 * Sending is three steps: the payload is encoded (what cannot cross throws here, before anything has happened), a
 * place in the target's mailbox is taken in shared memory, the record is written. A step that fails undoes the ones
 * before it, so a refused message leaves no trace. Messages to actors of the same thread take the same steps and
 * are copied by the same codec; only the ring is left out.
 *
 * What must wait for space (offers, and asks under the policy `wait`) stands in one queue per thread, in order per
 * target, and is tried again after each batch and every millisecond, up to its deadline.
 *
 * Invariants: (1) every ask settles exactly once: by answer, failure, deadline, signal, the end of the actor, its
 * thread or this runtime; (2) a place is taken exactly once for each message that is sent.
 * Cost: bench/ask-awake.ts, bench/ask-256.ts, bench/tell.ts. Tests: test/actor/outbox.test.ts and *.race.test.ts
 */
import { type Clock, invalidOption, numberOption, ShardloomError } from '../base/index.ts'
import { rejectWithAskerStack, withAskerStack } from '../codec/index.ts'
import * as wire from '../transport/index.ts'
import { type ActorAddress, formatAddress } from './address.ts'
import type { DeadLetters } from './dead-letters.ts'
import { Envelope, PRIORITY_COUNT } from './mailbox.ts'
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
import { StreamReader } from './stream-reader.ts'
import { describeReason, type TerminationReason, type ThreadLossCause } from './termination.ts'

/** Outcome of a send beyond those of `admit`. */
const REFUSED_RING = 16
const STOP_MODES: readonly StopMode[] = ['drain', 'stop', 'kill']
/** A waiting sender tries again this often when nothing else makes it. */
const WAIT_RETRY_MS = 1
/** How long a waiting sender looks at every turn of the pump before it leaves it to the timer. */
const WAIT_EAGER_MS = 2
const TIMEOUT_MAX_MS = 2 ** 31 - 1

/** What the outbox is made of. */
export interface OutboxParts {
  readonly memory: wire.ThreadMemory
  readonly clock: Clock
  readonly encoder: wire.PayloadEncoder
  readonly deadLetters: DeadLetters
  readonly askTimeoutMs: number
  readonly stopTimeoutMs: number
  readonly messageBytesMax: number
  /** The link to a thread, made on demand; undefined when that thread is gone. */
  linkTo(thread: number): wire.ThreadLink | undefined
  lossOf(thread: number): { cause: ThreadLossCause; error: Error | undefined } | undefined
  touch(link: wire.ThreadLink): void
  requestRun(): void
  /** Decodes a copy whose refs belong to `owner`. */
  cloneFor(owner: Owner | undefined, clone: () => unknown): unknown
  ownerOf(slot: number, generation: number): Owner | undefined
  /** Hands a message to an actor of this thread. */
  deliverLocal(slot: number, generation: number, envelope: Envelope): void
  /** Something may continue in the microtask queue. */
  noteSettled(): void
  onBusy(): void
  onIdle(): void
  /** A stop was not obeyed in time: the last resort for actors with a thread of their own. */
  onStopOverdue(to: ActorAddress): void
}

/** A sender that waits for space. */
interface WaitingSender {
  readonly to: ActorAddress
  readonly owner: Owner | undefined
  readonly type: string
  readonly payload: unknown
  readonly options: TellOptions | undefined
  readonly sinceMs: number
  readonly pending: PendingAsk
  readonly generation: number
  readonly isAsk: boolean
}

let capturedResolve: (value: unknown) => void
const captureResolve = (resolve: (value: unknown) => void): void => {
  capturedResolve = resolve
}

/** Sends the messages of one thread and settles its asks. */
export class Outbox implements Messenger {
  readonly pending: PendingAsks
  readonly #parts: OutboxParts
  readonly #out = new wire.OutgoingRecord()
  readonly #waiting: WaitingSender[] = []
  #isRetrySet = false
  #isClosed = false
  /** The runtime is closing: actors may still finish their work, the program may not begin any. */
  isClosing = false

  constructor(parts: OutboxParts) {
    this.#parts = parts
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
    if (!this.#isWaitingFor(to)) {
      const outcome = this.#sendTell(to, owner, type, payload, options)
      if (outcome === wire.ADMITTED) return
      if (!isFull(outcome)) throw this.#refusal(outcome, to, type)
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
      resolve(Promise.reject(error))
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
          this.#sendControl(wire.KIND_STREAM_PULL, to, {
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
      const out = this.#prepare(wire.KIND_STREAM_OPEN, to, owner, type, payload, options)
      out.askSlot = slot
      out.askGeneration = generation
      out.argument = priorityOf(options) | (window << 8)
      out.flags = wire.FLAG_CANCELLABLE
      out.deadlineMs = 0
      const outcome = this.#send(to)
      if (outcome !== wire.ADMITTED) this.#fail(pending, () => this.#refusal(outcome, to, type))
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
    const kill = this.#parts.clock.after(
      timeoutMs,
      () => {
        this.sendStop(to, 'kill')
        this.#parts.onStopOverdue(to)
      },
      { unref: true },
    )
    try {
      return await ended
    } finally {
      kill.cancel()
    }
  }

  awaitEnd(to: ActorAddress): Promise<TerminationReason> {
    return this.#awaitEnd(to, 0)
  }

  depth(to: ActorAddress): number {
    const actors = this.#tableOf(to.thread)
    if (actors === undefined) return 0
    return Math.max(0, Atomics.load(actors, to.slot * wire.ACTOR_WORDS + wire.ACTOR_DEPTH))
  }

  /** Ends an actor without waiting for it. */
  sendStop(to: ActorAddress, mode: StopMode): void {
    this.#sendControl(wire.KIND_STOP, to, { argument: STOP_MODES.indexOf(mode) + 1 })
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
    this.#sendControl(kind, to, sender, payload)
  }

  /** Sends an answer, a stream item or a failure back to where the ask came from. */
  answer(kind: number, envelope: Envelope, value: unknown, transfer?: readonly unknown[]): void {
    const { askThread, askSlot, askGeneration } = envelope
    if (askSlot < 0) return
    const { encoder, memory } = this.#parts
    encoder.encode(value, transfer, 'answer')
    if (askThread === memory.id) {
      const owner = this.pending.get(askSlot, askGeneration)?.owner
      this.onAnswer(
        kind,
        askSlot,
        askGeneration,
        this.#parts.cloneFor(owner, () => encoder.clone(value)),
      )
      return
    }
    const link = this.#parts.linkTo(askThread)
    if (link === undefined) return
    const out = this.#out
    out.kind = kind
    out.flags = 0
    out.targetSlot = 0
    out.targetGeneration = 0
    out.askSlot = askSlot
    out.askGeneration = askGeneration
    out.senderSlot = wire.NO_SLOT
    out.argument = 0
    out.deadlineMs = 0
    out.type = ''
    link.writer.writeReliably(out, encoder)
    this.#parts.touch(link)
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
      if (ask.kind === 'end') {
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
    if (this.#waiting.length === 0) return false
    const full = new Set<string>()
    const waiting = this.#waiting.splice(0)
    let hasProgressed = false
    for (const sender of waiting) {
      if (this.pending.get(sender.pending.slot, sender.generation) !== sender.pending) continue
      const key = addressText(sender.to)
      if (full.has(key) || !this.#retry(sender)) {
        full.add(key)
        this.#waiting.push(sender)
      } else {
        hasProgressed = true
      }
    }
    if (this.#waiting.length > 0) this.#setRetry()
    return hasProgressed
  }

  /** Whether a sender waits that began to only just now. */
  hasEagerWaiting(): boolean {
    const first = this.#waiting[0]
    return first !== undefined && this.#parts.clock.nowMs() - first.sinceMs < WAIT_EAGER_MS
  }

  /** Rejects whatever still waits. */
  close(): void {
    this.#isClosed = true
    this.#waiting.length = 0
    for (const ask of this.pending.filter(() => true)) {
      if (ask.kind === 'end') {
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
    const out = this.#prepare(wire.KIND_ASK, to, owner, type, payload, options)
    const pending = this.#openPending('ask', to, owner, type, timeoutMs)
    pending.resolve = resolve
    if (this.#waiting.length > 0 && this.#isWaitingFor(to)) {
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
      outcome = this.#send(to)
    } catch (error) {
      this.pending.close(pending)
      throw error
    }
    if (signal !== undefined) this.#listen(pending, signal)
    owner?.onNestedAsk(pending.slot, pending.generation)
    if (outcome === wire.ADMITTED) return
    // A full ring holds messages for others too: that is no refusal of this mailbox, and an ask can wait.
    if (outcome === REFUSED_RING || (isFull(outcome) && this.#policyOf(to) === wire.POLICY_WAIT)) {
      this.#wait({ to, owner, type, payload, options, pending, isAsk: true })
      return
    }
    this.#fail(pending, () => this.#refusal(outcome, to, type))
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
    if (!isRetry && this.#waiting.length > 0 && this.#isWaitingFor(to)) return REFUSED_RING
    const out = this.#prepare(wire.KIND_TELL, to, owner, type, payload, options)
    out.askSlot = wire.NO_SLOT
    out.askGeneration = 0
    out.deadlineMs = 0
    return this.#send(to)
  }

  /** Fills the record and encodes the payload: throws before anything has happened. */
  #prepare(
    kind: number,
    to: ActorAddress,
    owner: Owner | undefined,
    type: string,
    payload: unknown,
    options: TellOptions | undefined,
  ): wire.OutgoingRecord {
    const { encoder, messageBytesMax } = this.#parts
    encoder.encode(payload, options?.transfer)
    if (encoder.sizeBytes > messageBytesMax) {
      const details = { actor: addressText(to), sizeBytes: encoder.sizeBytes, sizeBytesMax: messageBytesMax }
      throw new ShardloomError('SHL_MESSAGE_TOO_LARGE', details)
    }
    const out = this.#out
    out.kind = kind
    out.flags = 0
    out.targetSlot = to.slot
    out.targetGeneration = to.generation
    if (owner === undefined) {
      out.senderSlot = wire.NO_SLOT
      out.senderGeneration = 0
    } else {
      out.senderSlot = owner.slot
      out.senderGeneration = owner.generation
    }
    out.argument = options === undefined ? 1 : priorityOf(options)
    out.type = type
    out.payload = payload
    return out
  }

  /** Takes a place and sends the prepared record. */
  #send(to: ActorAddress): number {
    const { encoder, memory } = this.#parts
    const out = this.#out
    if (to.thread === memory.id) return this.#sendLocal(out)
    const link = this.#parts.linkTo(to.thread)
    if (link === undefined) return wire.REFUSED_GONE
    const peer = link.peer
    // The link is being made: nothing is known of the mailbox yet, so the sender waits as if it were full.
    if (peer === undefined) return REFUSED_RING
    const { sizeBytes } = encoder
    // Touched before it is written: the word that says "a batch is under way" is set before the first place is taken.
    this.#parts.touch(link)
    const outcome = wire.admit(peer.actors, to.slot, to.generation, sizeBytes)
    if (outcome !== wire.ADMITTED) return outcome
    let isWritten = false
    try {
      isWritten = link.writer.write(out, encoder)
    } finally {
      if (!isWritten) wire.release(peer.actors, to.slot, 1, sizeBytes)
    }
    out.payload = undefined
    return isWritten ? wire.ADMITTED : REFUSED_RING
  }

  #sendLocal(out: wire.OutgoingRecord): number {
    const { encoder, memory } = this.#parts
    const { sizeBytes } = encoder
    const outcome = wire.admit(memory.actors, out.targetSlot, out.targetGeneration, sizeBytes)
    if (outcome !== wire.ADMITTED) return outcome
    const envelope = new Envelope(out.kind, out.type, this.#cloneLocal(out))
    out.payload = undefined
    envelope.sizeBytes = sizeBytes
    envelope.priority = out.argument & 0xff
    envelope.local = out.kind === wire.KIND_STREAM_OPEN ? out.argument >> 8 : undefined
    envelope.senderThread = memory.id
    envelope.senderSlot = out.senderSlot
    envelope.senderGeneration = out.senderGeneration
    envelope.askThread = memory.id
    envelope.askSlot = out.askSlot
    envelope.askGeneration = out.askGeneration
    envelope.deadlineMs = out.deadlineMs
    this.#parts.deliverLocal(out.targetSlot, out.targetGeneration, envelope)
    return wire.ADMITTED
  }

  #cloneLocal(out: wire.OutgoingRecord): unknown {
    const { encoder, cloneFor, ownerOf } = this.#parts
    if (encoder.form !== wire.FORM_VALUE) return encoder.clone(out.payload)
    return cloneFor(ownerOf(out.targetSlot, out.targetGeneration), () => encoder.clone(out.payload))
  }

  #sendControl(
    kind: number,
    to: ActorAddress,
    fields: Partial<
      Pick<wire.OutgoingRecord, 'askSlot' | 'askGeneration' | 'senderSlot' | 'senderGeneration' | 'argument'>
    >,
    payload: unknown = undefined,
  ): void {
    const { encoder, memory } = this.#parts
    encoder.encode(payload, undefined, 'signal')
    const out = this.#out
    out.kind = kind
    out.flags = 0
    out.targetSlot = to.slot
    out.targetGeneration = to.generation
    out.askSlot = fields.askSlot ?? wire.NO_SLOT
    out.askGeneration = fields.askGeneration ?? 0
    out.senderSlot = fields.senderSlot ?? wire.NO_SLOT
    out.senderGeneration = fields.senderGeneration ?? 0
    out.argument = fields.argument ?? 0
    out.deadlineMs = 0
    out.type = ''
    if (to.thread === memory.id) {
      const envelope = new Envelope(kind, '', encoder.clone(payload))
      envelope.places = 0
      envelope.senderThread = memory.id
      envelope.senderSlot = out.senderSlot
      envelope.senderGeneration = out.senderGeneration
      envelope.askThread = memory.id
      envelope.askSlot = out.askSlot
      envelope.askGeneration = out.askGeneration
      envelope.local = out.argument
      this.#parts.deliverLocal(to.slot, to.generation, envelope)
      return
    }
    const link = this.#parts.linkTo(to.thread)
    if (link === undefined) return
    link.writer.writeReliably(out, encoder)
    this.#parts.touch(link)
  }

  #awaitEnd(to: ActorAddress, mode: number): Promise<TerminationReason> {
    if (this.#isClosed) return Promise.resolve({ type: 'closed' })
    const loss = this.#parts.lossOf(to.thread)
    if (loss !== undefined) return Promise.resolve(lossReason(to.thread, loss.cause, loss.error))
    const pending = this.pending.open('end')
    if (pending === undefined) return Promise.reject(this.#askLimit())
    this.#aim(pending, to, 'stop')
    const promise = new Promise<unknown>(captureResolve)
    pending.resolve = capturedResolve
    const identity = { askSlot: pending.slot, askGeneration: pending.generation, argument: mode }
    this.#sendControl(wire.KIND_AWAIT_END, to, identity)
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
    pending.signal = signal
    pending.onAbort = () => {
      const cause = signal.reason
      const details = { actor: pending.name, type: pending.type }
      this.#cancelThenFail(pending, new ShardloomError('SHL_ASK_ABORTED', details, { cause }))
    }
    signal.addEventListener('abort', pending.onAbort, { once: true })
  }

  /** Stands in the queue. The payload is copied as it is now, unless it moves: what moves is the sender's no more. */
  #wait(sender: Omit<WaitingSender, 'sinceMs' | 'generation'>): void {
    const { encoder, clock, requestRun } = this.#parts
    const { generation } = sender.pending
    let { payload } = sender
    if (sender.options?.transfer === undefined) {
      encoder.encode(payload, undefined)
      payload = this.#parts.cloneFor(sender.owner, () => encoder.clone(payload))
    }
    this.#waiting.push({ ...sender, payload, sinceMs: clock.nowMs(), generation })
    this.#setRetry()
    requestRun()
  }

  #retry(sender: WaitingSender): boolean {
    const { to, owner, type, payload, options, pending, isAsk } = sender
    let outcome: number
    try {
      if (isAsk) {
        const out = this.#prepare(wire.KIND_ASK, to, owner, type, payload, options)
        out.askSlot = pending.slot
        out.askGeneration = pending.generation
        out.deadlineMs = pending.deadlineMs
        outcome = this.#send(to)
      } else {
        outcome = this.#sendTell(to, owner, type, payload, options, true)
      }
    } catch (error) {
      this.#fail(pending, () => error)
      return true
    }
    if (isFull(outcome)) return false
    if (outcome !== wire.ADMITTED) {
      this.#fail(pending, () => this.#refusal(outcome, to, type))
    } else if (!isAsk) {
      const { resolve } = pending
      this.pending.close(pending)
      this.#parts.noteSettled()
      resolve(undefined)
    }
    return true
  }

  #isWaitingFor(to: ActorAddress): boolean {
    return this.#waiting.some(
      (sender) =>
        sender.to.thread === to.thread &&
        sender.to.slot === to.slot &&
        sender.to.generation === to.generation,
    )
  }

  #setRetry(): void {
    if (this.#isRetrySet) return
    this.#isRetrySet = true
    this.#parts.clock.after(WAIT_RETRY_MS, () => {
      this.#isRetrySet = false
      this.#parts.requestRun()
    })
  }

  #onDeadline(ask: PendingAsk): void {
    const isOffer = this.#waiting.some((sender) => sender.pending === ask && !sender.isAsk)
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
    this.#sendControl(wire.KIND_CANCEL, to, { askSlot: ask.slot, askGeneration: ask.generation })
  }

  /** Closes and rejects; the error is built where it can see who awaits it. */
  #fail(ask: PendingAsk, build: (askerStack: string) => unknown): void {
    const { resolve, sink, kind } = ask
    this.pending.close(ask)
    this.#parts.noteSettled()
    if (kind === 'stream') sink?.onError(build(''))
    else rejectWithAskerStack(resolve, build as (askerStack: string) => Error)
  }

  #refusal(outcome: number, to: ActorAddress, type: string): ShardloomError {
    const actor = addressText(to)
    if (outcome === REFUSED_RING) {
      const capacityBytes = this.#parts.linkTo(to.thread)?.writer.capacityBytes ?? 0
      return new ShardloomError('SHL_RING_FULL', { thread: to.thread, actor, capacityBytes })
    }
    if (outcome === wire.REFUSED_DROPPED) {
      return new ShardloomError('SHL_MESSAGE_DROPPED', { actor, type, policy: 'drop_newest' })
    }
    const loss = this.#parts.lossOf(to.thread)
    if (loss !== undefined) return threadLostError(to.thread, loss.cause, loss.error)
    if (outcome === wire.REFUSED_GONE) {
      return new ShardloomError('SHL_ACTOR_NOT_FOUND', { actor, reason: 'it has ended, or is ending' })
    }
    const actors = this.#tableOf(to.thread)
    const word = (index: number): number =>
      actors === undefined ? 0 : Atomics.load(actors, to.slot * wire.ACTOR_WORDS + index)
    return new ShardloomError('SHL_MAILBOX_FULL', {
      actor,
      depth: word(wire.ACTOR_DEPTH),
      depthMax: word(wire.ACTOR_DEPTH_MAX),
      bytes: word(wire.ACTOR_BYTES),
      bytesMax: word(wire.ACTOR_BYTES_MAX),
    })
  }

  #abortError(to: ActorAddress, type: string, signal: AbortSignal): ShardloomError {
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

  #policyOf(to: ActorAddress): number {
    const actors = this.#tableOf(to.thread)
    if (actors === undefined) return wire.POLICY_WAIT
    return Atomics.load(actors, to.slot * wire.ACTOR_WORDS + wire.ACTOR_POLICY)
  }

  #tableOf(thread: number): Int32Array<SharedArrayBuffer> | undefined {
    const { memory } = this.#parts
    return thread === memory.id ? memory.actors : this.#parts.linkTo(thread)?.peer?.actors
  }

  #checkOpen(operation: string, owner: Owner | undefined): void {
    if (this.#isClosed || (this.isClosing && owner === undefined))
      throw new ShardloomError('SHL_RUNTIME_CLOSED', { operation })
  }
}

/** The error of an ask whose thread was lost. */
export function threadLostError(
  thread: number,
  cause: ThreadLossCause,
  error: Error | undefined,
): ShardloomError {
  const options = error === undefined ? undefined : { cause: error }
  return new ShardloomError('SHL_THREAD_LOST', { thread, reason: cause }, options)
}

/** The reason of an actor that went with its thread. */
export function lossReason(
  thread: number,
  cause: ThreadLossCause,
  error: Error | undefined,
): TerminationReason {
  return error === undefined
    ? { type: 'thread_lost', thread, cause }
    : { type: 'thread_lost', thread, cause, error }
}

/** The error of an ask whose actor ended first. */
export function actorStoppedError(actor: string, type: string, reason: TerminationReason): ShardloomError {
  const options = reason.type === 'failed' ? { cause: reason.error } : undefined
  return new ShardloomError('SHL_ACTOR_STOPPED', { actor, type, reason: describeReason(reason) }, options)
}

function isFull(outcome: number): boolean {
  return outcome === wire.REFUSED_DEPTH || outcome === wire.REFUSED_BYTES || outcome === REFUSED_RING
}

function deadLetterReason(outcome: number, isClosed: boolean) {
  if (isClosed) return 'closed'
  switch (outcome) {
    case REFUSED_RING:
      return 'ring_full'
    case wire.REFUSED_DEPTH:
    case wire.REFUSED_BYTES:
      return 'mailbox_full'
    case wire.REFUSED_DROPPED:
      return 'dropped'
    default:
      return 'actor_gone'
  }
}

function priorityOf(options: TellOptions): number {
  const range = { min: 0, max: PRIORITY_COUNT - 1, integer: true }
  return options.priority === undefined ? 1 : numberOption('priority', options.priority, 1, range)
}

function addressText(to: ActorAddress): string {
  return `${to.name}@${formatAddress(to.thread, to.slot, to.generation)}`
}
