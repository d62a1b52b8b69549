/**
 * What makes a shard durable: its journal, its snapshots, and who waits for which level. A shard in memory
 * has one of these, too, that does nothing.
 *
 * Tests: test/keyspace/durability/durable-keyspace.race.test.ts
 */
import type { Clock, Disk, TimerHandle } from '../../base/index.ts'
import { commandTable } from '../commands/index.ts'
import {
  levelNumber,
  openStore,
  type PartLog,
  type RecoveryReport,
  type Replay,
  type ShardJournal,
  SlotLog,
  type SnapshotReport,
  Snapshotter,
  type StoreSettings,
} from '../durability/index.ts'
import {
  type CommandSpec,
  type Commit,
  type ErrorReply,
  type ShardEngine,
  TRAIT_WRITE,
  traitsOf,
} from '../engine/index.ts'
import type { KeyspaceMemory } from '../shared/keyspace-memory.ts'
import { type CommitFeed, ReplayedChanges, type WatchHub } from '../watch/index.ts'
import { hasSeveralKeys } from './command-keys.ts'
import type { LogFigures } from './shard-figures.ts'
import type { ShardSettings } from './shard-options.ts'
import type { SlotKeeper } from './slot-keeper.ts'

/** What durability needs of its shard. */
export interface DurableShard {
  readonly id: number
  readonly engine: ShardEngine
  readonly memory: KeyspaceMemory
  readonly clock: Clock
  readonly settings: Pick<ShardSettings, 'sliceMs' | 'historyMax' | 'historyBytesMax'>
  slotOf(key: string): number
  /** Commands since it began. */
  readonly commands: number
  readonly slots: Pick<SlotKeeper, 'isFreezing' | 'mayHaveForeign' | 'visible'>
  readonly listeners: { readonly commits: CommitFeed; readonly watch: WatchHub }
  /** The engine's wall clock stands at this time; undefined: it runs. */
  setTime(atMs: number | undefined): void
  breathe(): Promise<void>
}

/** The durability of one shard. */
export class ShardDurability {
  readonly #shard: DurableShard
  #journal: ShardJournal | undefined
  #slots: SlotLog | undefined
  #snapshotter: Snapshotter | undefined
  #settings: StoreSettings | undefined
  #replay: Replay | undefined
  #past: ReplayedChanges | undefined
  #hasOtherKeys = false
  /** The position behind the last snapshot, and how much that took. */
  #snapshotAt = 0
  #snapshotSize = 0
  /** Commits that the last snapshot has, and what became of it. */
  #changesAtSnapshot = 0
  #last = { count: 0, wallMs: 0, ms: -1, hasFailed: false }
  #timer: TimerHandle | undefined

  constructor(shard: DurableShard) {
    this.#shard = shard
  }

  get journal(): ShardJournal | undefined {
    return this.#journal
  }

  /** What is logged of slots that move; undefined without a log. */
  get slots(): SlotLog | undefined {
    return this.#slots
  }

