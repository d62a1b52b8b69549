/**
 * What one place of a simulated disk may hold after a power cut: what was synced last, or anything that was
 * written there since.
 *
 * A place is a sector, the length of a file, or a name in a folder. A disk writes what was not synced when it
 * likes, so that every version since is possible. A sync that began at some moment makes durable what was
 * there then. One that fails leaves everything possible, and takes it for written, as Linux does: a later
 * sync does nothing for it until the place is written again.
 *
 * Tests: test/testkit/disk-versions.test.ts
 */
import type { Random } from '../base/index.ts'

interface Version<T> {
  readonly moment: number
  readonly value: T
  readonly isAbandoned: boolean
}

/** One place. */
export class DiskVersions<T> {
  #durable: T
  #since: Version<T>[]

  constructor(durable: T, since: Version<T>[] = []) {
    this.#durable = durable
    this.#since = since
  }

  /** What survives any power cut, unless something newer does. */
  get durable(): T {
    return this.#durable
  }

  /** All that may be there, the oldest first. */
  get possible(): readonly T[] {
    return [this.#durable, ...this.#since.map(({ value }) => value)]
  }

  /** Whether nothing but one thing may be there. */
  get isCertain(): boolean {
    return this.#since.length === 0
  }

  write(moment: number, value: T): void {
    this.#since.push({ moment, value, isAbandoned: false })
  }

  /** A sync that began at a moment has succeeded. */
  sync(moment: number): void {
    const last = this.#since.findLastIndex((one) => one.moment <= moment && !one.isAbandoned)
    if (last === -1) return
    this.#durable = this.#since[last]!.value
    this.#since.splice(0, last + 1)
  }

  /** A sync that began at a moment has failed. */
  abandon(moment: number): void {
    this.#since = this.#since.map((one) => (one.moment <= moment ? { ...one, isAbandoned: true } : one))
  }

  /** One of what may be there: the newest as often as `keepRate` says, else any. */
  pick(random: Random, keepRate: number): T {
    if (this.isCertain) return this.#durable
    const { possible } = this
    if (random.next() < keepRate) return possible.at(-1) as T
    return possible[random.below(possible.length)] as T
  }

  /** The same again, with every value copied. */
  copy(copyValue: (value: T) => T): DiskVersions<T> {
    const since = this.#since.map((one) => ({ ...one, value: copyValue(one.value) }))
    return new DiskVersions(copyValue(this.#durable), since)
  }
}
