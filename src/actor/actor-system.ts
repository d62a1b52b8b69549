/**
 * The actor system of one thread: outbox, host and lifecycle, joined to the pump and the links.
 *
 * Everything that arrives passes `onRecord`, once, and goes to the half it is for: answers to the outbox,
 * messages to the host, news of ends to the lifecycle. This file owns no policy; it is the wiring.
 *
 * Tests: test/actor/ask.race.test.ts, test/runtime/thread-loss.race.test.ts
 */
import { type Clock, type ErrorDetails, ShardloomError, toError } from '../base/index.ts'
import { type CodecExtension, ValueCodec } from '../codec/index.ts'
import type { IdleStrategy, Metrics } from '../memory/index.ts'
import * as wire from '../transport/index.ts'
import type { TraceRecord } from './actor-flags.ts'
import { ActorHost, cellText, isMarked } from './actor-host.ts'
import { ActorLifecycle } from './actor-lifecycle.ts'
import { KeyedTimers } from './actor-timers.ts'
import { type ActorAddress, addressKey, FIRST_GENERATION, plainAddress } from './address.ts'
import * as cells from './cell.ts'
import { CellContext, type ContextHost } from './cell-context.ts'
import type { ActorTimers } from './context.ts'
import { type DeadLetter, DeadLetters } from './dead-letters.ts'
import { Envelope } from './mailbox.ts'
import type { MailboxOptions } from './mailbox-options.ts'
import type { Owner } from './messenger.ts'
import { Outbox } from './outbox.ts'
import { ActorRef } from './ref.ts'
import type { Registry } from './registry-api.ts'
import { RegistryClient } from './registry-client.ts'
import { lossReason } from './send-outcome.ts'
import type { TerminationReason, ThreadLossCause } from './termination.ts'

/** The extension number of refs in encoded values. */
const REF_EXTENSION = 0x40
/** The registry is the second actor of the main thread. */
const REGISTRY_SLOT = 1

/** After the loss of a thread: how often, and how long, its places are looked for. */
const AUDIT_MS = 20
const AUDIT_TRIES = 100

/** What happens on a thread and is worth telling. */
export type SystemEvent =
  | { readonly type: 'dead_letter'; readonly letter: DeadLetter }
  | { readonly type: 'actor_failed'; readonly actor: string; readonly message: string; readonly error: Error }
  | { readonly type: 'trace'; readonly record: TraceRecord }
  | { readonly type: 'hook_failed'; readonly actor: string; readonly hook: string; readonly error: Error }

/** Limits and timeouts that the system obeys. */
export interface SystemSettings {
  readonly askMs: number
  readonly initMs: number
  readonly stopMs: number
  readonly actorsMax: number
  readonly messageBytesMax: number
  readonly mailbox: Required<MailboxOptions>
}

/** What a system is made of; the runtime provides it. */
export interface SystemParts {
  readonly memory: wire.ThreadMemory
  readonly runtimeWords: Int32Array<SharedArrayBuffer>
  readonly clock: Clock
  readonly scheduler: wire.Scheduler
  readonly channels: wire.Channels
  readonly idle: IdleStrategy
  readonly cores: number
  readonly settings: SystemSettings
  readonly metrics: Metrics
  /** Whether this is the thread that the program started on. */
  readonly isMain: boolean
  /** The ends of a link that was made for this thread and not taken yet. */
  takeLink(thread: number): wire.LinkEnds | undefined
  spawnChild(owner: Owner, target: unknown, options: object | undefined): Promise<ActorRef>
  onBusy(): void
  onIdle(): void
  onEvent(event: SystemEvent): void
  onActorEnded(address: ActorAddress, reason: TerminationReason): void
  onStopOverdue(to: ActorAddress): void
}

/** One thread's actors, and their way to all others. */
export class ActorSystem implements wire.PumpClient, ContextHost {
  readonly memory: wire.ThreadMemory
  readonly metrics: Metrics
  readonly outbox: Outbox
  readonly host: ActorHost
  readonly lifecycle: ActorLifecycle
  readonly deadLetters: DeadLetters
  readonly pump: wire.ThreadPump
  readonly services = new Map<string, unknown>()
  readonly atTurnEnd = (task: () => void): void => this.pump.atTurnEnd(task)
  readonly #parts: SystemParts
  readonly #codec: ValueCodec
  readonly #links = new Map<number, wire.ThreadLink>()
  /** The link that was used last: most messages go where the last one went. */
  #lastLink: wire.ThreadLink | undefined
  readonly #lost = new Map<number, { cause: ThreadLossCause; error: Error | undefined }>()
  #decodeOwner: Owner | undefined
  #isClosed = false