  /** Makes of the engine what the log says, and logs what happens from now on. */
  async recover(disk: Disk, settings: StoreSettings): Promise<RecoveryReport> {
    const shard = this.#shard
    const { engine, memory, clock } = shard
    const { historyMax, historyBytesMax } = shard.settings
    const past = new ReplayedChanges({ recordsMax: historyMax, bytesMax: historyBytesMax })
    this.#past = past
    const { journal, replay, report, hasOtherKeys } = await openStore(
      disk,
      clock,
      shard.id,
      settings,
      shard,
      (fraction) => {
        memory.setProgress(shard.id, fraction)
      },
      {
        forget: (revision) => past.forget(revision),
        commit: (commit) => past.addCommit(commit, engine),
        plainSet: past.addPlainSet,
      },
    )
    memory.raiseRevision(report.revision)
    // Time goes on from there, whatever the clock of the machine says.
    memory.wallMs(report.atMs)
    journal.parts.restore(report.decided)
    this.#journal = journal
    this.#replay = replay
    this.#settings = settings
    this.#hasOtherKeys = hasOtherKeys
    this.#changesAtSnapshot = engine.stats.changes
    this.#snapshotAt = journal.log.appended
    const revision = (): number => memory.revision
    const wallMs = (): number => memory.wallMs(clock.wallMs())
    const slots = new SlotLog(journal.log, { id: shard.id, revision, wallMs }, replay.slots)
    this.#slots = slots
    const snapshotter = new Snapshotter({
      engine,
      journal,
      slots,
      clock,
      sliceMs: shard.settings.sliceMs,
      revision,
      wallMs,
      hasSeveralKeys: mayReadOthers,
      isFreezing: () => shard.slots.isFreezing,
      commands: () => shard.commands,
      breathe: () => shard.breathe(),
    })
    this.#snapshotter = snapshotter
    const lookForDue = (): void => {
      if (journal.log.appended >= this.#dueAt(settings)) void this.snapshot().catch(() => undefined)
    }
    shard.listeners.commits.addLog(
      (commit) => {
        journal.add(shard.slots.mayHaveForeign ? this.#told(commit) : commit)
        snapshotter.onCommit(commit)
        lookForDue()
      },
      (bytes, keyOffset, keyLength, valueOffset, valueLength, revision) => {
        const place = { keyOffset, keyLength, valueOffset, valueLength, revision }
        journal.addPlainSet(bytes, engine.nowMs, place)
        lookForDue()
      },
    )
    this.#snapshotLater()
    return report
  }

  /** Ends the doubt about parts of transactions: those that were decided are made true, the rest given up. */
  resolve(decided: readonly number[]): void {
    const { memory, clock } = this.#shard
    const inDoubt = this.#replay?.inDoubt ?? []
    const found = new Set(this.#replay?.resolve(new Set(decided)))
    for (const revision of inDoubt) {
      this.parts?.endRestored(revision, memory.wallMs(clock.wallMs()), found.has(revision))
    }
    this.#replay = undefined
    const records = this.#past?.take() ?? []
    // A log without a word is one that nobody has watched.
    if (records.length > 0) this.#shard.listeners.watch.restore(this.#past!.compactedAt, records)
    this.#past = undefined
    // Until then files need a key that is to go.
    if (this.#hasOtherKeys) void this.snapshot().catch(() => undefined)
  }

  /** The parts of transactions in the log; undefined without one. */
  get parts(): PartLog | undefined {
    return this.#journal?.parts
  }

  /** A part of a transaction is true here, and decided. */
  conclude(revision: number): void {
    const { memory, clock } = this.#shard
    const changes = this.parts?.conclude(revision, memory.wallMs(clock.wallMs()))
    if (changes !== undefined) this.#snapshotter?.onConcluded(changes)
  }

  /** A part of a transaction that is in the log will never be. */
  forget(revision: number): void {
    const { memory, clock } = this.#shard
    const changes = this.parts?.forget(revision, memory.wallMs(clock.wallMs()))
    if (changes !== undefined) this.#snapshotter?.onConcluded(changes)
  }

  /** A snapshot of this shard now. Undefined: there is no log. @throws SHL_LOG_FAILED */
  async snapshot(): Promise<SnapshotReport | undefined> {
    const [journal, snapshotter] = [this.#journal, this.#snapshotter]
    if (journal === undefined || snapshotter === undefined) return undefined
    const { changes } = this.#shard.engine.stats
    const report = await snapshotter.run().catch((error: unknown) => {
      this.#last = { ...this.#last, hasFailed: true }
      throw error
    })
    const wallMs = this.#shard.clock.wallMs()
    this.#changesAtSnapshot = changes
    this.#last = { count: this.#last.count + 1, wallMs, ms: report.ms, hasFailed: false }
    this.#snapshotAt = journal.log.appended
    this.#snapshotSize = report.bytes
    return report
  }

  /** Why a command is not to be run now; undefined when it may. */
  refusalOf(spec: CommandSpec): ErrorReply | undefined {
    return (traitsOf(spec) & TRAIT_WRITE) !== 0 ? this.#journal?.refusal : undefined
  }

  /**
   * A result, when it may be told: when what it may speak of has reached the level. `before` is `appended` as
   * it was before the work, `asked` the highest level by number, `isDefault` whether somebody asked for none,
   * `told` what it may speak of. Default: all that is appended when it is there.
   */
  acknowledged<T>(
    result: T | Promise<T>,
    before: number,
    asked = 0,
    isDefault = true,
    told?: number,
  ): T | Promise<T> {
    const journal = this.#journal
    if (journal === undefined) return result
    if (result instanceof Promise) {
      return result.then((value) => this.acknowledged(value, before, asked, isDefault, told))
    }
    const wait = journal.settled(before, asked, isDefault, told)
    return wait === undefined ? result : wait.then(() => result)
  }

  /**
   * Resolves when what was committed by now is as durable as an acknowledgement is by default. On a log that
   * has failed it never will be: then at once, since whoever reads sees it, too.
   */
  told(): Promise<void> | undefined {
    return this.#journal?.settled(-1, 0, true)?.catch(() => undefined)
  }

  /** Resolves when what was committed by now outlives a power cut; undefined: it does, or never will. */
  synced(): Promise<void> | undefined {
    return this.#journal?.settled(-1, levelNumber('fsync'), false)
  }

  /** Commits that the last snapshot has; what was replayed when it began. */
  get changesAtSnapshot(): number {
    return this.#changesAtSnapshot
  }

  /** What is told of the log; undefined: there is none. */
  get figures(): LogFigures | undefined {
    const journal = this.#journal
    if (journal === undefined) return undefined
    const { log, level } = journal
    const { count, wallMs, ms, hasFailed } = this.#last
    return {
      level,
      appended: log.appended,
      written: log.written,
      synced: log.synced,
      isFull: log.isFull,
      failure: log.failure?.message,
      isSnapshotting: this.#snapshotter?.isRunning === true,
      snapshots: count,
      snapshotWallMs: wallMs,
      snapshotMs: ms,
      snapshotHasFailed: hasFailed,
    }
  }

  /** The position behind what was appended; 0 without a log. */
  get appended(): number {
    return this.#journal?.log.appended ?? 0
  }

  /** Writes what there is. */
  async close(): Promise<void> {
    this.#timer?.cancel()
    this.#snapshotter?.close()
    await this.#journal?.log.close()
  }

  /** What happens to keys that are not this shard's is logged, and told to nobody, also not later. */
  #told(commit: Commit): Commit {
    return { ...commit, changes: this.#shard.slots.visible(commit)?.changes ?? [] }
  }

  #dueAt({ snapshotBytes }: StoreSettings): number {
    if (this.#snapshotter?.isRunning === true) return Number.POSITIVE_INFINITY
    return this.#snapshotAt + Math.max(snapshotBytes, this.#snapshotSize)
  }

  #snapshotLater(): void {
    const everyMs = this.#settings?.snapshotEveryMs ?? 0
    if (everyMs === 0) return
    const run = async (): Promise<void> => {
      // A log that cannot be written says so to those who write.
      if (this.appended > this.#snapshotAt) await this.snapshot().catch(() => undefined)
      this.#snapshotLater()
    }
    this.#timer = this.#shard.clock.after(everyMs, () => void run(), { unref: true })
  }
}

/** Whether an effect may have read other keys than those that it changed. */
function mayReadOthers(name: string): boolean {
  const spec = commandTable.get(name.toLowerCase())
  return spec === undefined || spec.keys === undefined || hasSeveralKeys(spec)
}
