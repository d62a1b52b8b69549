/**
 * The context of one actor: `ActorContext`, implemented over its cell and the message it handles.
 *
 * An actor handles one message at a time, so one context serves all its messages and costs nothing per
 * message; a served stream, which outlives its message, has a context of its own. The context is also the
 * owner of the refs that the actor holds: see `ref.ts`.
 * Tests: test/actor/ask.race.test.ts, test/actor/lifecycle.race.test.ts
 */
import { assert, type Clock, ShardloomError } from '../base/index.ts'
import type { Counter, Gauge, Histogram, Metrics } from '../memory/index.ts'
import type { Channels } from '../transport/index.ts'
import type { ActorAddress } from './address.ts'
import type { ActorContext, ActorTimers } from './context.ts'
import type { Envelope } from './mailbox.ts'
import type { Owner } from './messenger.ts'
import type { ActorRef } from './ref.ts'
import type { Registry } from './registry-api.ts'

const NESTED_MAX = 1024

/** What a context asks of the thread it is on. */
export interface ContextHost {
  readonly metrics: Metrics
  /** What layers above have put on this thread, by name. */
  readonly services: Map<string, unknown>
  readonly clock: Clock
  readonly channels: Channels
  nowMs(): number
  refFor(address: ActorAddress, owner: Owner | undefined): ActorRef
  /** Shows other threads what was sent so far, before the code that runs now has ended. */
  publish(): void
  /** Runs `task` when the event loop has handled what had come by now, and sends what it has sent. */
  atTurnEnd(task: () => void): void
  isCancelled(envelope: Envelope): boolean
  /**
   * Says whether the actor's present life still goes on: it ends with the actor, or when that is restarted.
   */
  lifeOf(address: ActorAddress): () => boolean
  cancelNested(slot: number, generation: number): void
  timersOf(address: ActorAddress): ActorTimers
  registryFor(owner: Owner): Registry
  spawnChild(owner: Owner, target: unknown, options: object | undefined): Promise<ActorRef>
  watch(watcher: ActorAddress, target: ActorAddress): void
  unwatch(watcher: ActorAddress, target: ActorAddress): void
  link(watcher: ActorAddress, target: ActorAddress): void
  unlink(watcher: ActorAddress, target: ActorAddress): void
  stash(address: ActorAddress, envelope: Envelope): void
  unstashAll(address: ActorAddress): void
  stopSelf(address: ActorAddress, error: Error | undefined): void
}

/** A service that makes one of its kind for each actor. */
interface OwnedService {
  ownedBy(life: () => () => boolean): unknown
}

/** @internal The thread behind a context. */
export function contextHost(ctx: ActorContext): ContextHost {
  assert(ctx instanceof CellContext, 'a handler was given a context of this package')
  return ctx.host
}

/** The context that handlers of one actor receive. */
export class CellContext implements ActorContext, Owner {
  readonly thread: number
  readonly slot: number
  readonly generation: number
  readonly name: string
  /** The message being handled. */
  envelope: Envelope | undefined = undefined
  readonly #host: ContextHost
  #self: ActorRef | undefined
  #controller: AbortController | undefined
  #keyspace: unknown
  #nested: number[] | undefined

  constructor(address: ActorAddress, host: ContextHost) {
    this.thread = address.thread
    this.slot = address.slot
    this.generation = address.generation
    this.name = address.name
    this.#host = host
  }

  /** A message begins: what belonged to the one before is forgotten. */
  begin(envelope: Envelope): void {
    this.envelope = envelope
    if (this.#controller !== undefined) this.#controller = undefined
    if (this.#nested !== undefined && this.#nested.length > 0) this.#nested.length = 0
  }

  /** Nobody waits any more: aborts the signal, and the asks that were made for this message. */
  abort(reason?: unknown): void {
    this.#controller?.abort(reason ?? this.#abortReason())
    const nested = this.#nested
    if (nested === undefined) return
    this.#nested = undefined
    for (let i = 0; i < nested.length; i += 2) this.#host.cancelNested(nested[i]!, nested[i + 1]!)
  }

  onNestedAsk(slot: number, generation: number): void {
    if (this.envelope === undefined || this.envelope.askSlot < 0) return
    this.#nested ??= []
    // A long-lived stream makes many; the oldest have long been answered.
    if (this.#nested.length >= NESTED_MAX) this.#nested.splice(0, NESTED_MAX / 2)
    this.#nested.push(slot, generation)
  }

  get self(): ActorRef {
    this.#self ??= this.#host.refFor(this, this)
    return this.#self
  }

  get type(): string {
    return this.envelope?.type ?? ''
  }

  get sender(): ActorRef | undefined {
    const envelope = this.envelope
    if (envelope === undefined || envelope.senderSlot < 0) return undefined
    const { senderThread: thread, senderSlot: slot, senderGeneration: generation } = envelope
    return this.#host.refFor({ thread, slot, generation, name: 'sender' }, this)
  }

  get deadlineMs(): number {
    return this.envelope?.deadlineMs ?? 0
  }

  get remainingMs(): number {
    const { deadlineMs } = this
    return deadlineMs === 0 ? Number.POSITIVE_INFINITY : Math.max(0, deadlineMs - this.#host.nowMs())
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.cancelled) this.#controller.abort(this.#abortReason())
    }
    return this.#controller.signal
  }

  get cancelled(): boolean {
    const envelope = this.envelope
    return envelope === undefined ? false : this.#host.isCancelled(envelope)
  }

  get timers(): ActorTimers {
    return this.#host.timersOf(this)
  }

  get registry(): Registry {
    return this.#host.registryFor(this)
  }

  // The overloads of the interface are for callers; here one signature takes them all.
  spawn(target: unknown, options?: object): Promise<never> {
    return this.#host.spawnChild(this, target, options) as Promise<never>
  }

  watch(ref: ActorRef): void {
    this.#host.watch(this, ref)
  }

  unwatch(ref: ActorRef): void {
    this.#host.unwatch(this, ref)
  }

  link(ref: ActorRef): void {
    this.#host.link(this, ref)
  }

  unlink(ref: ActorRef): void {
    this.#host.unlink(this, ref)
  }

  stash(): void {
    if (this.envelope !== undefined) this.#host.stash(this, this.envelope)
  }

  unstashAll(): void {
    this.#host.unstashAll(this)
  }

  stop(error?: Error): void {
    this.#host.stopSelf(this, error)
  }

  /** The keyspace of the runtime; its type is declared where it is made. @throws SHL_KEYSPACE_OFF */
  get keyspace(): never {
    this.#keyspace ??= this.#ownKeyspace()
    return this.#keyspace as never
  }

  /** One that knows whose it is: what the actor holds there is not held for longer than it lives. */
  #ownKeyspace(): unknown {
    const keyspace = this.#host.services.get('keyspace') as OwnedService | undefined
    if (keyspace === undefined) throw new ShardloomError('SHL_KEYSPACE_OFF', { thread: this.thread })
    return keyspace.ownedBy(() => this.#host.lifeOf(this))
  }

  /** @internal The thread, for actors of the layers above. */
  get host(): ContextHost {
    return this.#host
  }

  counter(name: string): Counter {
    return this.#host.metrics.counter(name)
  }

  gauge(name: string): Gauge {
    return this.#host.metrics.gauge(name)
  }

  histogram(name: string): Histogram {
    return this.#host.metrics.histogram(name)
  }

  #abortReason(): ShardloomError {
    return new ShardloomError('SHL_ASK_ABORTED', { actor: this.name, type: this.type })
  }
}
