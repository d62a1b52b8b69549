/**
 * Tasks that wait: those that have a place, up to a limit, and behind them those that wait for one.
 *
 * By priority, and within a priority in the order of arrival. A place that becomes free goes at once to who
 * waits for one, so that a newcomer never takes it. Entries are linked to each other, because a deadline or a
 * signal takes them out of the middle, and many at once: each step costs the same at any length.
 *
 * Invariants: (1) `queued` is at most `queueMax`; (2) somebody waits for a place only while none is free;
 * (3) an entry is in at most one line. Tests: test/supervise/task-queue.test.ts
 */
import { assert } from '../base/index.ts'
import { PRIORITY_MAX } from './task-options.ts'

/** What waits. It carries its own links. */
export class QueueEntry {
  readonly priority: number
  /** Of the queue: where it stands. */
  line: Line | undefined
  before: QueueEntry | undefined
  behind: QueueEntry | undefined

  constructor(priority: number) {
    this.priority = priority
  }
}

/** Entries of one priority, the first to come first. */
class Line {
  readonly hasPlaces: boolean
  first: QueueEntry | undefined
  #last: QueueEntry | undefined

  constructor(hasPlaces: boolean) {
    this.hasPlaces = hasPlaces
  }

  push(entry: QueueEntry): void {
    assert(entry.line === undefined, 'an entry waits once')
    entry.line = this
    entry.before = this.#last
    if (this.#last === undefined) this.first = entry
    else this.#last.behind = entry
    this.#last = entry
  }

  remove(entry: QueueEntry): void {
    const { before, behind } = entry
    if (before === undefined) this.first = behind
    else before.behind = behind
    if (behind === undefined) this.#last = before
    else behind.before = before
    entry.line = undefined
    entry.before = undefined
    entry.behind = undefined
  }
}

/** The queue of a pool. */
export class TaskQueue<Entry extends QueueEntry> {
  readonly #queueMax: number
  readonly #placed = Array.from({ length: PRIORITY_MAX + 1 }, () => new Line(true))
  readonly #seeking = Array.from({ length: PRIORITY_MAX + 1 }, () => new Line(false))
  #queued = 0
  #waitingForPlace = 0

  constructor(queueMax: number) {
    this.#queueMax = queueMax
  }

  /** Those that have a place. */
  get queued(): number {
    return this.#queued
  }

  /** Those that wait for one. */
  get waitingForPlace(): number {
    return this.#waitingForPlace
  }

  get isFull(): boolean {
    return this.#queued >= this.#queueMax
  }

  get isEmpty(): boolean {
    return this.#queued === 0 && this.#waitingForPlace === 0
  }

  /** Takes a place, or waits for one. */
  push(entry: Entry): void {
    if (this.isFull) {
      this.#waitingForPlace++
      this.#seeking[entry.priority]!.push(entry)
      return
    }
    this.#queued++
    this.#placed[entry.priority]!.push(entry)
  }

  /** Takes out the one whose turn it is. */
  shift(): Entry | undefined {
    // Where no task may be queued, those that wait for a place are all there is.
    const entry = firstOf(this.#placed) ?? firstOf(this.#seeking)
    if (entry === undefined) return undefined
    this.remove(entry as Entry)
    return entry as Entry
  }

  /** Takes out one that waits; false when it does not. */
  remove(entry: Entry): boolean {
    const { line } = entry
    if (line === undefined) return false
    line.remove(entry)
    if (!line.hasPlaces) {
      this.#waitingForPlace--
      return true
    }
    this.#queued--
    const next = firstOf(this.#seeking)
    if (next === undefined) return true
    next.line?.remove(next)
    this.#waitingForPlace--
    this.#queued++
    this.#placed[next.priority]!.push(next)
    return true
  }
}

function firstOf(lines: readonly Line[]): QueueEntry | undefined {
  for (const { first } of lines) if (first !== undefined) return first
  return undefined
}
