/**
 * Runs a log from its oldest record on, without having looked at what comes behind: one pass over it instead
 * of one that finds the last whole snapshot, and another that begins there.
 *
 *     the first segment is there     all that ever happened is in the log: it is run from there
 *     it is not                      a snapshot is: segments are removed when the one behind them is whole
 *
 * Which snapshot that is shows when it ends. Removal may have stopped half-way, and an older one, that was
 * never finished, may be before it. So with each one that begins, what was run before is thrown away, until
 * one has ended. When none does, something else than this program has removed segments, and the log is
 * refused.
 *
 * Keys that were run are thrown away as well when damage is found behind them.
 *
 * How many keys will come is guessed from those that the part so far has brought: a table that grows by
 * doubling would move each of them once. It is told again with every hundredth of the log.
 *
 * Invariant: when `end` returns, the engine has all that happened since the log began, or all that a whole
 * snapshot had and what came after it.
 * Cost: nothing per record. Tests: test/keyspace/durability/log-run.test.ts, recovery.prop.test.ts
 */
import { ShardloomError } from '../../base/index.ts'
import {
  type ExaminedLog,
  KIND_SNAPSHOT_BEGIN,
  KIND_SNAPSHOT_END,
  type LogRecord,
  type SegmentInfo,
} from '../../storage/index.ts'
import { dropLocks, type ShardEngine } from '../engine/index.ts'
import { type PastCommits, Replay, type ReplayTarget } from './replay.ts'

/** Progress is told in steps of a hundredth. */
const PROGRESS_STEPS = 100
/** What is nearer to the end of a log is kept for watchers, within the limits of their history. */
const PAST_BYTES = 32 * 1024 * 1024
/** For a change that is none: no new one is drawn for it. */
const NO_REVISION = 1

/** One pass over a log. */
export class LogRun {
  /** What runs now: another one with each snapshot that is begun with. */
  replay: Replay
  readonly #target: ReplayTarget
  readonly #bytes: number
  readonly #onProgress: (fraction: number) => void
  readonly #past: PastCommits | undefined
  #isRemembering = false
  /** The position at which the log begins, and behind which something is to be told or begun. */
  #base: number | undefined
  #nextPosition = 0
  /** The segment that it was begun in; 0: in none. */
  #first = 0
  /** Nothing is missing: what came before is here, or not needed. */
  #isWhole = false

  /** `bytes` are in the files: for progress, and for what is near the end. */
  constructor(
    target: ReplayTarget,
    bytes: number,
    onProgress: (fraction: number) => void,
    past: PastCommits | undefined,
  ) {
    this.#target = target
    this.#bytes = bytes
    this.#onProgress = onProgress
    this.#past = past
    this.replay = new Replay(target)
  }

  /** One record that is proven. @throws what `Replay.take` throws */
  take(record: LogRecord, info: SegmentInfo): void {
    const position = info.base + record.endOffset
    if (this.#base === undefined) this.#beginLog(info)
    if (position >= this.#nextPosition) this.#reach(position)
    if (this.#isWhole) {
      this.replay.take(record)
      return
    }
    const { kind } = record
    if (kind === KIND_SNAPSHOT_BEGIN) this.#beginSnapshot(info)
    if (this.#first === 0) return
    this.replay.take(record)
    if (kind === KIND_SNAPSHOT_END) this.#isWhole = true
  }

  /** That was all. @throws SHL_LOG_DAMAGED when the log has no beginning */
  end({ segments: [oldest] }: ExaminedLog): void {
    if (oldest !== undefined && !this.#isWhole) {
      const reason = 'the segments before it are gone, and no whole snapshot is behind it'
      throw new ShardloomError('SHL_LOG_DAMAGED', { file: oldest.path, offset: 0, reason })
    }
    this.#expect(0)
    this.#onProgress(1)
  }

  /** Bytes of what was run. */
  bytesIn({ segments }: ExaminedLog): number {
    return segments.reduce((sum, { info, offset }) => sum + (info.number >= this.#first ? offset : 0), 0)
  }

  /** Throws away what was run: part of it would look like all of it. */
  forget(): void {
    this.#expect(0)
    this.replay.end()
    forgetAll(this.#target.engine)
  }

  #beginLog({ number, base }: SegmentInfo): void {
    this.#base = base
    this.#isWhole = number === 1
    if (this.#isWhole) this.#first = number
  }

  #beginSnapshot({ number }: SegmentInfo): void {
    if (this.#first !== 0) {
      this.forget()
      this.replay = new Replay(this.#target)
      if (this.#isRemembering) this.replay.remember(this.#past!)
    }
    this.#first = number
  }

  /** A position at which there is something to do besides; it says where the next one is. */
  #reach(position: number): void {
    const base = this.#base!
    const done = position - base
    const pastFrom = Math.max(0, this.#bytes - PAST_BYTES)
    // Watchers come back to what is near the end, if to anything.
    if (this.#past !== undefined && !this.#isRemembering && done >= pastFrom) {
      this.#isRemembering = true
      this.replay.remember(this.#past)
    }
    const step = Math.min(PROGRESS_STEPS, Math.floor((done / this.#bytes) * PROGRESS_STEPS))
    this.#onProgress(step / PROGRESS_STEPS)
    this.#expect(this.#bytes / done)
    const nextStep = ((step + 1) / PROGRESS_STEPS) * this.#bytes
    const isOver = this.#past === undefined || this.#isRemembering
    this.#nextPosition = base + (isOver ? nextStep : Math.min(nextStep, pastFrom))
  }

  /** There will be so many times as many keys as there are; 0: there are all. */
  #expect(times: number): void {
    for (const { table } of this.#target.engine.openDatabases()) table.expectKeys(table.count * times)
  }
}

/** Makes an engine what it was before anything was run. */
function forgetAll(engine: ShardEngine): void {
  // Nobody is told.
  engine.capture(() => {
    for (const database of engine.openDatabases()) {
      database.clear()
      while (database.index !== database.id) engine.swapDatabases(database.index, database.id)
    }
    dropLocks(engine.locks, () => true)
  }, NO_REVISION)
}
