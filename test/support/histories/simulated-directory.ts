/**
 * Runtimes in a simulated world whose keyspace has its directory on a simulated disk.
 *
 * The product takes the disk of the machine. While a test runs, the two places that do are given another one:
 * who opens the directory, and the shard that recovers. All between them is as it is: manifest, logs,
 * recovery, fences. The lock of the directory is of the machine's files, too: tests put `no-lock.ts` in its
 * place.
 *
 *     simulated world ── thread ── shard ── fenced disk ── slow disk ── SimulatedDisk
 *                                                           └ each call takes virtual time, and is never
 *                                                             done when its thread is lost before
 */
import type { Clock, Disk, DiskFile, Random } from '../../../src/base/index.ts'
import { fencedDisk } from '../../../src/keyspace/durability/index.ts'
import { DataDirectory } from '../../../src/keyspace/host/data-directory.ts'
import { shardActor } from '../../../src/keyspace/shard/shard-actor.ts'
import type { SimulatedDisk } from '../../../src/testkit/index.ts'

/** How long calls of a disk take, in virtual milliseconds. */
const READ_MS_MAX = 0.2
const WRITE_MS_MAX = 1.5
const SYNC_MS_MAX = 6
/** So many writes in a hundred take only a part of what they are given. */
const SHORT_PERCENT = 5

/** What is under way at a disk. */
interface Call {
  readonly isOfTheLiving: () => boolean
  readonly happen: () => void
}

/** A disk that is put under runtimes. */
export class PlantedDisk {
  /** The disk under those that start from now on. */
  disk: SimulatedDisk
  readonly #random: Random
  readonly #calls = new Set<Call>()
  readonly #open = DataDirectory.open
  readonly #receive = shardActor.receive as { recover: typeof shardActor.receive.recover }
  readonly #recover = this.#receive.recover

  constructor(disk: SimulatedDisk, random: Random) {
    this.disk = disk
    this.#random = random
    DataDirectory.open = (_disk, ...rest) => this.#open.call(DataDirectory, this.disk, ...rest)
    this.#receive.recover = async ({ shard, life, store }) => {
      const isCurrent = (): boolean => shard.memory.lifeOf(shard.id) === life
      const slow = this.#slow(shard.clock, isCurrent)
      return store && shard.durability.recover(fencedDisk(slow, shard.id, isCurrent), store)
    }
  }

  /** Puts the machine's disk back. */
  remove(): void {
    DataDirectory.open = this.#open
    this.#receive.recover = this.#recover
  }

  /** All die: of what is under way some has happened, and nobody is told. */
  endSome(): void {
    for (const { isOfTheLiving, happen } of this.#calls) {
      if (isOfTheLiving() && this.#random.below(2) === 0) happen()
    }
    this.#calls.clear()
  }

  /** The disk as one thread has it. */
  #slow(clock: Clock, isOfTheLiving: () => boolean): Disk {
    const { disk } = this
    const random = this.#random
    const slowly = <T>(msMax: number, begin: () => Promise<T>): Promise<T> => {
      disk.onCall = () => ({ type: 'hold' })
      const done = begin()
      disk.onCall = undefined
      const held = disk.held.at(-1)
      const call = { isOfTheLiving, happen: () => disk.release(held) }
      this.#calls.add(call)
      return new Promise((resolve, reject) => {
        // A thread that is lost until then has no timers any more.
        clock.after(random.next() * msMax, () => {
          this.#calls.delete(call)
          call.happen()
          done.then(resolve, reject)
        })
      })
    }
    const write = <T>(begin: () => Promise<T>): Promise<T> => slowly(WRITE_MS_MAX, begin)
    const read = <T>(begin: () => Promise<T>): Promise<T> => slowly(READ_MS_MAX, begin)
    const fileOf = (file: DiskFile): DiskFile => ({
      size: () => read(() => file.size()),
      read: (position, bytes) => read(() => file.read(position, bytes)),
      write(position, bytes) {
        const isShort = bytes.length > 1 && random.below(100) < SHORT_PERCENT
        const taken = isShort ? bytes.subarray(0, 1 + random.below(bytes.length - 1)) : bytes
        return write(() => file.write(position, taken))
      },
      sync: () => slowly(SYNC_MS_MAX, () => file.sync()),
      truncate: (sizeBytes) => write(() => file.truncate(sizeBytes)),
      close: () => file.close(),
    })
    return {
      makeFolder: (path) => write(() => disk.makeFolder(path)),
      list: (path) => read(() => disk.list(path)),
      open: (path, mode) => write(async () => fileOf(await disk.open(path, mode))),
      rename: (from, to) => write(() => disk.rename(from, to)),
      remove: (path) => write(() => disk.remove(path)),
      syncFolder: (path) => slowly(SYNC_MS_MAX, () => disk.syncFolder(path)),
    }
  }
}
