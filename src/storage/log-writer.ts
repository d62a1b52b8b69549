/**
 * The writing end of a log: takes records, writes them in groups, and tells how far they have come.
 *
 *     append ──► buffer ──► write (`os`) ──► sync (`fsync`)
 *
 * One write and one sync are on their way at a time; whatever comes meanwhile goes with the next one. So the
 * slower the disk, the larger the groups. A position is a number of bytes since the log began, over all its
 * segments; whoever has appended waits for the position behind it.
 *
 * After a sync the log tells of it, so that damage in what was synced is known for it (`log-examination.ts`):
 * with the next record, or alone when none comes for a while. Such a record alone is written, not synced.
 *
 * A failed disk. The first write or sync that fails, but for want of room (`log-room.ts`), ends the log: what
 * the system has in its cache is not known any more, and a second sync that succeeds would prove nothing (as
 * fsyncgate has shown). It is never tried again; whoever waits is told, and what is appended goes nowhere.
 *
 * With a key, what goes with one write is one sealed record (`sealed-group.ts`). A log that is opened with
 * another key than it was written with, or without one, goes on in another segment at once.
 *
 * Writer: one, the owner of the log. Invariants: (1) appended ≥ written ≥ synced, and all only grow; (2)
 * nothing is written behind a hole; (3) a segment is begun when the one before it has been synced; (4)
 * segments are removed from the oldest on, each for good before the next. Tests:
 * test/storage/log-writer.test.ts, log-writer.prop.test.ts, log-writer.crash.test.ts
 * Source: group commit as in DeWitt et al. 1984; "Can Applications Recover from fsync Failures?" (ATC 2020).
 */
import { dirname, join } from 'node:path'
import { assert, ShardloomError, type TimerHandle } from '../base/index.ts'
import { LogChain } from './log-chain.ts'
import { LogCipher } from './log-cipher.ts'
import { type ExaminedLog, type ExaminedSegment, positionOf } from './log-examination.ts'
import { HEADER_BYTES, KIND_SEGMENT, KIND_SYNCED, MAGIC_BYTES, type RecordFields } from './log-format.ts'
import { LogLevel } from './log-level.ts'
import type { Durability, LogWriterOptions } from './log-options.ts'
import { LogRoom } from './log-room.ts'
import { RecordSink } from './record-sink.ts'
import { removeSegments, SegmentFile } from './segment-file.ts'
import { segmentName } from './segment-info.ts'

/** A segment that begins within what is not written yet. */
interface Boundary {
  readonly number: number
  readonly position: number
  /** Of the record that describes it. */
  readonly headBytes: number
}

const PLAIN: Omit<RecordFields, 'kind'> = { revision: 0, atMs: 0, participants: [] }

/** Writes one log. */
export class LogWriter {
  readonly #options: LogWriterOptions
  readonly #room: LogRoom
  readonly #sink: RecordSink
  /** The segment that is written to, undefined before the first and between two; the last one's number. */
  #file: SegmentFile | undefined
  #number: number
  /** Where it begins. */
  #base: number
  /** The segment that the next record will be in, and where it begins. */
  #lastNumber: number
  #lastBase: number
  readonly #boundaries: Boundary[] = []
  #appended: number
  /** What a write has, or had, goes up to here. */
  #taken: number
  readonly #written: LogLevel
  readonly #synced: LogLevel
  /** What is not synced before this only tells of a sync: nobody needs another one for it. */
  #needless: number
  /** A sync that the next record tells of. */
  #untold: number | undefined
  #isFlushSet = false
  #isWriting = false
  #isSyncing = false
  #timer: TimerHandle | undefined
  #failure: ShardloomError | undefined
  #closing: Promise<void> | undefined
  /** The last time that segments were removed, which may still be going on. */
  #removal: Promise<unknown> | undefined
  #isClosed = false

  private constructor(
    options: LogWriterOptions,
    room: LogRoom,
    file: SegmentFile | undefined,
    last: ExaminedSegment | undefined,
  ) {
    this.#options = options
    this.#room = room
    this.#file = file
    const cipher = options.encryption && new LogCipher(options.encryption, last)
    this.#sink = new RecordSink(new LogChain(last), cipher)
    this.#number = last?.info.number ?? 0
    this.#base = last?.info.base ?? 0
    this.#lastNumber = this.#number
    this.#lastBase = this.#base
    this.#appended = last === undefined ? 0 : positionOf(last.info, last.offset)
    this.#taken = this.#appended
    this.#written = new LogLevel(this.#appended)
    this.#synced = new LogLevel(this.#appended)
    this.#needless = this.#appended
  }

