/**
 * The host: the actors that live on one thread, and the running of their messages.
 *
 * An actor handles one message at a time. A handler that returns at once is done within the pump's batch; one
 * that returns a promise keeps its actor busy, and only it, until the promise settles. Messages that arrive
 * for an idle actor run straight from the ring; others wait in its mailbox, and actors with waiting messages
 * take turns.
 *
 * The end of an actor, whatever its reason, goes through `actor-lifecycle.ts`; this file decides what happens
 * to each message.
 *
 * Writer: this thread writes its actor table (limits, generations) and gives places back.
 * Invariants: (1) every message that holds a place gives it back exactly once; (2) an ask that reached a
 * handler, or an actor that had ended, is answered exactly once; (3) no handler runs inside another one.
 * Tests: test/actor/ask.race.test.ts, test/actor/mailbox.race.test.ts, test/actor/lifecycle.race.test.ts
 */
import { type Clock, ShardloomError, Transferred, toError } from '../base/index.ts'
import * as wire from '../transport/index.ts'
import { isSuspended, MessageTracer, type TraceRecord } from './actor-flags.ts'
import { TimerToken } from './actor-timers.ts'
import { type ActorAddress, formatAddress } from './address.ts'
import * as cells from './cell.ts'
import { CellContext, type ContextHost } from './cell-context.ts'
import type { DeadLetters } from './dead-letters.ts'
import type { ErrorDirective, ErrorInfo } from './define-actor.ts'
import { Dispatcher } from './dispatcher.ts'
import {
  contextOfAsk,
  contextsOf,
  errorKind,
  handlerOf,
  isThenable,
  iteratorOf,
  takeStashed,
  traceRecord,
} from './handling.ts'
import { type Envelope, Mailbox } from './mailbox.ts'
import type { Outbox } from './outbox.ts'
import { actorStoppedError } from './send-outcome.ts'
import { isStreaming } from './served-stream.ts'
import type { Signal } from './signal.ts'
import { StreamServer } from './stream-server.ts'
import type { TerminationReason } from './termination.ts'

/** Messages that one actor handles before the next one has its turn. */
const MESSAGES_PER_TURN = 64
/** Messages handled in one `runLocal`, so that the rings are looked at in between. */
const MESSAGES_PER_RUN = 512

/** What the host is made of. */
export interface HostParts {
  readonly memory: wire.ThreadMemory
  readonly clock: Clock
  readonly deadLetters: DeadLetters
  readonly outbox: Outbox
  readonly contextHost: ContextHost
  requestRun(): void
  noteSettled(): void
  askTable(thread: number): Int32Array<SharedArrayBuffer> | undefined
  /** Ends an actor: implemented by the lifecycle. */
  endCell(cell: cells.ActorCell, reason: TerminationReason): void
  /** A failed actor starts over: implemented by the lifecycle. */
  restartCell(cell: cells.ActorCell, error: Error): void
  onTrace(record: TraceRecord): void
  onActorFailed(cell: cells.ActorCell, error: Error, type: string, directive: ErrorDirective): void
}

/** Runs the messages of the actors on one thread. */
export class ActorHost {
  /** By slot. */
  readonly cells: (cells.ActorCell | undefined)[] = []
  /** Asynchronous handlers that go on. */
  unsettledCount = 0
  readonly #parts: HostParts
  readonly #actors: Int32Array<SharedArrayBuffer>
  #runQueue: cells.ActorCell[] = []
  #runHead = 0
  #touched: cells.ActorCell[] = []
  readonly #streams: StreamServer
  readonly #tracer: MessageTracer
  readonly #dispatcher: Dispatcher

