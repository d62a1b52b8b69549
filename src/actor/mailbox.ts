/**
 * A mailbox: what waits for one actor, by lane and priority, in order within each.
 *
 * Lanes, most urgent first: kill and stop are not queued at all (they stand on the cell and are looked at
 * before each message), then signals of supervision, then user messages in four priorities. News of an end
 * stays behind the messages that the ended actor had sent. Queues are made
 * when first used, so that an idle actor has none. Bounds are kept outside, at the sender
 * (`transport/thread-memory.ts`): what arrives here has its place already.
 *
 * Tests: test/actor/mailbox.prop.test.ts, test/actor/mailbox.race.test.ts
 */

import type { ActorAddress } from './address.ts'

/** A message with everything that its handling needs. */
export class Envelope {
  kind: number
  type: string
  payload: unknown
  sizeBytes = 0
  priority = 1
  senderThread = -1
  senderSlot = -1
  senderGeneration = 0
  askThread = -1
  askSlot = -1
  askGeneration = 0
  deadlineMs = 0
  /** Places in the mailbox that this message holds: 1, or 0 for what the runtime sends itself. */
  places = 1
  /** Whatever a local message of the runtime carries: a timer, a signal, a stream's window. */
  local: unknown = undefined
  /** Put aside by the handler: no answer is sent when it returns. */
  isStashed = false

  constructor(kind: number, type: string, payload: unknown) {
    this.kind = kind
    this.type = type
    this.payload = payload
  }

  /** Whether it is the ask with this identity. */
  isAsk(thread: number, slot: number, generation: number): boolean {
    return this.askSlot === slot && this.askGeneration === generation && this.askThread === thread
  }
}

const INITIAL_CAPACITY = 8

/** A queue in a ring of array slots that doubles. */
export class Deque<T> {
  #items: (T | undefined)[] = new Array(INITIAL_CAPACITY)
  #head = 0
  length = 0

  push(item: T): void {
    if (this.length === this.#items.length) this.#grow()
    this.#items[(this.#head + this.length) & (this.#items.length - 1)] = item
    this.length++
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#items.length - 1)
    this.length--
    return item
  }

  unshift(item: T): void {
    if (this.length === this.#items.length) this.#grow()
    this.#head = (this.#head - 1) & (this.#items.length - 1)
    this.#items[this.#head] = item
    this.length++
  }

  some(fits: (item: T) => boolean): boolean {
    const mask = this.#items.length - 1
    for (let i = 0; i < this.length; i++) if (fits(this.#items[(this.#head + i) & mask]!)) return true
    return false
  }

  /** Takes out the first item that fits, keeping the order of the others. */
  remove(fits: (item: T) => boolean): T | undefined {
    const kept: T[] = []
    let found: T | undefined
    for (let count = this.length; count > 0; count--) {
      const item = this.shift()!
      if (found === undefined && fits(item)) found = item
      else kept.push(item)
    }
    for (const item of kept) this.push(item)
    return found
  }

  #grow(): void {
    const items = this.#items
    const grown = new Array<T | undefined>(items.length * 2)
    for (let i = 0; i < this.length; i++) grown[i] = items[(this.#head + i) & (items.length - 1)]
    this.#items = grown
    this.#head = 0
  }
}

/** Priorities of user messages: 0 is the most urgent. */
export const PRIORITY_COUNT = 4

/** The waiting messages of one actor. */
export class Mailbox {
  length = 0
  #signals: Deque<Envelope> | undefined
  readonly #users: (Deque<Envelope> | undefined)[] = [undefined, undefined, undefined, undefined]

  push(envelope: Envelope): void {
    const priority = envelope.priority
    this.#users[priority] ??= new Deque()
    this.#users[priority].push(envelope)
    this.length++
  }

  /** A signal about an actor: before user messages, but behind those that the actor has sent. */
  pushSignal(envelope: Envelope, about: Pick<ActorAddress, 'thread' | 'slot' | 'generation'>): void {
    this.length++
    const isOfIt = (one: Envelope): boolean =>
      one.senderSlot === about.slot &&
      one.senderGeneration === about.generation &&
      one.senderThread === about.thread
    for (let priority = PRIORITY_COUNT - 1; priority >= 0; priority--) {
      const queue = this.#users[priority]
      if (queue === undefined || !queue.some(isOfIt)) continue
      envelope.priority = priority
      queue.push(envelope)
      return
    }
    this.#signals ??= new Deque()
    this.#signals.push(envelope)
  }

  /** Puts a message that was here before back in front of its priority. */
  pushFront(envelope: Envelope): void {
    const { priority } = envelope
    this.#users[priority] ??= new Deque()
    this.#users[priority].unshift(envelope)
    this.length++
  }

  /** The next message, the most urgent lane first. */
  shift(): Envelope | undefined {
    const signal = this.#signals?.shift()
    if (signal !== undefined) {
      this.length--
      return signal
    }
    for (let priority = 0; priority < PRIORITY_COUNT; priority++) {
      const queue = this.#users[priority]
      if (queue === undefined || queue.length === 0) continue
      this.length--
      return queue.shift()
    }
    return undefined
  }

  /** Takes out the oldest message of the least urgent priority that holds a place. */
  dropOldest(): Envelope | undefined {
    for (let priority = PRIORITY_COUNT - 1; priority >= 0; priority--) {
      const dropped = this.#users[priority]?.remove((envelope) => envelope.places > 0)
      if (dropped === undefined) continue
      this.length--
      return dropped
    }
    return undefined
  }

  /** Takes out the ask with this identity, if it is still waiting. */
  removeAsk(thread: number, slot: number, generation: number): Envelope | undefined {
    for (const queue of this.#users) {
      const removed = queue?.remove((envelope) => envelope.isAsk(thread, slot, generation))
      if (removed === undefined) continue
      this.length--
      return removed
    }
    return undefined
  }
}
