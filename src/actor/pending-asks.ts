/**
 * The asks of one thread that wait for an answer: each settles exactly once.
 *
 * An ask is a slot and a generation. The slot indexes the entry here and the cancel mark in shared memory;
 * the generation tells a late answer to a former ask from the one that is awaited now. Entries are reused, so
 * an ask allocates its promise and nothing else.
 *
 * Deadlines: one list per distinct timeout, in the order of asking, hence in the order of expiry; one timer
 * per list (the way of Node's own timers). Opening and settling are O(1), whatever the number of asks.
 *
 * Writer: this thread writes the cancel marks; readers: the handlers on other threads (`ctx.cancelled`).
 * Invariants: (1) an entry is settled once, by whoever closes it; (2) a mark is the generation of a cancelled
 * ask in that slot and only grows. Tests: test/actor/pending-asks.test.ts
 */
import type { Clock, TimerHandle } from '../base/index.ts'
import type { Owner } from './messenger.ts'

/**
 * What an entry belongs to. A `watch` is patient: it is not counted, so it neither holds the process nor lets
 * the thread spin for its answer.
 */
export type PendingKind = 'ask' | 'stream' | 'end' | 'watch'

/** Takes the outcome of something pending that is no single promise: a stream. */
export interface PendingSink {
  onItem(payload: unknown): void
  onEnd(payload: unknown): void
  onError(error: unknown): void
}

/** One ask that waits. */
export class PendingAsk {
  readonly slot: number
  generation = 1
  isOpen = false
  kind: PendingKind = 'ask'
  resolve: (value: unknown) => void = ignore
  sink: PendingSink | undefined = undefined
  /** The actor that asks: refs in the answer belong to it. */
  owner: Owner | undefined = undefined
  thread = 0
  targetSlot = 0
  targetGeneration = 0
  name = ''
  type = ''
  timeoutMs = 0
  deadlineMs = 0
  /** Nobody shall be told of its signal any more. */
  forgetSignal: (() => void) | undefined = undefined
  previous: PendingAsk | undefined = undefined
  next: PendingAsk | undefined = undefined
  list: DeadlineList | undefined = undefined

  constructor(slot: number) {
    this.slot = slot
  }
}

/** Asks with the same timeout, soonest first. */
class DeadlineList {
  readonly timeoutMs: number
  head: PendingAsk | undefined = undefined
  tail: PendingAsk | undefined = undefined
  timer: TimerHandle | undefined = undefined

  constructor(timeoutMs: number) {
    this.timeoutMs = timeoutMs
  }

  append(ask: PendingAsk): void {
    ask.list = this
    ask.next = undefined
    ask.previous = this.tail
    if (this.tail === undefined) this.head = ask
    else this.tail.next = ask
    this.tail = ask
  }

  remove(ask: PendingAsk): void {
    if (ask.previous === undefined) this.head = ask.next
    else ask.previous.next = ask.next
    if (ask.next === undefined) this.tail = ask.previous
    else ask.next.previous = ask.previous
    ask.list = undefined
    ask.previous = undefined
    ask.next = undefined
  }
}

/** What happens when nothing, or something, is pending: keeps the process alive meanwhile. */
export interface PendingHooks {
  onBusy(): void
  onIdle(): void
  /** The deadline of an entry passed; the entry is still open. */
  onDeadline(ask: PendingAsk): void
}

/** The table of a thread's pending asks. */
export class PendingAsks {
  /** Open entries, watches left out. */
  count = 0
  readonly #asksMax: number
  readonly #marks: Int32Array<SharedArrayBuffer>
  readonly #clock: Clock
  readonly #hooks: PendingHooks
  readonly #entries: PendingAsk[] = []
  readonly #free: PendingAsk[] = []
  /** Ends that are awaited, in slots above those of asks: bounded by the actors there are. */
  readonly #ends: PendingAsk[] = []
  readonly #freeEnds: PendingAsk[] = []
  readonly #lists = new Map<number, DeadlineList>()
  /** The list that was used last: most asks have the same timeout. */
  #lastList: DeadlineList | undefined

  constructor(marks: Int32Array<SharedArrayBuffer>, clock: Clock, hooks: PendingHooks) {
    this.#asksMax = marks.length
    this.#marks = marks
    this.#clock = clock
    this.#hooks = hooks
  }

  get asksMax(): number {
    return this.#asksMax
  }