  constructor(parts: HostParts) {
    this.#parts = parts
    this.#actors = parts.memory.actors
    const { outbox } = parts
    this.#streams = new StreamServer({
      outbox,
      noteSettled: () => parts.noteSettled(),
      requestRun: () => parts.requestRun(),
      find: (slot, generation) => this.find(slot, generation),
    })
    this.#tracer = new MessageTracer(parts.memory, (cell, envelope, step) =>
      parts.onTrace(traceRecord(cell, envelope, step, parts.clock.nowMs())),
    )
    this.#dispatcher = new Dispatcher({
      contextHost: parts.contextHost,
      answer: (kind, envelope, value) => parts.outbox.answer(kind, envelope, value),
      answerError: (envelope, error) => this.#answerError(envelope, error),
      serve: (cell, envelope, context, items) => this.#streams.serve(cell, envelope, context, items),
      finish: (cell, envelope) => this.finishEnvelope(cell, envelope),
      noteSettled: () => parts.noteSettled(),
      addDeadLetter: (cell, type) => parts.deadLetters.add(cellText(cell), type, 'actor_gone'),
    })
  }

  /** The living actor with this identity. */
  find(slot: number, generation: number): cells.ActorCell | undefined {
    const cell = this.cells[slot]
    return cell !== undefined && cell.generation === generation ? cell : undefined
  }

  /** A message has arrived, from a ring or from this thread; it holds its place. */
  deliver(slot: number, generation: number, envelope: Envelope, mayRunNow: boolean): void {
    const cell = this.find(slot, generation)
    if (cell === undefined || cell.status >= cells.CELL_ENDING) {
      this.rejectGone(slot, generation, envelope, cell?.name ?? '')
      return
    }
    const isFree = cell.status === cells.CELL_RUNNING && (!cell.isBusy || cell.isReentrant)
    const canRun = isFree && !isSuspended(this.#parts.memory, cell.slot)
    const isFirst = cell.mailbox === undefined || cell.mailbox.length === 0
    if (mayRunNow && canRun && isFirst) {
      this.#run(cell, envelope)
      return
    }
    cell.mailbox ??= new Mailbox()
    cell.mailbox.push(envelope)
    if (cell.isDropOldest) this.#dropOldest(cell)
    if (canRun) this.schedule(cell)
  }

  /** News of an actor's end: urgent, but not before the messages of that actor which wait here. */
  deliverSignal(cell: cells.ActorCell, envelope: Envelope, ended: ActorAddress): void {
    if (cell.status >= cells.CELL_ENDING) return
    envelope.places = 0
    cell.mailbox ??= new Mailbox()
    cell.mailbox.pushSignal(envelope, ended)
    this.schedule(cell)
  }

  /** Runs the actor's waiting messages soon. */
  schedule(cell: cells.ActorCell): void {
    if (cell.isQueued) return
    cell.isQueued = true
    this.#runQueue.push(cell)
    this.#parts.requestRun()
  }

  hasLocal(): boolean {
    return this.#runHead < this.#runQueue.length || this.#streams.hasLater()
  }

  /** Runs waiting messages for a while; true when there were any. */
  runLocal(): boolean {
    this.#streams.runLater()
    if (this.#runHead === this.#runQueue.length) return this.#touched.length > 0
    let left = MESSAGES_PER_RUN
    const end = this.#runQueue.length
    while (this.#runHead < end && left > 0) {
      const cell = this.#runQueue[this.#runHead++]!
      cell.isQueued = false
      left -= this.#runCell(cell)
    }
    if (this.#runHead === this.#runQueue.length) {
      this.#runQueue = []
      this.#runHead = 0
    } else if (this.#runHead > 1024) {
      this.#runQueue = this.#runQueue.slice(this.#runHead)
      this.#runHead = 0
    }
    return true
  }

  /** Gives back the places of the messages handled since the last batch. */
  releasePlaces(): void {
    if (this.#touched.length === 0) return
    const touched = this.#touched
    this.#touched = []
    for (const cell of touched) {
      cell.isTouched = false
      this.releaseCell(cell)
      if (cell.stopMode === cells.STOP_DRAIN) this.checkStop(cell)
    }
  }

  /** Gives back what one actor's messages held. */
  releaseCell(cell: cells.ActorCell): void {
    if (cell.releaseCount === 0 && cell.releaseBytes === 0) return
    wire.release(this.#actors, cell.slot, cell.releaseCount, cell.releaseBytes)
    cell.releaseCount = 0
    cell.releaseBytes = 0
  }

  /**
   * Gives back the places that a thread took for messages it died before sending. Only what can be nothing
   * else is given back: the figures are read first, then `isQuiet` says that no message was under way since.
   * False when some actor could not be judged now.
   */
  auditPlaces(isQuiet: () => boolean): boolean {
    this.releasePlaces()
    const leaks: { cell: cells.ActorCell; depth: number; bytes: number }[] = []
    let isComplete = true
    for (const cell of this.cells) {
      if (cell === undefined) continue
      const base = cell.slot * wire.ACTOR_WORDS
      const depth = Atomics.load(this.#actors, base + wire.ACTOR_DEPTH)
      const bytes = Atomics.load(this.#actors, base + wire.ACTOR_BYTES)
      if (depth === 0 && bytes === 0) continue
      const isIdle = !cell.isBusy && (cell.mailbox?.length ?? 0) === 0 && (cell.stash?.length ?? 0) === 0
      if (isIdle) leaks.push({ cell, depth, bytes })
      else isComplete = false
    }
    if (leaks.length === 0) return isComplete
    if (!isQuiet()) return false
    for (const { cell, depth, bytes } of leaks) wire.release(this.#actors, cell.slot, depth, bytes)
    return isComplete
  }

  /** Nobody waits for this ask any more: what still waits never runs, what runs is told. */
  cancelAsk(slot: number, generation: number, thread: number, askSlot: number, askGeneration: number): void {
    if (this.#streams.cancel(thread, askSlot, askGeneration)) return
    if (this.#dispatcher.cancel(thread, askSlot, askGeneration)) return
    const cell = this.find(slot, generation)
    if (cell === undefined) return
    const context = contextOfAsk(cell, thread, askSlot, askGeneration)
    if (context !== undefined) {
      context.abort()
      return
    }
    const queued = cell.mailbox?.removeAsk(thread, askSlot, askGeneration)
    const envelope = queued ?? takeStashed(cell, thread, askSlot, askGeneration)
    if (envelope !== undefined) this.finishEnvelope(cell, envelope)
  }

  /** The consumer of a stream grants more items. */
  pullStream(thread: number, askSlot: number, askGeneration: number, count: number): void {
    this.#streams.pull(thread, askSlot, askGeneration, count)
  }

  /** Ends everything that was being done for a thread that is no more. */
  onThreadLost(thread: number): void {
    this.#streams.onThreadLost(thread)
    this.#dispatcher.onThreadLost(thread)
    for (const cell of this.cells) {
      for (const context of contextsOf(cell)) {
        if (context.envelope?.askThread === thread) context.abort()
      }
    }
  }

  /** Puts the message being handled aside. */
  stash(cell: cells.ActorCell, envelope: Envelope): void {
    if (cell.isReentrant) throw new ShardloomError('SHL_STASH_REENTRANT', { actor: cell.name })
    cell.stash ??= []
    const stashMax = cell.definition.stashMax ?? 1024
    if (cell.stash.length >= stashMax)
      throw new ShardloomError('SHL_STASH_FULL', { actor: cell.name, stashMax })
    envelope.isStashed = true
    cell.stash.push(envelope)
  }

  unstashAll(cell: cells.ActorCell): void {
    const { stash } = cell
    if (stash === undefined || stash.length === 0) return
    cell.stash = undefined
    cell.mailbox ??= new Mailbox()
    for (let i = stash.length - 1; i >= 0; i--) {
      stash[i]!.isStashed = false
      cell.mailbox.pushFront(stash[i]!)
    }
    this.schedule(cell)
  }

  /** A message is over: its place is given back with the next batch. */
  finishEnvelope(cell: cells.ActorCell, envelope: Envelope): void {
    if (envelope.places === 0) return
    cell.releaseCount += envelope.places
    cell.releaseBytes += envelope.sizeBytes
    envelope.places = 0
    if (cell.isTouched) return
    cell.isTouched = true
    this.#touched.push(cell)
    this.#parts.requestRun()
  }

  /** A message that nobody will handle: its asker hears why, a tell becomes a dead letter. */
  discard(cell: cells.ActorCell, envelope: Envelope, reason: TerminationReason): void {
    this.finishEnvelope(cell, envelope)
    if (this.#tracer.isActive) this.#tracer.end(cell, envelope, this.#parts.clock.nowMs(), undefined)
    if (envelope.askSlot >= 0)
      this.#answerError(envelope, actorStoppedError(cell.name, envelope.type, reason))
    else if (envelope.kind === wire.KIND_TELL && envelope.local === undefined) {
      this.#parts.deadLetters.add(cellText(cell), envelope.type, 'discarded')
    }
  }

  /** A message for an actor that has ended. */
  rejectGone(slot: number, generation: number, envelope: Envelope, name: string): void {
    if (envelope.places > 0) wire.release(this.#actors, slot, envelope.places, envelope.sizeBytes)
    const actor = `${name}@${formatAddress(this.#parts.memory.id, slot, generation)}`
    if (envelope.askSlot >= 0) {
      this.#answerError(
        envelope,
        new ShardloomError('SHL_ACTOR_NOT_FOUND', { actor, reason: 'it has ended' }),
      )
    } else if (envelope.kind === wire.KIND_TELL) {
      this.#parts.deadLetters.add(actor, envelope.type, 'actor_gone')
    }
  }

  /** Ends the actor now if it was asked to and nothing holds it any more. */
  checkStop(cell: cells.ActorCell): boolean {
    if (cell.stopMode === cells.STOP_NONE || cell.isBusy || cell.status >= cells.CELL_ENDING) return false
    if (cell.stopMode === cells.STOP_DRAIN) {
      if (cell.mailbox !== undefined && cell.mailbox.length > 0) return false
      // Places that are not given back yet are messages still on their way.
      const depth = Atomics.load(this.#actors, cell.slot * wire.ACTOR_WORDS + wire.ACTOR_DEPTH)
      if (depth - cell.releaseCount > (cell.stash?.length ?? 0)) return false
    }
    this.#parts.endCell(cell, cell.stopReason ?? { type: 'stopped' })
    return true
  }

  /** Ends what a reentrant actor still handles; whoever waits hears why. */
  discardInFlight(cell: cells.ActorCell, reason: TerminationReason): void {
    const { inFlight } = cell
    if (inFlight === undefined) return
    cell.inFlight = undefined
    cell.isBusy = false
    for (const [envelope, context] of inFlight) {
      context.abort()
      if (!envelope.isStashed) this.discard(cell, envelope, reason)
    }
  }

  /** Ends the streams that an actor serves and the asks that it handed on; whoever waits hears why. */
  closeServed(cell: cells.ActorCell, reason: TerminationReason): void {
    for (const envelope of this.#dispatcher.takeOf(cell)) this.discard(cell, envelope, reason)
    for (const envelope of this.#streams.takeOf(cell)) {
      this.#answerError(envelope, actorStoppedError(cell.name, envelope.type, reason))
    }
  }

  #runCell(cell: cells.ActorCell): number {
    let count = 0
    while (count < MESSAGES_PER_TURN) {
      if (cell.status !== cells.CELL_RUNNING) return count
      if (cell.isBusy && !cell.isReentrant) return count
      if (this.checkStop(cell)) return count
      if (isSuspended(this.#parts.memory, cell.slot)) return count
      const envelope = cell.mailbox?.shift()
      if (envelope === undefined) return count
      count++
      this.#run(cell, envelope)
    }
    if (cell.mailbox !== undefined && cell.mailbox.length > 0) this.schedule(cell)
    return count
  }

  #run(cell: cells.ActorCell, envelope: Envelope): void {
    // Cancelled while it waited: it never runs, whether or not the cancel record has arrived yet.
    if (envelope.askSlot >= 0 && this.#isMarked(envelope)) {
      this.finishEnvelope(cell, envelope)
      this.checkStop(cell)
      return
    }
    if (envelope.local instanceof TimerToken && cell.timers?.taken(envelope.local) !== true) return
    if (cell.dispatch !== undefined) return this.#dispatcher.handOn(cell, envelope, cell.dispatch)
    const control = this.#parts.memory.control
    control[wire.CONTROL_CURRENT_SLOT] = cell.slot + 1
    const context = this.#begin(cell, envelope)
    let result: unknown
    try {
      result = this.#handle(cell, envelope, context)
    } catch (error) {
      control[wire.CONTROL_CURRENT_SLOT] = 0
      this.#fail(cell, envelope, toError(error))
      return
    }
    control[wire.CONTROL_CURRENT_SLOT] = 0
    if (isThenable(result)) this.#await(cell, envelope, result)
    else this.#succeed(cell, envelope, result)
  }

  #begin(cell: cells.ActorCell, envelope: Envelope): CellContext {
    cell.isBusy = true
    cell.timing?.begin(envelope.type)
    if (this.#actors[cell.slot * wire.ACTOR_WORDS + wire.ACTOR_FLAGS] !== 0) {
      this.#tracer.begin(cell, envelope, this.#parts.clock.nowMs())
    }
    if (!cell.isReentrant) {
      cell.context ??= new CellContext(cell, this.#parts.contextHost)
      cell.context.begin(envelope)
      return cell.context
    }
    const context = new CellContext(cell, this.#parts.contextHost)
    context.begin(envelope)
    cell.inFlight ??= new Map()
    cell.inFlight.set(envelope, context)
    return context
  }

  /** The message is no longer being handled, whatever came of it. */
  #end(cell: cells.ActorCell, envelope: Envelope, error?: Error): void {
    cell.timing?.end()
    if (this.#tracer.isActive) this.#tracer.end(cell, envelope, this.#parts.clock.nowMs(), error)
    if (cell.isReentrant) {
      cell.inFlight?.delete(envelope)
      cell.isBusy = cell.inFlight !== undefined && cell.inFlight.size > 0
      return
    }
    cell.isBusy = false
    if (cell.context !== undefined) cell.context.envelope = undefined
  }

  #handle(cell: cells.ActorCell, envelope: Envelope, context: CellContext): unknown {
    const { definition } = cell
    if (envelope.kind === wire.KIND_TERMINATED) {
      return definition.onSignal?.(cell.state, envelope.payload as Signal, context)
    }
    const handler = handlerOf(definition, envelope.type)
    if (handler === undefined) {
      const handlers = Object.keys(definition.receive as object).join(', ')
      throw new ShardloomError('SHL_MESSAGE_UNKNOWN', {
        actor: cellText(cell),
        type: envelope.type,
        handlers,
      })
    }
    if (envelope.kind !== wire.KIND_STREAM_OPEN) {
      if (!isStreaming(handler)) return handler(cell.state, envelope.payload, context)
      throw new ShardloomError('SHL_HANDLER_FAILED', {
        actor: cellText(cell),
        type: `${envelope.type} (it streams: use stream() instead of ask() or tell())`,
      })
    }
    // A stream outlives the message that opens it, so it has a context of its own.
    const streamContext = new CellContext(cell, this.#parts.contextHost)
    streamContext.begin(envelope)
    const iterable = handler(cell.state, envelope.payload, streamContext)
    const iterator = iteratorOf(iterable)
    if (iterator === undefined) {
      throw new ShardloomError('SHL_NOT_A_STREAM', { actor: cellText(cell), type: envelope.type })
    }
    this.#streams.serve(cell, envelope, streamContext, iterator)
    return undefined
  }

  #await(cell: cells.ActorCell, envelope: Envelope, result: PromiseLike<unknown>): void {
    const { epoch } = cell
    this.#parts.noteSettled()
    // Others go on meanwhile: only what blocks the thread is timed.
    if (cell.isReentrant) cell.timing?.end()
    this.unsettledCount++
    result.then(
      (value) => {
        this.unsettledCount--
        if (cell.epoch === epoch) this.#succeed(cell, envelope, value)
      },
      (error: unknown) => {
        this.unsettledCount--
        if (cell.epoch === epoch) this.#fail(cell, envelope, toError(error))
      },
    )
  }

  #succeed(cell: cells.ActorCell, envelope: Envelope, result: unknown): void {
    if (envelope.kind === wire.KIND_ASK && !envelope.isStashed) {
      try {
        if (result instanceof Transferred) {
          this.#parts.outbox.answer(wire.KIND_REPLY, envelope, result.value, result.list)
        } else {
          this.#parts.outbox.answer(wire.KIND_REPLY, envelope, result)
        }
      } catch (error) {
        // The answer cannot cross: that is the handler's error.
        this.#fail(cell, envelope, toError(error))
        return
      }
    }
    this.#complete(cell, envelope)
  }

  #complete(cell: cells.ActorCell, envelope: Envelope, error?: Error): void {
    if (!envelope.isStashed) this.finishEnvelope(cell, envelope)
    this.#end(cell, envelope, error)
    if (cell.stopMode !== cells.STOP_NONE && this.checkStop(cell)) return
    if (cell.mailbox !== undefined && cell.mailbox.length > 0) this.schedule(cell)
  }

  #fail(cell: cells.ActorCell, envelope: Envelope, error: Error): void {
    if (envelope.askSlot >= 0 && !envelope.isStashed) this.#answerError(envelope, error)
    const kind = errorKind(envelope.kind)
    const directive = this.#directive(cell, error, { type: envelope.type, kind })
    if (directive !== 'resume' || kind === 'tell' || kind === 'signal') {
      this.#parts.onActorFailed(cell, error, envelope.type, directive)
    }
    if (directive === 'resume') {
      this.#complete(cell, envelope, error)
      return
    }
    this.finishEnvelope(cell, envelope)
    this.#end(cell, envelope, error)
    if (directive === 'restart') this.#parts.restartCell(cell, error)
    else this.#parts.endCell(cell, { type: 'failed', error })
  }

  #directive(cell: cells.ActorCell, error: Error, info: ErrorInfo): ErrorDirective {
    const { onError } = cell.definition
    if (onError !== undefined) {
      try {
        const directive = onError(error, info)
        if (directive === 'resume' || directive === 'restart' || directive === 'stop') return directive
      } catch {
        // A decider that fails cannot decide: the actor stops.
        return 'stop'
      }
    }
    // Somebody waits for an ask and hears of the error; an error that nobody hears of must not pass.
    return info.kind === 'ask' || info.kind === 'stream' ? 'resume' : 'stop'
  }

  #answerError(envelope: Envelope, error: Error): void {
    this.#parts.outbox.answer(wire.KIND_REPLY_ERROR, envelope, error)
  }

  #dropOldest(cell: cells.ActorCell): void {
    const base = cell.slot * wire.ACTOR_WORDS
    for (;;) {
      const depth = Atomics.load(this.#actors, base + wire.ACTOR_DEPTH) - cell.releaseCount
      const bytes = Atomics.load(this.#actors, base + wire.ACTOR_BYTES) - cell.releaseBytes
      if (depth <= cell.depthMax && (bytes <= cell.bytesMax || cell.mailbox!.length <= 1)) return
      const dropped = cell.mailbox!.dropOldest()
      if (dropped === undefined) return
      this.finishEnvelope(cell, dropped)
      this.#parts.deadLetters.add(cellText(cell), dropped.type, 'dropped')
      if (dropped.askSlot < 0) continue
      const details = { actor: cellText(cell), type: dropped.type, policy: 'drop_oldest' }
      this.#answerError(dropped, new ShardloomError('SHL_MESSAGE_DROPPED', details))
    }
  }

  #isMarked(envelope: Envelope): boolean {
    const asks = this.#parts.askTable(envelope.askThread)
    return asks !== undefined && isMarked(asks, envelope)
  }
}

/** Whether the asker has marked this ask, or a later one in its slot, as given up. */
export function isMarked(asks: Int32Array<SharedArrayBuffer>, envelope: Envelope): boolean {
  const mark = Atomics.load(asks, envelope.askSlot)
  return mark !== 0 && ((mark - envelope.askGeneration) | 0) >= 0
}

/** `name@thread/slot:generation` */
export function cellText(cell: ActorAddress): string {
  return `${cell.name}@${formatAddress(cell.thread, cell.slot, cell.generation)}`
}
