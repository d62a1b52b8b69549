/** A shard with its log on a disk in memory, and a clock that is moved by hand. */
import { type Random, seededRandom } from '../../src/base/index.ts'
import { Replay, type ReplayReport } from '../../src/keyspace/durability/replay.ts'
import type { ShardJournal } from '../../src/keyspace/durability/shard-journal.ts'
import type { RecoveryReport, StoreSettings } from '../../src/keyspace/durability/shard-store.ts'
import { Shard } from '../../src/keyspace/shard/shard.ts'
import type { ShardSettings } from '../../src/keyspace/shard/shard-options.ts'
import { KeyspaceMemory } from '../../src/keyspace/shared/keyspace-memory.ts'
import { SimulatedDisk } from '../../src/testkit/index.ts'
import { ManualClock } from './manual-clock.ts'

export const FOLDER = '/data/shard-0000'
export const DIRECTORY = 'directory of a test'

export const SHARD_SETTINGS: ShardSettings = {
  maxBytes: 0,
  policy: 'noeviction',
  samples: 5,
  // A look at the clock after each few keys: a walk has as many slices as there can be.
  sliceMs: 0,
  segmentBytes: 1 << 20,
  historyMax: 0,
  historyBytesMax: 0,
  historyKeepMs: 0,
  notifyKeyspaceEvents: '',
}

export const STORE: StoreSettings = {
  folder: FOLDER,
  directory: DIRECTORY,
  level: 'os',
  segmentBytes: 1 << 20,
  syncEveryMs: 1000,
  reserveBytes: 0,
  snapshotBytes: 2 ** 50,
  snapshotEveryMs: 0,
}

/** A shard without a log. */
export function makeShard(
  settings: Partial<ShardSettings> = {},
  clock: ManualClock = new ManualClock(),
  random: Random = seededRandom(1),
  memory: KeyspaceMemory = KeyspaceMemory.allocate(1),
): Shard {
  const broadcast = { post: () => undefined, receive: () => undefined, close: () => undefined }
  const all = { ...SHARD_SETTINGS, ...settings }
  return new Shard({ id: 0, memory, clock, random, broadcast, hashSeed: [1, 2], settings: all })
}

/** A clock that can also skip time, in which no timer fires. */
export class SkippingClock extends ManualClock {
  #skippedMs = 0

  override nowMs(): number {
    return super.nowMs() + this.#skippedMs
  }

  override wallMs(): number {
    return super.wallMs() + this.#skippedMs
  }

  skip(ms: number): void {
    this.#skippedMs += ms
  }
}

/** One that was recovered from a disk. */
export interface DurableShard {
  readonly shard: Shard
  readonly journal: ShardJournal
  readonly clock: SkippingClock
  readonly disk: SimulatedDisk
  readonly report: RecoveryReport
}

/** Recovers a shard from a disk, or begins one. */
export async function openShard(
  disk: SimulatedDisk = new SimulatedDisk(),
  options: {
    readonly settings?: Partial<ShardSettings>
    readonly store?: Partial<StoreSettings>
    readonly seed?: number
    readonly clock?: SkippingClock
  } = {},
): Promise<DurableShard> {
  const { settings, store, seed = 1, clock = new SkippingClock() } = options
  const shard = makeShard(settings, clock, seededRandom(seed))
  const report = await shard.durability.recover(disk, { ...STORE, ...store })
  return { shard, journal: shard.durability.journal!, clock, disk, report }
}

/** A shard that is given the records of a log one by one. */
export function makeReplay(): { readonly shard: Shard; readonly replay: Replay; end(): ReplayReport } {
  const clock = new ManualClock()
  // It is later: what has expired since must not be missing when it is changed in the log.
  clock.wallOffsetMs += 1e9
  const shard = makeShard({}, clock)
  const replay = new Replay(shard)
  return { shard, replay, end: () => replay.end() }
}

/** Lets everything go on that waits for nothing but its turn. */
export async function turns(clock?: ManualClock, count = 1): Promise<void> {
  for (let i = 0; i < count; i++) {
    clock?.advance(0)
    await new Promise((resolve) => void setImmediate(resolve))
  }
}