  constructor(parts: SystemParts) {
    this.#parts = parts
    const { memory, clock, metrics, settings } = parts
    this.memory = memory
    this.metrics = metrics
    this.#codec = new ValueCodec({ extensions: [this.#refExtension()] })
    this.deadLetters = new DeadLetters(metrics, clock, (letter) =>
      parts.onEvent({ type: 'dead_letter', letter }),
    )
    this.pump = new wire.ThreadPump({ ...parts, spinsUnasked: !parts.isMain }, this)
    const noteSettled = (): void => {
      this.pump.needsMicrotasks = true
    }
    const requestRun = (): void => this.pump.requestRun()
    this.outbox = new Outbox({
      memory,
      clock,
      scheduler: parts.scheduler,
      encoder: new wire.PayloadEncoder(this.#codec),
      deadLetters: this.deadLetters,
      askTimeoutMs: settings.askMs,
      stopTimeoutMs: settings.stopMs,
      messageBytesMax: settings.messageBytesMax,
      linkTo: (thread) => this.#linkTo(thread),
      lossOf: (thread) => this.#lost.get(thread),
      touch: (link) => this.pump.touch(link),
      requestRun,
      cloneFor: (owner, clone) => this.#cloneFor(owner, clone),
      ownerOf: (slot, generation) => this.#ownerOf(slot, generation),
      deliverLocal: (slot, generation, envelope) => this.#deliverLocal(slot, generation, envelope),
      noteSettled,
      onBusy: () => parts.onBusy(),
      onIdle: () => parts.onIdle(),
      onStopOverdue: (to) => parts.onStopOverdue(to),
    })
    this.host = new ActorHost({
      memory,
      clock,
      deadLetters: this.deadLetters,
      outbox: this.outbox,
      contextHost: this,
      requestRun,
      noteSettled,
      askTable: (thread) => this.#askTable(thread),
      endCell: (cell, reason) => this.lifecycle.end(cell, reason),
      restartCell: (cell, error) => this.lifecycle.restart(cell, error),
      onTrace: (record) => parts.onEvent({ type: 'trace', record }),
      onActorFailed: (cell, error, message) =>
        parts.onEvent({ type: 'actor_failed', actor: cellText(cell), message, error }),
    })
    this.lifecycle = new ActorLifecycle({
      memory,
      clock,
      outbox: this.outbox,
      host: this.host,
      contextHost: this,
      actorsMax: settings.actorsMax,
      mailboxDefaults: settings.mailbox,
      initTimeoutMs: settings.initMs,
      stopTimeoutMs: settings.stopMs,
      noteSettled,
      requestRun,
      onActorEnded: (address, reason) => parts.onActorEnded(address, reason),
      onHookFailed: (address, hook, error) =>
        parts.onEvent({ type: 'hook_failed', actor: cellText(address), hook, error }),
    })
  }

  /** Connects this thread to another one. */
  connect(thread: number, ends: wire.LinkEnds): wire.ThreadLink {
    const link = new wire.ThreadLink(thread, this.#parts.channels)
    this.#links.set(thread, link)
    link.connect(ends, this.#codec, this.pump.onBell)
    this.pump.addLink(link)
    return link
  }

  /** A thread is no more: reads its last words, then settles everything that was expected from it. */
  onThreadLost(thread: number, cause: ThreadLossCause, error: Error | undefined): void {
    if (this.#lost.has(thread)) return
    const link = this.#links.get(thread) ?? this.#linkTo(thread)
    this.#lost.set(thread, { cause, error })
    if (link !== undefined) {
      this.pump.removeLink(link)
      link.close()
      this.#links.delete(thread)
      this.#lastLink = undefined
    }
    this.outbox.onThreadLost(thread, cause, error)
    this.host.onThreadLost(thread)
    this.lifecycle.onThreadLost(thread, lossReason(thread, cause, error))
    this.pump.requestRun()
    this.#auditSoon(AUDIT_TRIES)
  }

  /** Ends the pump and rejects what still waits. */
  close(): void {
    this.#isClosed = true
    this.outbox.close()
    this.pump.close()
    for (const link of this.#links.values()) link.close()
    this.#links.clear()
    this.#lastLink = undefined
  }

  /**
   * A lost thread may have died with places taken and nothing sent: they are given back once all is quiet.
   */
  #auditSoon(tries: number): void {
    const audit = (): void => {
      if (this.#isClosed || this.host.auditPlaces(() => this.#isQuiet()) || tries === 1) return
      this.#auditSoon(tries - 1)
    }
    this.#parts.clock.after(AUDIT_MS, audit, { unref: true })
  }

  /** Whether no message for this thread is written or being written anywhere. */
  #isQuiet(): boolean {
    for (const link of this.#links.values()) {
      const { peer, reader } = link
      if (peer !== undefined && Atomics.load(peer.control, wire.CONTROL_SENDING) !== 0) return false
      if (reader !== undefined && !reader.isEmpty()) return false
    }
    return true
  }

  onRecord(reader: wire.LinkReader): void {
    switch (reader.kind) {
      case wire.KIND_TELL:
      case wire.KIND_ASK:
      case wire.KIND_STREAM_OPEN:
        return this.#onMessage(reader)
      case wire.KIND_REPLY:
      case wire.KIND_REPLY_ERROR:
      case wire.KIND_STREAM_ITEM:
      case wire.KIND_STREAM_END:
        return this.#onAnswer(reader)
      default:
        return this.#onControl(
          reader.kind,
          reader.threadId,
          reader.targetSlot,
          reader.targetGeneration,
          reader.senderSlot,
          reader.senderGeneration,
          reader.askSlot,
          reader.askGeneration,
          reader.argument,
          reader.kind === wire.KIND_TERMINATED ? reader.payload() : undefined,
        )
    }
  }

  runLocal(): boolean {
    const hasRun = this.host.runLocal()
    const hasSent = this.outbox.retryWaiting()
    return hasRun || hasSent
  }

  hasLocal(): boolean {
    return this.host.hasLocal() || this.outbox.hasEagerWaiting()
  }

  afterBatch(): void {
    this.host.releasePlaces()
  }

  unsettledCount(): number {
    return this.host.unsettledCount
  }

  expectedCount(): number {
    return this.outbox.pending.count
  }

  get clock(): Clock {
    return this.#parts.clock
  }

  get channels(): wire.Channels {
    return this.#parts.channels
  }

  // --- what contexts ask for
  nowMs(): number {
    return this.#parts.clock.nowMs()
  }

  refFor(address: ActorAddress, owner: Owner | undefined): ActorRef {
    return new ActorRef(this.outbox, owner, address)
  }

  publish(): void {
    this.pump.flush()
  }

  isCancelled(envelope: Envelope): boolean {
    if (Atomics.load(this.memory.control, wire.CONTROL_STATE) !== wire.STATE_RUNNING) return true
    if (envelope.askSlot < 0) return false
    const asks = this.#askTable(envelope.askThread)
    return asks === undefined || isMarked(asks, envelope)
  }

  lifeOf({ slot, generation }: ActorAddress): () => boolean {
    const cell = this.host.find(slot, generation)
    const epoch = cell?.epoch
    // An end, as well as a restart, makes it another one.
    return () => cell !== undefined && cell.epoch === epoch && this.host.find(slot, generation) === cell
  }

  cancelNested(slot: number, generation: number): void {
    this.outbox.cancelNested(slot, generation)
  }

  timersOf(address: ActorAddress): ActorTimers {
    const cell = this.#cellOf(address)
    cell.timers ??= new KeyedTimers(this.#parts.clock, (type, payload, token) => {
      const envelope = new Envelope(wire.KIND_TELL, type, payload)
      envelope.places = 0
      envelope.local = token
      this.host.deliver(cell.slot, cell.generation, envelope, false)
    })
    return cell.timers
  }

  registryFor(owner: Owner | undefined): Registry {
    const address = { thread: 0, slot: REGISTRY_SLOT, generation: FIRST_GENERATION, name: 'registry' }
    return new RegistryClient(this.outbox, owner, address)
  }

  async spawnChild(owner: Owner, target: unknown, options: object | undefined): Promise<ActorRef> {
    const child = await this.#parts.spawnChild(owner, target, options)
    const cell = this.host.find(owner.slot, owner.generation)
    if (cell === undefined || cell.status >= cells.CELL_ENDING) {
      // The parent ended while the child started: nobody is left to end it.
      this.outbox.sendStop(child, 'stop')
      throw new ShardloomError('SHL_ACTOR_NOT_FOUND', {
        actor: owner.name,
        reason: 'it ended while it spawned',
      })
    }
    cell.children ??= new Map()
    cell.children.set(addressKey(child), plainAddress(child))
    this.outbox.sendSignal(wire.KIND_WATCH, child, cell, cells.TELL_PARENT)
    return child
  }

  watch(watcher: ActorAddress, target: ActorAddress): void {
    const cell = this.#cellOf(watcher)
    const key = addressKey(target)
    cell.watching ??= new Map()
    if (cell.watching.has(key)) return
    cell.watching.set(key, plainAddress(target))
    this.#watchOver(cell, target, wire.KIND_WATCH, cells.TELL_WATCHER)
  }

  unwatch(watcher: ActorAddress, target: ActorAddress): void {
    const cell = this.#cellOf(watcher)
    if (cell.watching?.delete(addressKey(target)) !== true) return
    this.outbox.sendSignal(wire.KIND_UNWATCH, target, cell, cells.TELL_WATCHER)
  }

  link(watcher: ActorAddress, target: ActorAddress): void {
    const cell = this.#cellOf(watcher)
    const key = addressKey(target)
    cell.linked ??= new Map()
    if (cell.linked.has(key)) return
    cell.linked.set(key, plainAddress(target))
    this.#watchOver(cell, target, wire.KIND_LINK, cells.TELL_LINKED)
  }

  unlink(watcher: ActorAddress, target: ActorAddress): void {
    const cell = this.#cellOf(watcher)
    if (cell.linked?.delete(addressKey(target)) !== true) return
    cell.watchers = cell.watchers?.filter(
      (one) => one.kind !== cells.TELL_LINKED || addressKey(one) !== addressKey(target),
    )
    this.outbox.sendSignal(wire.KIND_UNLINK, target, cell, cells.TELL_LINKED)
  }

  stash(address: ActorAddress, envelope: Envelope): void {
    this.host.stash(this.#cellOf(address), envelope)
  }

  unstashAll(address: ActorAddress): void {
    this.host.unstashAll(this.#cellOf(address))
  }

  stopSelf(address: ActorAddress, error: Error | undefined): void {
    const cell = this.#cellOf(address)
    const reason: TerminationReason = error === undefined ? { type: 'stopped' } : { type: 'failed', error }
    this.lifecycle.requestStop(cell, cells.STOP_STOP, reason)
  }

  #onMessage(reader: wire.LinkReader): void {
    const cell = this.host.find(reader.targetSlot, reader.targetGeneration)
    let payload: unknown
    let damage: Error | undefined
    if (cell !== undefined) {
      cell.context ??= new CellContext(cell, this)
      this.#decodeOwner = cell.context
      try {
        payload = reader.payload()
      } catch (error) {
        damage = toError(error)
      }
      this.#decodeOwner = undefined
    }
    const envelope = new Envelope(reader.kind, reader.type, payload)
    const { argument } = reader
    envelope.sizeBytes = reader.sizeBytes
    envelope.priority = argument & 0xff
    envelope.senderThread = reader.threadId
    envelope.senderSlot = reader.senderSlot
    envelope.senderGeneration = reader.senderGeneration
    envelope.askThread = reader.threadId
    envelope.askSlot = reader.askSlot
    envelope.askGeneration = reader.askGeneration
    envelope.deadlineMs = reader.deadlineMs
    if (reader.kind === wire.KIND_STREAM_OPEN) envelope.local = argument >> 8
    if (damage !== undefined && cell !== undefined) {
      this.host.finishEnvelope(cell, envelope)
      if (envelope.askSlot >= 0) this.outbox.answer(wire.KIND_REPLY_ERROR, envelope, damage)
      else this.deadLetters.add(cellText(cell), envelope.type, 'discarded')
      return
    }
    this.host.deliver(reader.targetSlot, reader.targetGeneration, envelope, true)
  }

  #onAnswer(reader: wire.LinkReader): void {
    const { kind, askSlot, askGeneration } = reader
    // Late answers are not even decoded.
    const ask = this.outbox.pending.get(askSlot, askGeneration)
    if (ask === undefined) return
    let payload: unknown
    let outcome = kind
    this.#decodeOwner = ask.owner
    try {
      payload = reader.payload()
    } catch (error) {
      payload = error
      outcome = wire.KIND_REPLY_ERROR
    }
    this.#decodeOwner = undefined
    this.outbox.onAnswer(outcome, askSlot, askGeneration, payload)
  }

  #deliverLocal(slot: number, generation: number, envelope: Envelope): void {
    if (
      envelope.kind === wire.KIND_TELL ||
      envelope.kind === wire.KIND_ASK ||
      envelope.kind === wire.KIND_STREAM_OPEN
    ) {
      this.host.deliver(slot, generation, envelope, false)
      return
    }
    const { kind, senderSlot, senderGeneration, askSlot, askGeneration, payload } = envelope
    this.#onControl(
      kind,
      this.memory.id,
      slot,
      generation,
      senderSlot,
      senderGeneration,
      askSlot,
      askGeneration,
      envelope.local as number,
      payload,
    )
  }

