/**
 * The pump: one per thread, it moves records between the thread's links and its actors, and decides when the
 * thread looks, spins or sleeps.
 *
 * A thread is *parked* when it waits in its event loop for a doorbell, and *awake* when a look at the rings
 * is already scheduled. While awake nobody needs to ring. The loop of an awake thread:
 *
 *     take what the rings hold ─► run local work ─► flush ─┬─ something was done ─► again, or yield
 *                                                          └─ nothing: spin ─┬─ found work ─► again
 *                                                                            └─ park, recheck, sleep
 *
 * It yields in two ways. To microtasks, whenever promises were settled or asynchronous handlers run, so that
 * their continuations go on at once. To the event loop, after `SLICE_MS`, so that timers and I/O never starve
 * however much arrives; microtasks alone would never let the loop turn. How long to spin is the idle
 * strategy's decision; on the main thread the pump spins only while an answer is awaited. A thread that is
 * awake has a turn of the event loop under way: it comes back to park even if nothing happens.
 *
 * Writer: this thread's parked word and its share of the runtime's awake count. Readers: every ringer.
 * Invariants: (1) parked is stored before the last look at the rings (no lost wake-up, `memory/doorbell.ts`);
 * (2) awake implies a scheduled look; (3) `flush` runs before any spin and before parking;
 * (4) a thread that sleeps is parked in shared memory, also when a bell was lost with the thread that rang
 *     it.
 * Cost: bench/ask-awake.ts, bench/ask-asleep.ts, bench/loop-delay.ts.
 * Tests: test/transport/thread-pump.test.ts, test/actor/ask.race.test.ts, test/actor/mailbox.race.test.ts
 */
import type { TimerHandle } from '../base/index.ts'
import { DoorbellSleeper } from '../memory/index.ts'
import type { LinkReader } from './link-reader.ts'
import type { PumpClient, ThreadPumpOptions } from './pump-options.ts'
import { runEach, type Scheduler, systemScheduler } from './scheduler.ts'
import { spin } from './spin.ts'
import type { ThreadLink } from './thread-link.ts'
import {
  CONTROL_AWAKE,
  CONTROL_BEAT,
  CONTROL_PARKED,
  CONTROL_SENDING,
  RUNTIME_AWAKE,
} from './thread-memory.ts'

/** The event loop turns at least this often while messages arrive. */
const SLICE_MS = 2
/** Work this long after the last turn still belongs to it: more is likely to come at once. */
const BURST_MS = 1
/** Records taken from one link before the next one has its turn. */
const RECORDS_PER_LINK = 256
/**
 * Turns through the microtask queue before a spin, after promises were settled: their continuations come
 * first.
 */
const IDLE_ROUNDS = 2
/** The same while asynchronous handlers go on: what they await may be no more than a few promises. */
const ASYNC_ROUNDS = 24
/** How often a writer with waiting records tries again while its reader is slow. */
const RETRY_MS = 1

