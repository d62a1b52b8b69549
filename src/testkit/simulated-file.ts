/**
 * The bytes of one file on a simulated disk: those that a process sees, and those that a power cut leaves.
 *
 * A process sees what was written. The disk has it in sectors of 512 bytes, each of which it writes whole,
 * when it likes, and in any order; a sector that it has not written yet reads as it was before, or as zeros.
 * The same is true of the length.
 *
 * Tests: test/testkit/simulated-file.test.ts
 */
import type { Random } from '../base/index.ts'
import { DiskVersions } from './disk-versions.ts'

export const SECTOR_BYTES = 512

/** A file, whatever its name. */
export class SimulatedFile {
  /** How many have it open. */
  openCount = 0
  #bytes: Uint8Array
  #size: number
  #moment = 0
  #sizes: DiskVersions<number>
  readonly #sectors: Map<number, DiskVersions<Uint8Array>>

  constructor(bytes: Uint8Array = new Uint8Array(0)) {
    this.#bytes = Uint8Array.from(bytes)
    this.#size = bytes.length
    this.#sizes = new DiskVersions(bytes.length)
    this.#sectors = new Map()
    for (let at = 0; at < bytes.length; at += SECTOR_BYTES) {
      const index = at / SECTOR_BYTES
      this.#sectors.set(index, new DiskVersions(this.#sector(index)))
    }
  }

  get size(): number {
    return this.#size
  }

  /** All that a process sees, as a copy. */
  get bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#size)
  }

  /** Changes with every change; a sync is told what it is to make durable by it. */
  get moment(): number {
    return this.#moment
  }

  read(position: number, into: Uint8Array): number {
    const part = this.#bytes.subarray(position, Math.min(this.#size, position + into.length))
    into.set(part)
    return part.length
  }

  write(position: number, bytes: Uint8Array): void {
    const end = position + bytes.length
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, 2 * this.#bytes.length))
      grown.set(this.#bytes)
      this.#bytes = grown
    }
    this.#bytes.set(bytes, position)
    this.#moment++
    this.#touch(position, end)
    if (end > this.#size) this.#resize(end)
  }

  truncate(size: number): void {
    this.#moment++
    const before = this.#size
    if (size < before) {
      this.#bytes.fill(0, size, before)
      this.#touch(size, before)
    }
    this.#resize(size)
  }

  /** A sync that began at `moment` is done. */
  sync(moment: number): void {
    this.#sizes.sync(moment)
    for (const sector of this.#sectors.values()) sector.sync(moment)
  }

  /** One that began then has failed. The length is the file system's own, and is tried again. */
  failSync(moment: number): void {
    for (const sector of this.#sectors.values()) sector.abandon(moment)
  }

  /** What a power cut leaves. */
  cut(random: Random, keepRate: number): SimulatedFile {
    const bytes = new Uint8Array(this.#cutSize(random, keepRate))
    for (const [index, sector] of this.#sectors) {
      const start = index * SECTOR_BYTES
      const kept = sector.pick(random, keepRate)
      if (start < bytes.length) bytes.set(kept.subarray(0, bytes.length - start), start)
    }
    return new SimulatedFile(bytes)
  }

  /** The same again: what a process that was killed leaves. */
  copy(): SimulatedFile {
    const file = new SimulatedFile()
    file.#bytes = this.#bytes.slice()
    file.#size = this.#size
    file.#moment = this.#moment
    file.#sizes = this.#sizes.copy((size) => size)
    // A version is never written into.
    for (const [index, sector] of this.#sectors)
      file.#sectors.set(
        index,
        sector.copy((bytes) => bytes),
      )
    return file
  }

  /** Any length that it may have had, and any between two of them. */
  #cutSize(random: Random, keepRate: number): number {
    if (this.#sizes.isCertain || random.next() < keepRate) return this.#sizes.pick(random, keepRate)
    const sizes = this.#sizes.possible
    const least = Math.min(...sizes)
    return least + random.below(Math.max(...sizes) - least + 1)
  }

  #resize(size: number): void {
    this.#size = size
    this.#sizes.write(this.#moment, size)
  }

  #touch(from: number, to: number): void {
    for (let index = Math.floor(from / SECTOR_BYTES); index * SECTOR_BYTES < to; index++) {
      let sector = this.#sectors.get(index)
      if (sector === undefined) {
        sector = new DiskVersions(new Uint8Array(SECTOR_BYTES))
        this.#sectors.set(index, sector)
      }
      sector.write(this.#moment, this.#sector(index))
    }
  }

  #sector(index: number): Uint8Array {
    const sector = new Uint8Array(SECTOR_BYTES)
    sector.set(this.#bytes.subarray(index * SECTOR_BYTES, (index + 1) * SECTOR_BYTES))
    return sector
  }
}