  #onControl(
    kind: number,
    thread: number,
    slot: number,
    generation: number,
    senderSlot: number,
    senderGeneration: number,
    askSlot: number,
    askGeneration: number,
    argument: number,
    payload: unknown,
  ): void {
    const from = { thread, slot: senderSlot, generation: senderGeneration, name: '' }
    switch (kind) {
      case wire.KIND_CANCEL:
        return this.host.cancelAsk(slot, generation, thread, askSlot, askGeneration)
      case wire.KIND_STREAM_PULL:
        return this.host.pullStream(thread, askSlot, askGeneration, argument)
      case wire.KIND_WATCH:
      case wire.KIND_LINK:
        return this.lifecycle.addWatcher(slot, generation, { ...from, kind: argument })
      case wire.KIND_UNWATCH:
      case wire.KIND_UNLINK:
        return this.lifecycle.removeWatcher(slot, generation, from, argument)
      case wire.KIND_TERMINATED: {
        const cell = this.host.find(slot, generation)
        if (cell !== undefined)
          this.lifecycle.onTerminated(cell, from, argument, payload as TerminationReason)
        return
      }
      case wire.KIND_STOP: {
        const cell = this.host.find(slot, generation)
        if (cell !== undefined) this.lifecycle.requestStop(cell, argument, { type: 'stopped' })
        return
      }
      case wire.KIND_AWAIT_END: {
        const waiter = { askThread: thread, askSlot, askGeneration }
        return this.lifecycle.awaitEnd(slot, generation, waiter, argument)
      }
      default:
        throw new ShardloomError('SHL_ASSERTION', { text: `record kind ${kind} is unknown` } as ErrorDetails)
    }
  }

  #cloneFor(owner: Owner | undefined, clone: () => unknown): unknown {
    this.#decodeOwner = owner
    try {
      return clone()
    } finally {
      this.#decodeOwner = undefined
    }
  }

  #ownerOf(slot: number, generation: number): Owner | undefined {
    const cell = this.host.find(slot, generation)
    if (cell === undefined) return undefined
    cell.context ??= new CellContext(cell, this)
    return cell.context
  }

  #watchOver(cell: cells.ActorCell, target: ActorAddress, recordKind: number, kind: number): void {
    const loss = this.#lost.get(target.thread)
    if (loss !== undefined) {
      this.lifecycle.onTerminated(cell, target, kind, lossReason(target.thread, loss.cause, loss.error))
      return
    }
    this.outbox.sendSignal(recordKind, target, cell, kind)
  }

  #linkTo(thread: number): wire.ThreadLink | undefined {
    const link = this.#knownLink(thread)
    if (link !== undefined) return link
    if (this.#lost.has(thread)) return undefined
    const ends = this.#parts.takeLink(thread)
    return ends === undefined ? undefined : (this.#links.get(thread) ?? this.connect(thread, ends))
  }

  #knownLink(thread: number): wire.ThreadLink | undefined {
    if (this.#lastLink?.threadId === thread) return this.#lastLink
    const link = this.#links.get(thread)
    if (link !== undefined) this.#lastLink = link
    return link
  }

  #askTable(thread: number): Int32Array<SharedArrayBuffer> | undefined {
    return thread === this.memory.id ? this.memory.asks : this.#knownLink(thread)?.peer?.asks
  }

  #cellOf(address: ActorAddress): cells.ActorCell {
    const cell = this.host.find(address.slot, address.generation)
    if (cell !== undefined) return cell
    throw new ShardloomError('SHL_ACTOR_NOT_FOUND', { actor: cellText(address), reason: 'it has ended' })
  }

  #refExtension(): CodecExtension {
    return {
      type: REF_EXTENSION,
      Class: ActorRef,
      encode: (value) => {
        const { thread, slot, generation, name } = value as ActorRef
        return [thread, slot, generation, name]
      },
      decode: (plain) => {
        const [thread, slot, generation, name] = plain as [number, number, number, string]
        return this.refFor({ thread, slot, generation, name }, this.#decodeOwner)
      },
    }
  }
}