/** Moves records, and parks the thread when there are none. */
export class ThreadPump {
  /** Set by the client when a continuation may be waiting in the microtask queue. */
  needsMicrotasks = false
  readonly #options: ThreadPumpOptions
  readonly #client: PumpClient
  readonly #scheduler: Scheduler
  readonly #sleeper: DoorbellSleeper
  readonly #links: ThreadLink[] = []
  readonly #readers: LinkReader[] = []
  /** The links that were written to: the first `#dirtyCount` entries. Setting a length costs 20 ns. */
  #dirty: ThreadLink[] = []
  #dirtyCount = 0
  #isAwake = false
  #isImmediateSet = false
  #isMicrotaskSet = false
  /** The slice is over: what is asked for now waits for the event loop's turn, which is set. */
  #isYielding = false
  #isRunning = false
  #isClosed = false
  #turnStartMs = 0
  #parkedAtMs = 0
  #roundsLeft = 0
  /** Whether anything was done since the event loop last turned: if so, more is likely to come. */
  #hasWorked = false
  /** Whether the clock has been looked at since a slice was last let go on without a look. */
  #hasTold = false
  /** What is to be done at the end of this turn. */
  #tasks: (() => void)[] = []
  #retry: TimerHandle | undefined
  #turn: unknown
  readonly #onMicrotask = (): void => {
    this.#isMicrotaskSet = false
    if (this.#isClosed) return
    try {
      this.#run(false)
    } catch (error) {
      this.#scheduler.throwUncaught(error)
    }
  }
  readonly #onImmediate = (): void => {
    this.#isImmediateSet = false
    if (this.#isClosed) return
    if (this.#tasks.length > 0) this.#guarded(() => this.#runTasks())
    this.#run(true)
  }
  readonly #onRetry = (): void => {
    this.#retry = undefined
    for (const link of this.#links) if (link.writer.waitingCount > 0) this.#markDirty(link)
    this.requestRun()
  }

  constructor(options: ThreadPumpOptions, client: PumpClient) {
    this.#options = options
    this.#client = client
    this.#scheduler = options.scheduler ?? systemScheduler
    this.#sleeper = new DoorbellSleeper(options.memory.control, CONTROL_PARKED)
    this.#sleeper.park()
    this.#parkedAtMs = options.clock.nowMs()
  }

  /** Takes a connected link in. */
  addLink(link: ThreadLink): void {
    this.#links.push(link)
    this.#readers.push(link.reader!)
    this.#markDirty(link)
    this.requestRun()
  }

  /** Reads what a lost thread had published, then forgets the link. */
  removeLink(link: ThreadLink): void {
    const index = this.#links.indexOf(link)
    if (index === -1) return
    const reader = this.#readers[index]!
    while (reader.next()) this.#client.onRecord(reader)
    this.#client.afterBatch()
    this.#links.splice(index, 1)
    this.#readers.splice(index, 1)
    this.#dirty = this.#dirty.slice(0, this.#dirtyCount).filter((dirty) => dirty !== link)
    this.#dirtyCount = this.#dirty.length
    link.isDirty = false
    // Its bell may be lost with its port, and whoever rang it took the parked word: it is stored again,
    // before the look at the rings that follows.
    if (!this.#isAwake) this.#sleeper.park()
    this.requestRun()
  }

  /** Something was written to `link`: it is published before this thread does anything else. */
  touch(link: ThreadLink): void {
    if (link.isDirty) return
    this.#markDirty(link)
    this.requestRun()
  }

  /** There is local work, or something to flush: run as soon as the current code has ended. */
  requestRun(): void {
    if (this.#isMicrotaskSet || this.#isRunning || this.#isYielding || this.#isClosed) return
    this.#isMicrotaskSet = true
    this.#scheduler.soon(this.#onMicrotask)
  }

  /**
   * Runs `task` at the end of this turn of the event loop, and then what it has brought about. Until then the
   * thread is awake: nobody rings for what is looked for anyway.
   */
  atTurnEnd(task: () => void): void {
    if (this.#isClosed) return task()
    this.#tasks.push(task)
    if (!this.#isAwake) this.#wake()
    else this.#scheduleTurn()
  }

  /** The doorbell rang: what came is handled first, and what a wake-up means is thought about afterwards. */
  readonly onBell = (): void => {
    if (this.#isClosed || this.#isRunning) return
    const isWakeUp = !this.#isAwake
    const hasWorked = this.#guarded(() => this.#step())
    if (this.#isClosed) return
    if (isWakeUp) {
      this.#options.idle.onWake((this.#options.clock.nowMs() - this.#parkedAtMs) * 1000)
      if (!this.#isAwake) this.#wake()
    }
    this.#run(true, hasWorked)
  }

  /** Publishes everything written so far and wakes sleeping readers. */
  flush(): void {
    const count = this.#dirtyCount
    if (count === 0) return
    for (let i = 0; i < count; i++) {
      const link = this.#dirty[i]!
      link.isDirty = false
      link.writer.flush()
      if (link.writer.waitingCount > 0) this.#retrySoon()
    }
    this.#dirtyCount = 0
    const control = this.#options.memory.control
    if (control[CONTROL_SENDING] !== 0) Atomics.store(control, CONTROL_SENDING, 0)
  }

  /** Stops looking, for good. */
  close(): void {
    this.#runTasks()
    this.flush()
    this.#isClosed = true
    this.#retry?.cancel()
    if (this.#isImmediateSet) this.#scheduler.cancelTurn(this.#turn)
    this.#options.memory.control[CONTROL_AWAKE] = 0
    if (this.#isAwake) Atomics.sub(this.#options.runtimeWords, RUNTIME_AWAKE, 1)
    this.#isAwake = false
  }

  #runTasks(): void {
    const tasks = this.#tasks
    this.#tasks = []
    runEach(tasks, this.#scheduler)
  }

  #markDirty(link: ThreadLink): void {
    if (link.isDirty) return
    link.isDirty = true
    this.#dirty[this.#dirtyCount++] = link
    // Says "a batch of mine is not published yet": see the audit of mailbox places after a thread was lost.
    // A plain store: the audit looks here only after it has seen the place, which is taken atomically later.
    if (this.#dirtyCount === 1) this.#options.memory.control[CONTROL_SENDING] = 1
  }

  /** The loop of the head comment; `isTurn` when the event loop has turned since the last call. */
  #run(isTurn: boolean, hasWorked = false): void {
    if (this.#isRunning) return
    if (isTurn) {
      this.#turnStartMs = this.#options.clock.nowMs()
      this.#isYielding = false
      this.#hasWorked = false
    }
    this.#guarded(() => this.#loop(hasWorked))
  }

  #guarded<T>(task: () => T): T {
    this.#isRunning = true
    try {
      return task()
    } finally {
      this.#isRunning = false
      // A failed assertion must not leave the thread deaf.
      if (this.#isAwake && !this.#isImmediateSet) this.#scheduleTurn()
    }
  }

  #loop(hasSteppedWell: boolean): void {
    const { clock } = this.#options
    const sliceEndMs = this.#turnStartMs + SLICE_MS
    let hasStepped = hasSteppedWell
    for (;;) {
      if (hasStepped || this.#step()) {
        hasStepped = false
        this.#hasWorked = true
        if (this.needsMicrotasks) {
          this.needsMicrotasks = false
          this.#roundsLeft = this.#client.unsettledCount() > 0 ? ASYNC_ROUNDS : IDLE_ROUNDS
          return this.#isLate(sliceEndMs) ? this.#stayAwake() : this.#again()
        }
        if (this.#hasWork()) {
          if (clock.nowMs() >= sliceEndMs) return this.#stayAwake()
          continue
        }
      }
      this.#releaseReaders()
      // More is to be sent at the end of this turn: who looks then need not wait now.
      if (this.#tasks.length > 0) return
      const nowMs = clock.nowMs()
      this.#hasTold = true
      const budgetUs = this.#spinBudgetUs()
      // Late in the slice: let the event loop turn before anything else.
      if (nowMs >= sliceEndMs) {
        // A first ask after a pause finds its partner asleep: a spin would only take the core it wakes on.
        const isBurst = this.#hasWorked && nowMs < sliceEndMs + BURST_MS
        if (budgetUs > 0 && isBurst) this.#stayAwake()
        else if (this.#isAwake && !this.#isImmediateSet) this.#park()
        else this.#yield()
        return
      }
      if (budgetUs === 0) {
        if (this.#isAwake) this.#park()
        return
      }
      // A single ask leaves nobody else to wait for: its asker is what is waiting.
      if (this.#roundsLeft > 0 && this.#client.expectedCount() !== 1) {
        this.#roundsLeft--
        return this.#again()
      }
      if (!this.#isAwake) this.#wake()
      if (spin(this.#readers, this.#options, budgetUs, nowMs)) continue
      this.#park()
      return
    }
  }

  /**
   * Whether the slice is over. Reading the clock costs, so not twice in a row: the last look was just now.
   */
  #isLate(sliceEndMs: number): boolean {
    if (this.#hasTold) {
      this.#hasTold = false
      return false
    }
    return this.#options.clock.nowMs() >= sliceEndMs
  }

  /** One pass over rings and local work; true when anything was done. */
  #step(): boolean {
    const client = this.#client
    let hasWorked = client.runLocal()
    this.flush()
    const readers = this.#readers
    for (let i = 0; i < readers.length; i++) {
      const reader = readers[i]!
      reader.release()
      if (!reader.next()) continue
      hasWorked = true
      let count = 0
      do {
        client.onRecord(reader)
        count++
      } while (count < RECORDS_PER_LINK && reader.next())
    }
    if (hasWorked) {
      client.afterBatch()
      this.#options.memory.control[CONTROL_BEAT]!++
    }
    this.flush()
    return hasWorked
  }

  /** Gives back what was read: late, because nobody waits for it while answers do. Before any wait. */
  #releaseReaders(): void {
    const readers = this.#readers
    for (let i = 0; i < readers.length; i++) readers[i]!.release()
  }

  #spinBudgetUs(): number {
    const { idle, runtimeWords, cores, spinsUnasked } = this.#options
    if (!spinsUnasked && this.#client.expectedCount() === 0) return 0
    const others = this.#isAwake ? 0 : 1
    return idle.spinBudgetUs(Atomics.load(runtimeWords, RUNTIME_AWAKE) + others, cores)
  }

  /** Runs again once the microtasks that wait now are done. */
  #again(): void {
    if (!this.#isAwake) this.#wake()
    if (this.#isMicrotaskSet) return
    this.#isMicrotaskSet = true
    this.#scheduler.soon(this.#onMicrotask)
  }

  #stayAwake(): void {
    if (!this.#isAwake) this.#wake()
    this.#yield()
  }

  /** Local work that brings more local work, in promises, would never let the event loop turn. */
  #yield(): void {
    this.#isYielding = true
    this.#scheduleTurn()
  }

  #wake(): void {
    this.#isAwake = true
    this.#sleeper.unpark()
    Atomics.add(this.#options.runtimeWords, RUNTIME_AWAKE, 1)
    this.#options.memory.control[CONTROL_AWAKE] = 1
    this.#scheduleTurn()
  }

  #scheduleTurn(): void {
    if (this.#isImmediateSet) return
    this.#isImmediateSet = true
    this.#turn = this.#scheduler.atNextTurn(this.#onImmediate)
  }

  #park(): void {
    this.flush()
    this.#releaseReaders()
    this.#sleeper.park()
    this.#options.memory.control[CONTROL_AWAKE] = 0
    Atomics.sub(this.#options.runtimeWords, RUNTIME_AWAKE, 1)
    this.#isAwake = false
    this.#parkedAtMs = this.#options.clock.nowMs()
    // The second look: whoever published before it saw the parked word will not ring.
    if (!this.#hasWork()) return
    this.#wake()
  }

  #hasWork(): boolean {
    if (this.#client.hasLocal()) return true
    for (const reader of this.#readers) if (!reader.isEmpty()) return true
    return false
  }

  #retrySoon(): void {
    this.#retry ??= this.#options.clock.after(RETRY_MS, this.#onRetry)
  }
}