  /** Cuts the tail of a log that was examined, and goes on behind it. @throws SHL_LOG_FAILED */
  static async open(options: LogWriterOptions, examined: ExaminedLog): Promise<LogWriter> {
    const { disk, folder } = options
    const last = examined.segments.at(-1)
    let log: LogWriter | undefined
    let file: SegmentFile | undefined
    const room = new LogRoom(options, (error) => log === undefined || log.#fail(error))
    try {
      if (examined.tail?.isWholeFile === true) await disk.remove(examined.tail.path)
      if (last !== undefined) {
        const syncedOffset = Math.max(0, examined.synced - last.info.base + MAGIC_BYTES)
        file = await SegmentFile.reopen(disk, last, syncedOffset, room)
      }
      // Also what was not changed now: the process before may not have come so far.
      await disk.syncFolder(folder)
      await disk.syncFolder(dirname(folder))
      await room.open()
      log = new LogWriter(options, room, file, last)
      if (last === undefined || last.info.sealing?.key !== options.encryption?.key.id) {
        // With another key than the last one had, or with none, nothing is written behind it.
        log.nextSegment()
        await log.reached('fsync', log.appended)
      } else if (examined.synced + HEADER_BYTES !== log.appended) {
        log.#noteSynced(log.appended)
        log.#syncLater()
      }
      room.letWait()
      return log
    } catch (error) {
      await room.close()
      await file?.close()
      throw log?.failure ?? failed(file?.path ?? folder, error)
    }
  }

  /** The position behind all that was appended. */
  get appended(): number {
    return this.#appended
  }

  /** The position up to which the operating system has it. */
  get written(): number {
    return this.#written.position
  }

  /** The position up to which it survives a power cut, but for what only tells of a sync. */
  get synced(): number {
    return this.#synced.position
  }

  /** Why the log takes nothing any more. */
  get failure(): ShardloomError | undefined {
    return this.#failure
  }

  /** There is no room on the disk: nothing should be appended. */
  get isFull(): boolean {
    return this.#room.isFull
  }

  /** Bytes since the segment began that the next record will be in. */
  get segmentBytes(): number {
    return this.#appended - this.#lastBase
  }

  /**
   * Begins a record; its payload is written to what this returns, then `append` ends it, in the same turn.
   */
  begin(participantCount = 0): RecordSink {
    assert(!this.#isClosed, 'nothing is appended to a log that is closed')
    if (this.segmentBytes >= this.#options.segmentBytes) this.nextSegment()
    this.#tellSync()
    this.#sink.begin(participantCount)
    return this.#sink
  }

  /** Ends the record; it is written with the next group. */
  append(fields: RecordFields): void {
    this.#appended += this.#sink.end(fields)
    this.#flushSoon()
  }

  /** Begins another segment with the next record: its number. */
  nextSegment(): number {
    assert(!this.#isClosed, 'no segment is begun in a log that is closed')
    const { directory, shard } = this.#options
    const number = this.#lastNumber + 1
    const position = this.#appended
    this.#sink.beginSegment({ directory, shard, number, base: position })
    this.append({ ...PLAIN, kind: KIND_SEGMENT })
    this.#boundaries.push({ number, position, headBytes: this.#appended - position })
    this.#lastNumber = number
    this.#lastBase = position
    return number
  }

  /**
   * Resolves when what is before `position` has reached the level; undefined when it has already.
   * @throws SHL_LOG_FAILED, by rejection
   */
  reached(level: Durability, position: number): Promise<void> | undefined {
    assert(position <= this.#appended, 'nobody waits for what was not appended')
    if (level === 'memory') return undefined
    const progress = level === 'os' ? this.#written : this.#synced
    if (progress.position >= position) return undefined
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    const reached = progress.wait(position, position <= this.#taken)
    if (level === 'fsync') this.#syncIfAwaited()
    return reached
  }

  /**
   * Removes the segments before `number`, which nothing needs any more; how many. What the disk throws is
   * thrown.
   */
  async removeBefore(number: number): Promise<number> {
    assert(number <= this.#number, 'the segment that stays has been begun')
    const { disk, folder } = this.#options
    // They are no harm, and when it is closed the folder may be another's.
    const removal = removeSegments(disk, folder, number, () => this.#closing !== undefined)
    this.#removal = removal
    return removal
  }

  /** Writes and syncs what there is, and ends. @throws SHL_LOG_FAILED when that was not possible */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    try {
      // A full disk is tried once more, and not waited for.
      await this.#room.close()
      await this.reached('fsync', this.#appended)
      // Whoever opens it knows that nothing is missing.
      if (this.#failure === undefined) this.#tellSync()
      this.#flushSoon()
      // Also what is appended meanwhile.
      while (this.synced < this.#appended) await this.reached('fsync', this.#appended)
    } finally {
      this.#isClosed = true
      this.#timer?.cancel()
      // Whoever has asked for it is told how it ended. Behind this nothing is done in the folder any more.
      await this.#removal?.catch(() => undefined)
      await this.#file?.close()
    }
  }

  #tellSync(): void {
    if (this.#untold === undefined) return
    const revision = this.#untold
    this.#untold = undefined
    this.#sink.beginClear()
    this.#appended += this.#sink.end({ ...PLAIN, kind: KIND_SYNCED, revision })
  }

  #flushSoon(): void {
    if (this.#failure !== undefined) this.#sink.clear()
    else if (!this.#isFlushSet && !this.#isWriting) {
      this.#isFlushSet = true
      queueMicrotask(() => void this.#flush())
    }
  }

  /** Writes what was appended, group by group, until there is nothing left. */
  async #flush(): Promise<void> {
    this.#isFlushSet = false
    this.#isWriting = true
    try {
      while (this.#sink.lengthBytes > 0) {
        const bytes = this.#sink.take()
        this.#taken = this.#appended
        this.#written.closeGroup()
        this.#synced.closeGroup()
        await this.#writeGroup(bytes)
        this.#sink.giveBack()
        if (this.written <= this.#needless) this.#synced.reach(this.written)
        this.#syncIfAwaited()
        this.#syncLater()
      }
    } catch (error) {
      this.#fail(error)
    }
    // In the same turn as the last look into the sink: whatever comes later sets another flush.
    this.#isWriting = false
  }

  async #writeGroup(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      if (this.#failure !== undefined) throw this.#failure
      const next = this.#boundaries[0]
      const from = this.written
      if (next?.position === from) {
        const end = done + next.headBytes
        await this.#beginSegment(next, bytes.subarray(done, end))
        done = end
      } else {
        const left = bytes.length - done
        const count = next === undefined ? left : Math.min(left, next.position - from)
        assert(this.#file !== undefined, 'a segment is open')
        await this.#file.write(from - this.#base + MAGIC_BYTES, bytes.subarray(done, done + count))
        done += count
        this.#written.reach(from + count)
      }
    }
  }

  /** Syncs and closes the segment, and makes the next one. */
  async #beginSegment({ number, position, headBytes }: Boundary, head: Uint8Array): Promise<void> {
    const { disk, folder } = this.#options
    const before = this.#file
    this.#file = undefined
    if (before !== undefined) {
      try {
        await before.sync()
      } finally {
        await before.close()
      }
      this.#noteSynced(position)
    }
    this.#file = await SegmentFile.create(disk, folder, number, head, this.#room)
    this.#boundaries.shift()
    this.#number = number
    this.#base = position
    this.#written.reach(position + headBytes)
    this.#noteSynced(position + headBytes)
  }

  /** Begins a sync if it would tell somebody something. */
  #syncIfAwaited(): void {
    if (this.#synced.isAwaitedBefore(this.written)) this.#startSync()
  }

  #startSync(): void {
    if (this.#isSyncing || this.#file === undefined || this.#failure !== undefined) return
    this.#timer?.cancel()
    this.#timer = undefined
    this.#isSyncing = true
    void this.#sync(this.#file, this.written)
  }

  async #sync(file: SegmentFile, upTo: number): Promise<void> {
    try {
      await file.sync()
      this.#noteSynced(upTo)
    } catch (error) {
      this.#fail(error)
    }
    this.#isSyncing = false
    this.#syncIfAwaited()
    this.#syncLater()
  }

  #noteSynced(position: number): void {
    this.#synced.reach(position)
    this.#untold = position
  }

  /** Sees to it that what nobody waits for is synced in the end, and told of. */
  #syncLater(): void {
    if (this.#timer !== undefined || this.#isSyncing || this.#isClosed || this.#failure !== undefined) return
    if (this.written === this.synced && this.#untold === undefined) return
    const { clock, syncEveryMs } = this.#options
    this.#timer = clock.after(syncEveryMs, this.#onTimer, { unref: true })
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined
    if (this.written > this.synced) {
      this.#startSync()
    } else if (this.#appended === this.synced && this.#closing === undefined) {
      this.#tellSync()
      this.#needless = this.#appended
      this.#flushSoon()
    }
  }

  #fail(cause: unknown): void {
    if (this.#failure !== undefined) return
    const { folder } = this.#options
    const failure = failed(this.#file?.path ?? join(folder, segmentName(this.#number + 1)), cause)
    this.#failure = failure
    this.#timer?.cancel()
    this.#sink.clear()
    this.#written.fail(failure)
    this.#synced.fail(failure)
    this.#room.close().catch(() => undefined)
  }
}

function failed(file: string, cause: unknown): ShardloomError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new ShardloomError('SHL_LOG_FAILED', { file, reason }, { cause })
}
