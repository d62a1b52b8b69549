/**
 * A log on a simulated disk, and what is known of it: everything that was appended, and how far it was
 * acknowledged. After a crash the next process opens what is left, and is held to that.
 *
 *     const world = new LogWorld(disk)
 *     await world.open()
 *     world.append(100)
 *     await world.wait('fsync')
 *     const next = world.after(disk.afterPowerCut(1), 'fsync')
 *     await next.open()          throws unless all that was acknowledged is there, and nothing that never was
 *
 * Tests: test/storage/log-writer.crash.test.ts
 */
import { join } from 'node:path'
import { type Random, seededRandom } from '../../src/base/index.ts'
import {
  type Durability,
  type ExaminedLog,
  examineLog,
  KeyRing,
  KIND_COMMIT,
  KIND_SEGMENT,
  LogKey,
  LogWriter,
  type LogWriterOptions,
} from '../../src/storage/index.ts'
import { type DiskCall, SimulatedDisk } from '../../src/testkit/simulated-disk.ts'
import { ManualClock } from './manual-clock.ts'

const MAGIC_BYTES = 16
export const OWNER = { directory: 'f00d', shard: 3 }
export const FOLDER = join('/data', 'shard-0003')

/** What was appended. */
export interface Entry {
  readonly revision: number
  readonly participants: readonly number[]
  readonly payload: Buffer
  /** The position behind it. */
  readonly end: number
}

const KEYS = new KeyRing(keyOf(1), [keyOf(2), keyOf(3)])
/** No two processes draw the same. */
let worlds = 0

/** A key for logs of tests, by a number. */
export function keyOf(number: number): LogKey {
  return new LogKey(Buffer.alloc(32, number))
}

interface Options extends Partial<Pick<LogWriterOptions, 'segmentBytes' | 'syncEveryMs' | 'reserveBytes'>> {
  /** What is written with. Default: nothing. All keys of tests can be read. */
  readonly key?: LogKey | undefined
  /** Some process before has encrypted. */
  readonly isSealedBefore?: boolean
  /** The folder is there, durable or not. Default: it is made, and will be there after a power cut. */
  readonly isFolderMade?: boolean
}

/** The path of a segment. */
export function segmentPath(number: number): string {
  return join(FOLDER, `${String(number).padStart(8, '0')}.log`)
}

/** Bytes that only their revision tells: some noise, some zeros, which are what a lost sector looks like. */
export function payloadOf(revision: number, sizeBytes: number): Buffer {
  const payload = Buffer.alloc(sizeBytes)
  if (revision % 3 === 0) return payload
  const random = seededRandom(revision)
  for (let i = 0; i < sizeBytes; i++) payload[i] = random.below(256)
  return payload
}

/** A process with one log. */
export class LogWorld {
  readonly disk: SimulatedDisk
  readonly clock = new ManualClock()
  /** In order; what was read at the beginning, too. */
  readonly entries: Entry[] = []
  /** Of the entries of the process before: how many must be there. */
  expectedCount = 0
  /** Positions that `reached` has resolved for. */
  readonly acknowledged: Record<Durability, number> = { memory: 0, os: 0, fsync: 0 }
  /** What the process before has appended: nothing else may be there. */
  #before: readonly Entry[] = []
  /** Up to this position segments may have been removed. */
  #removable = 0
  /** Where segments begin, by their number. */
  readonly #begins = new Map<number, number>()
  readonly #options: Options
  #log: LogWriter | undefined
  #revision = 0
  /** Of what this process has drawn. */
  readonly #random: Random

  constructor(disk: SimulatedDisk, options: Options = {}) {
    this.disk = disk
    this.#options = options
    this.#random = seededRandom(++worlds)
    if (options.isFolderMade !== true) disk.putFolder(FOLDER)
  }

