/**
 * The channels of a simulated thread: what is posted becomes a task of the thread that listens.
 *
 * What Node would copy is copied here, too: payloads with their transferables, and plain messages. A message
 * that hands over ports is given as it is, since these ports live in one place only.
 *
 * Invariants: (1) messages of one port arrive in their order; (2) what a closed port or an ended thread has
 * not taken is never taken.
 * Tests: test/testkit/simulated-channels.test.ts
 */
import { INSUFFICIENT_CAPACITY, RingConsumer, RingProducer } from '../memory/index.ts'
import type { Broadcast, ChannelPurpose, Channels, Port } from '../transport/index.ts'
import type { SimulatedThread } from './simulated-thread.ts'

/** What decides about the messages on their way. */
export interface ChannelFaults {
  /** Whether a bell that was rung for `to` is lost. */
  losesBell(to: SimulatedThread): boolean
  /** A worker thread has closed its control port: it ends. */
  onThreadExit(thread: SimulatedThread): void
  /** The broadcasts of all threads, by name. */
  readonly broadcasts: Map<string, Set<SimulatedBroadcast>>
  /** Opens the reading end of a ring. */
  consumer?(ring: SharedArrayBuffer): RingConsumer
}

/** One end of a simulated channel. */
class SimulatedPort implements Port {
  readonly purpose: ChannelPurpose
  peer: SimulatedPort | undefined = undefined
  owner: SimulatedThread | undefined = undefined
  isClosed = false
  queue: unknown[] = []
  readonly #faults: ChannelFaults
  // biome-ignore lint/suspicious/noExplicitAny: each port carries what its two sides agree on.
  readonly #listeners: ((message: any) => void)[] = []

  constructor(purpose: ChannelPurpose, faults: ChannelFaults) {
    this.purpose = purpose
    this.#faults = faults
  }

  postMessage(message: unknown, transfer: readonly unknown[] = []): void {
    // Copied first: Node refuses what cannot cross also where nobody is left to receive it.
    const copy = copyOf(message, transfer)
    const { peer } = this
    if (this.isClosed || peer === undefined || peer.isClosed) return
    if (this.purpose === 'bell' && peer.owner !== undefined && this.#faults.losesBell(peer.owner)) return
    peer.queue.push(copy)
    if (peer.#listeners.length > 0) peer.#announce()
  }

  // biome-ignore lint/suspicious/noExplicitAny: as above.
  listen(owner: SimulatedThread, listener: (message: any) => void): void {
    this.owner = owner
    this.#listeners.push(listener)
    if (this.#listeners.length === 1) for (const _ of this.queue) this.#announce()
  }

  take(): { readonly message: unknown } | undefined {
    return this.queue.length === 0 ? undefined : { message: this.queue.shift() }
  }

  unref(): void {}

  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.queue = []
    const { owner, purpose } = this
    if (purpose === 'control' && owner !== undefined && owner.id !== 0) this.#faults.onThreadExit(owner)
  }

  #announce(): void {
    this.owner?.enqueue(this, this.purpose, () => {
      // It may have been taken with `receive` meanwhile.
      const taken = this.take()
      if (taken !== undefined) for (const listener of this.#listeners) listener(taken.message)
    })
  }
}

/** One end of a channel to all threads. */
export class SimulatedBroadcast implements Broadcast {
  readonly #all: Set<SimulatedBroadcast>
  #queue: unknown[] = []

  constructor(all: Set<SimulatedBroadcast>) {
    this.#all = all
    all.add(this)
  }

  post(message: unknown): void {
    for (const other of this.#all) if (other !== this) other.#queue.push(structuredClone(message))
  }

  receive(): { readonly message: unknown } | undefined {
    return this.#queue.length === 0 ? undefined : { message: this.#queue.shift() }
  }

  close(): void {
    this.#all.delete(this)
    this.#queue = []
  }
}

/** A ring whose producer can be refused. */
class SimulatedRingProducer extends RingProducer {
  readonly #thread: SimulatedThread

  constructor(ring: SharedArrayBuffer, thread: SimulatedThread) {
    super(ring)
    this.#thread = thread
  }

  override tryClaim(lengthBytes: number): number {
    return this.#thread.hasRoom() ? super.tryClaim(lengthBytes) : INSUFFICIENT_CAPACITY
  }
}

/** The channels of one simulated thread. */
export class SimulatedChannels implements Channels {
  readonly #thread: SimulatedThread
  readonly #faults: ChannelFaults
  readonly #ports = new Set<SimulatedPort>()
  readonly #broadcasts: SimulatedBroadcast[] = []

  constructor(thread: SimulatedThread, faults: ChannelFaults) {
    this.#thread = thread
    this.#faults = faults
  }

  open(purpose: ChannelPurpose): readonly [Port, Port] {
    const near = new SimulatedPort(purpose, this.#faults)
    const far = new SimulatedPort(purpose, this.#faults)
    near.peer = far
    far.peer = near
    return [near, far]
  }

  // biome-ignore lint/suspicious/noExplicitAny: as above.
  listen(port: Port, listener: (message: any) => void): void {
    this.#ports.add(port as SimulatedPort)
    ;(port as SimulatedPort).listen(this.#thread, listener)
  }

  receive(port: Port): { readonly message: unknown } | undefined {
    return (port as SimulatedPort).take()
  }

  broadcast(name: string): Broadcast {
    const { broadcasts } = this.#faults
    let all = broadcasts.get(name)
    if (all === undefined) {
      all = new Set()
      broadcasts.set(name, all)
    }
    const made = new SimulatedBroadcast(all)
    this.#broadcasts.push(made)
    return made
  }

  producer(ring: SharedArrayBuffer): RingProducer {
    return new SimulatedRingProducer(ring, this.#thread)
  }

  consumer(ring: SharedArrayBuffer): RingConsumer {
    return this.#faults.consumer?.(ring) ?? new RingConsumer(ring)
  }

  /** The thread has ended: nothing reaches it, and the bells that it rang last may be lost. */
  onThreadEnded(losesBells: boolean): void {
    for (const broadcast of this.#broadcasts) broadcast.close()
    for (const port of this.#ports) {
      port.isClosed = true
      port.queue = []
      if (losesBells && port.purpose === 'bell' && port.peer !== undefined) port.peer.queue = []
    }
  }
}

function copyOf(message: unknown, transfer: readonly unknown[]): unknown {
  if (transfer.some((one) => one instanceof SimulatedPort)) return message
  return structuredClone(message, { transfer: transfer as ArrayBuffer[] })
}
