/**
 * Room on the disk: what a log does when there is none.
 *
 * Beside each log lies a file that only takes up room, the reserve. When a write finds no room the reserve is
 * removed, and what was under way goes into its place; `isFull` asks the owner of the log to refuse what
 * would have to be logged, before memory changes. Later there may be room for a reserve again: then the log
 * is not full any more. A write that finds no room, and no reserve, waits and is tried again.
 *
 * The reserve holds noise, since some file systems keep no room for zeros.
 *
 * Invariants: (1) a reserve is made only when no write waits for room; (2) with a reserve, the log is not
 * full. Tests: test/storage/log-room.test.ts
 */
import { join } from 'node:path'
import { type Clock, type Disk, type DiskFile, seededRandom, type TimerHandle } from '../base/index.ts'

const RESERVE_NAME = 'reserve'
const RETRY_MS = 100
const NOISE_BYTES = 64 * 1024

/** Where a log lies, and what it keeps free. */
export interface LogRoomOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly folder: string
  readonly reserveBytes: number
}

/** Keeps room for one log. */
export class LogRoom {
  readonly #options: LogRoomOptions
  readonly #path: string
  /** Told of an error other than a full disk. */
  readonly #onError: (error: unknown) => void
  #isFull = false
  /** Before it is opened there may be one, left by the process before. */
  #hasReserve = true
  /** Whether a write that finds no room waits for some. */
  #mayWait = false
  #isClosed = false
  #wake: (() => void) | undefined
  #timer: TimerHandle | undefined
  #making: Promise<void> | undefined

  constructor(options: LogRoomOptions, onError: (error: unknown) => void) {
    this.#options = options
    this.#path = join(options.folder, RESERVE_NAME)
    this.#onError = onError
  }

  get isFull(): boolean {
    return this.#isFull
  }

  /** Makes the reserve; without room for it the log is full from the beginning. */
  async open(): Promise<void> {
    this.#hasReserve = false
    await this.#makeReserve()
  }

  /** From now on a write that finds no room waits, and is tried again until there is some. */
  letWait(): void {
    this.#mayWait = true
  }

  /** Does something that needs room, as soon as there is some. What else it throws is thrown. */
  async whenFree<T>(attempt: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        const result = await attempt()
        if (this.#options.reserveBytes === 0) this.#isFull = false
        return result
      } catch (error) {
        if (!isFullError(error)) throw error
        this.#isFull = true
        if (await this.#giveUpReserve()) continue
        if (!this.#mayWait) throw error
        await this.#wait()
      }
    }
  }

  /** Nobody waits any more; the reserve stays. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#mayWait = false
    this.#timer?.cancel()
    this.#wake?.()
    await this.#making
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#options.clock.after(RETRY_MS, () => this.#wake?.())
      this.#wake = () => {
        this.#wake = undefined
        timer.cancel()
        resolve()
      }
    })
  }

  async #giveUpReserve(): Promise<boolean> {
    this.#makeLater()
    if (!this.#hasReserve) return false
    this.#hasReserve = false
    try {
      await this.#options.disk.remove(this.#path)
      return true
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ENOENT') throw error
      return false
    }
  }

  #makeLater(): void {
    const { clock, reserveBytes } = this.#options
    if (this.#isClosed || this.#timer !== undefined || reserveBytes === 0) return
    const make = (): void => {
      this.#timer = undefined
      if (this.#wake !== undefined) this.#makeLater()
      else this.#making = this.#makeReserve().catch(this.#onError)
    }
    this.#timer = clock.after(RETRY_MS, make, { unref: true })
  }

  async #makeReserve(): Promise<void> {
    const { disk, reserveBytes } = this.#options
    if (reserveBytes === 0 || this.#hasReserve) return
    let file: DiskFile | undefined
    try {
      file = await openReserve(disk, this.#path)
      const isWhole = await fill(file, reserveBytes, () => this.#isClosed || this.#wake !== undefined)
      // Some file systems take the room only then.
      if (isWhole) await file.sync()
      this.#hasReserve = isWhole
    } catch (error) {
      if (!isFullError(error)) throw error
    } finally {
      await file?.close()
    }
    this.#isFull = !this.#hasReserve
    if (this.#hasReserve) return
    if (file !== undefined) await disk.remove(this.#path)
    this.#makeLater()
  }
}

/** Whether an error says that there is no room. */
export function isFullError(error: unknown): boolean {
  const code = typeof error === 'object' && error !== null ? (error as { code?: unknown }).code : undefined
  return code === 'ENOSPC' || code === 'EDQUOT'
}

async function openReserve(disk: Disk, path: string): Promise<DiskFile> {
  try {
    return await disk.open(path, 'create')
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'EEXIST') throw error
    return await disk.open(path, 'write')
  }
}

/** Writes up to a size; false when it was told to stop. */
async function fill(file: DiskFile, sizeBytes: number, isStopped: () => boolean): Promise<boolean> {
  const noise = noiseOf(Math.min(NOISE_BYTES, sizeBytes))
  for (let at = await file.size(); at < sizeBytes; ) {
    if (isStopped()) return false
    at += await file.write(at, noise.subarray(0, Math.min(noise.length, sizeBytes - at)))
  }
  return true
}

function noiseOf(sizeBytes: number): Uint8Array {
  const random = seededRandom(1)
  const noise = new Uint8Array(sizeBytes)
  for (let i = 0; i < sizeBytes; i++) noise[i] = random.below(256)
  return noise
}