  get log(): LogWriter {
    if (this.#log === undefined) throw new Error('the log is not open')
    return this.#log
  }

  /** The next process, on what a crash has left, which keeps what was acknowledged at this level. */
  after(disk: SimulatedDisk, level: 'os' | 'fsync', options: Options = this.#options): LogWorld {
    const next = new LogWorld(disk, options)
    // A process that did not come as far as to open the log has changed nothing that is known.
    next.#before = this.#log === undefined ? this.#before : [...this.entries]
    const kept = this.acknowledged[level]
    next.acknowledged.os = kept
    next.acknowledged.fsync = this.acknowledged.fsync
    next.expectedCount = next.#before.filter(({ end }) => end <= kept).length
    next.#revision = this.#revision
    next.#removable = this.#removable
    return next
  }

  /** Reads the log, and expects what has to be there. */
  async examine(): Promise<ExaminedLog> {
    let count = 0
    let isFirst = true
    this.entries.length = 0
    const owner = { ...OWNER, ...(this.#isSealed && { keys: KEYS }) }
    const examined = await examineLog(this.disk, FOLDER, owner, (record, { base, number }) => {
      if (record.kind === KIND_SEGMENT) {
        this.#begins.set(number, base)
        if (isFirst) count = this.#countRemoved(base)
        isFirst = false
        return
      }
      const expected = this.#before[count++]
      if (expected === undefined) throw new Error(`record ${count} was never appended`)
      const isSame =
        record.revision === expected.revision &&
        this.#isEnd(base + record.endOffset - MAGIC_BYTES, expected.end) &&
        expected.payload.equals(record.payload) &&
        record.participants.join() === expected.participants.join()
      if (!isSame) throw new Error(`record ${count} is not the one that was appended`)
      this.entries.push(expected)
    })
    if (count < this.expectedCount) throw new Error(`of ${this.expectedCount} records ${count} are there`)
    return examined
  }

  /** Opens the log as a process does. What it has read is known to be there from then on. */
  async open(): Promise<void> {
    const examined = await this.examine()
    this.#log = await LogWriter.open(this.options, examined)
    const end = this.entries.at(-1)?.end ?? 0
    this.acknowledged.os = end
    this.acknowledged.fsync = end
  }

  get options(): LogWriterOptions {
    const { disk, clock } = this
    const given = { segmentBytes: 700, syncEveryMs: 1000, reserveBytes: 0, ...this.#options }
    const { segmentBytes, syncEveryMs, reserveBytes } = given
    const { key } = this.#options
    const encryption = key && { key, randomBytes: this.#draw }
    return { disk, clock, folder: FOLDER, ...OWNER, segmentBytes, syncEveryMs, reserveBytes, encryption }
  }

  readonly #draw = (sizeBytes: number): Uint8Array =>
    Uint8Array.from({ length: sizeBytes }, () => this.#random.below(256))

  /** Whether a record that ends there is one that was appended up to there: in a group others may follow. */
  #isEnd(found: number, appended: number): boolean {
    return found === appended || (this.#isSealed && found > appended)
  }

  /** Appends a record: the position behind it. */
  append(sizeBytes: number, participants: readonly number[] = []): number {
    const { log } = this
    const revision = ++this.#revision
    const payload = payloadOf(revision, sizeBytes)
    log.begin(participants.length).raw(payload)
    log.append({ kind: KIND_COMMIT, revision, atMs: 1000 + revision, participants })
    this.entries.push({ revision, participants, payload, end: log.appended })
    return log.appended
  }

  /** Begins another segment: its number. */
  nextSegment(): number {
    const position = this.log.appended
    const number = this.log.nextSegment()
    this.#begins.set(number, position)
    return number
  }

  /** Removes the segments before one that this world has begun, or has read. */
  async removeBefore(number: number): Promise<void> {
    const begin = this.#begins.get(number)
    if (begin === undefined) throw new Error(`segment ${number} is not known`)
    this.#removable = Math.max(this.#removable, begin)
    await this.log.removeBefore(number)
  }

  /** Waits until what was appended so far has reached a level. */
  async wait(level: Durability, position = this.log.appended): Promise<void> {
    await this.log.reached(level, position)
    this.acknowledged[level] = Math.max(this.acknowledged[level], position)
    // Whoever survives a power cut survives a kill.
    if (level === 'fsync') this.acknowledged.os = Math.max(this.acknowledged.os, position)
  }

  get #isSealed(): boolean {
    return this.#options.key !== undefined || this.#options.isSealedBefore === true
  }

  /** How many entries are in segments before the first that is left. */
  #countRemoved(base: number): number {
    if (base > this.#removable) throw new Error(`a segment that nobody has removed is gone before ${base}`)
    return this.#before.filter(({ end }) => end <= base).length
  }
}

/** Runs until the work is done or the disk has stopped; what it throws is thrown. */
export async function untilStopped(disk: SimulatedDisk, work: () => Promise<void>): Promise<void> {
  await Promise.race([work(), disk.stopped])
}

/** Lets everything happen that waits for nothing but its turn. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** A log that is open, in one segment unless it is told otherwise. */
export async function opened(
  options: Options = {},
  disk: SimulatedDisk = new SimulatedDisk(),
): Promise<LogWorld> {
  const world = new LogWorld(disk, { segmentBytes: 1e9, ...options })
  await world.open()
  return world
}

/** The names of the calls that a disk has had. */
export function callsOf(disk: SimulatedDisk, from = 0): string[] {
  return disk.calls.slice(from).map(({ operation }) => operation)
}

/** Holds the calls of one operation. */
export function hold(disk: SimulatedDisk, operation: DiskCall['operation']): void {
  disk.onCall = (call) => (call.operation === operation ? { type: 'hold' } : undefined)
}