  /** A new entry, without a deadline yet; undefined when there are `asksMax` already. */
  open(kind: 'ask' | 'stream'): PendingAsk | undefined {
    const ask = this.#free.pop() ?? this.#grow()
    if (ask === undefined) return undefined
    ask.isOpen = true
    ask.kind = kind
    if (this.count++ === 0) this.#hooks.onBusy()
    return ask
  }

  /** A new entry for an actor's end: there is always one, so that whatever is asked, actors can be ended. */
  openEnd(kind: 'end' | 'watch'): PendingAsk {
    let end = this.#freeEnds.pop()
    if (end === undefined) {
      end = new PendingAsk(this.#asksMax + this.#ends.length)
      this.#ends.push(end)
    }
    end.isOpen = true
    end.kind = kind
    if (kind !== 'watch' && this.count++ === 0) this.#hooks.onBusy()
    return end
  }

  /** The open entry with this identity. */
  get(slot: number, generation: number): PendingAsk | undefined {
    const ask = slot < this.#asksMax ? this.#entries[slot] : this.#ends[slot - this.#asksMax]
    return ask?.isOpen && ask.generation === generation ? ask : undefined
  }

  /** Sets or moves the entry's deadline. */
  arm(ask: PendingAsk, timeoutMs: number, nowMs: number): void {
    ask.list?.remove(ask)
    ask.timeoutMs = timeoutMs
    ask.deadlineMs = nowMs + timeoutMs
    const key = Math.ceil(timeoutMs)
    const list = this.#lastList?.timeoutMs === key ? this.#lastList : this.#listOf(key)
    list.append(ask)
    if (list.timer === undefined) this.#schedule(list, key)
  }

  /** Takes the deadline off. */
  disarm(ask: PendingAsk): void {
    ask.list?.remove(ask)
  }

  /** Closes an entry: from here on its answer is late. The caller settles it. */
  close(ask: PendingAsk): void {
    ask.isOpen = false
    ask.generation = (ask.generation + 1) | 0
    ask.list?.remove(ask)
    if (ask.forgetSignal !== undefined) {
      ask.forgetSignal()
      ask.forgetSignal = undefined
    }
    ask.resolve = ignore
    ask.sink = undefined
    ask.owner = undefined
    if (ask.slot < this.#asksMax) this.#free.push(ask)
    else this.#freeEnds.push(ask)
    if (ask.kind !== 'watch' && --this.count === 0) this.#hooks.onIdle()
  }

  /** Tells whoever handles the ask, on any thread, that nobody waits any more. Call before `close`. */
  markCancelled(ask: PendingAsk): void {
    Atomics.store(this.#marks, ask.slot, ask.generation)
  }

  /** The open entries that fit, oldest slot first; a copy, so that they may be closed meanwhile. */
  filter(fits: (ask: PendingAsk) => boolean): PendingAsk[] {
    return [...this.#entries, ...this.#ends].filter((ask) => ask.isOpen && fits(ask))
  }

  /** Stops all timers. */
  dispose(): void {
    for (const list of this.#lists.values()) list.timer?.cancel()
    this.#lists.clear()
    this.#lastList = undefined
  }

  #grow(): PendingAsk | undefined {
    if (this.#entries.length >= this.#asksMax) return undefined
    const ask = new PendingAsk(this.#entries.length)
    this.#entries.push(ask)
    return ask
  }

  #listOf(timeoutMs: number): DeadlineList {
    let list = this.#lists.get(timeoutMs)
    if (list === undefined) {
      list = new DeadlineList(timeoutMs)
      this.#lists.set(timeoutMs, list)
    }
    this.#lastList = list
    return list
  }

  #schedule(list: DeadlineList, delayMs: number): void {
    list.timer = this.#clock.after(delayMs, () => this.#expire(list), { unref: true })
  }

  #expire(list: DeadlineList): void {
    list.timer = undefined
    const nowMs = this.#clock.nowMs()
    while (list.head !== undefined && list.head.deadlineMs <= nowMs) {
      const ask = list.head
      this.#hooks.onDeadline(ask)
      // The hook closes it; should it not, it must not be met again for ever.
      if (list.head === ask) list.remove(ask)
    }
    if (list.head === undefined) {
      this.#lists.delete(list.timeoutMs)
      this.#lastList = undefined
    } else this.#schedule(list, Math.max(1, list.head.deadlineMs - nowMs))
  }
}

function ignore(): void {}
