/**
 * Which slots a shard serves at this moment, and the keys it has of slots that it does not own.
 *
 * While slots move, keys lie in two tables: here, before the slot is ours, or after it was. Readers of memory
 * do not look at them. What lists keys (SCAN, KEYS, DBSIZE) leaves them out, and what happens to them by
 * itself (they expire, are evicted, are removed) is told to nobody.
 *
 * Frozen slots are about to be handed over: commands for them wait until it is known where they belong. Who
 * waits holds up those behind it on all of its keys, and goes on before anything else when the slots thaw.
 *
 * Invariants
 *   1. Before a move begins to come in, nothing is left here of the last time that its slots were ours.
 *   2. What comes in stays until the slots are ours, or the move is given up; whatever else is removed here.
 *   3. With a log, the giver is answered when what it has sent is written, and its last keys when they are
 *      synced: it may decide then. After that only the giver's log knows how the move has ended, so what came
 *      in as a whole waits for its word, also when one of the two is started anew meanwhile.
 *
 * Tests: test/keyspace/shard/slot-keeper.test.ts, test/keyspace/slots.race.test.ts,
 * test/keyspace/consistency/keyspace.prop.test.ts
 */
import { ShardloomError } from '../../base/index.ts'
import type { ClaimedSlots, SlotLog } from '../durability/index.ts'
import {
  type ByteString,
  type Commit,
  dropLocks,
  importLocks,
  putGuests,
  type ShardEngine,
} from '../engine/index.ts'
import { hashSlotOf } from '../hash-slot.ts'
import type { ImportMessage, TakeMessage } from './slot-messages.ts'

/** Keys that one slice looks at. */
const SLICE_KEYS = 512

/** What the keeper needs of its shard. */
export interface SlotKeeperShard {
  readonly id: number
  readonly engine: ShardEngine
  /** Without a log: no slots. */
  readonly durability: { readonly slots: SlotLog | undefined }
  readonly memory: { drawRevisions(count: number): number }
  owns(slot: number): boolean
  /** Whether a transaction over all keys is under way here. */
  isWholeInUse(): boolean
  /** Calls back whenever a key is changed; with '' as the key: all of them. Returns what ends it. */
  onTouched(listener: (db: number, key: ByteString) => void): () => void
  /** Resolves when others have had their turn. */
  breathe(): Promise<void>
}

/** Slots that are coming in. */
interface Incoming {
  readonly slots: Set<number>
  /** Everything was removed here, what had come in with it. */
  isBroken: boolean
  /** All of it is here, and in the log: the giver may have decided. */
  isWhole: boolean
  /** It had begun to come in before this shard was started anew. */
  readonly isRestored?: true
  readonly stop: () => void
}

interface Waiting {
  readonly slots: readonly number[]
  readonly resume: () => void
}

/** The slots of one shard. */
export class SlotKeeper {
  readonly #shard: SlotKeeperShard
  #frozen: ReadonlySet<number> | undefined
  /** Who waits for the slots to thaw, in the order of arrival; and all slots that these use. */
  #waiting: Waiting[] = []
  #waitedFor = new Set<number>()
  /** How many keys here are not ours; asked only when there may be some. */
  #mayHaveForeign = false
  /** What is coming in, by the shard that gives it. */
  readonly #incoming = new Map<number, Incoming>()
  #cleaning: Promise<void> | undefined
  #cleansAgain = false

  constructor(shard: SlotKeeperShard) {
    this.#shard = shard
  }

  /** Whether keys of other shards may be here. */
  get mayHaveForeign(): boolean {
    return this.#mayHaveForeign
  }

  /** Whether some slots are about to be handed over. */
  get isFreezing(): boolean {
    return this.#frozen !== undefined
  }

  /** Whether a command must wait: its slot is frozen, or somebody who waits uses it too. */
  isFrozen(slot: number): boolean {
    return this.#frozen !== undefined && (this.#frozen.has(slot) || this.#waitedFor.has(slot))
  }

  /** Whether keys of a slot are coming in; also when they are all here, and the map does not say so yet. */
  isIncoming(slot: number): boolean {
    for (const { slots } of this.#incoming.values()) if (slots.has(slot)) return true
    return false
  }

  freeze(slots: ReadonlySet<number>): void {
    this.#frozen = slots
  }

  /** The slots have gone, or stay: whoever waited looks where, at once, and in the order of arrival. */
  thaw(): void {
    this.#frozen = undefined
    const waiting = this.#waiting
    this.#waiting = []
    this.#waitedFor = new Set()
    for (const { resume } of waiting) resume()
  }

  /** Calls back when the slots have thawed; until then whoever uses one of these waits behind. */
  wait(slots: readonly number[], resume: () => void): void {
    this.#waiting.push({ slots, resume })
    for (const slot of slots) this.#waitedFor.add(slot)
  }

  whenThawed(slots: readonly number[]): Promise<void> {
    if (this.#frozen === undefined) return Promise.resolve()
    return new Promise((resolve) => this.wait(slots, resolve))
  }

  /** Slots were given away: their keys are still here. */
  markForeign(): void {
    this.#setForeign(true)
  }

  #setForeign(may: boolean): void {
    this.#mayHaveForeign = may
    this.#shard.engine.isHidden = may ? (key) => this.isForeign(key) : undefined
  }

  isForeign(key: ByteString): boolean {
    return this.#mayHaveForeign && !this.#shard.owns(hashSlotOf(key))
  }

  /** Takes keys in, unseen. @throws SHL_SHARD_DOWN when the move did not begin here, or all was removed */
  async importKeys({ from, slots, keys, locks }: ImportMessage): Promise<void> {
    const { engine, id } = this.#shard
    const log = this.#shard.durability.slots
    if (slots !== undefined) await this.#beginImport(from, new Set(slots))
    const incoming = this.#incoming.get(from)
    // One of an earlier life has what was sent to that; whether all of it was, only the giver knows.
    if (incoming === undefined || incoming.isRestored === true) {
      throw new ShardloomError('SHL_SHARD_DOWN', { shard: id, reason: 'it has begun anew' })
    }
    // A move is no change: whoever watches a key, or writes on condition of its revision, sees the same one.
    for (const guest of keys) {
      engine.capture(() => putGuests(engine, [guest]), guest.revision)
      log?.key(guest)
    }
    if (locks === undefined) {
      await log?.written()
      return
    }
    // Its part elsewhere is done, perhaps: it must find these keys there or here, not at both.
    while (this.#shard.isWholeInUse()) await this.#shard.breathe()
    if (incoming.isBroken || this.#incoming.get(from) !== incoming) {
      throw new ShardloomError('SHL_SHARD_DOWN', { shard: id, reason: 'the database was emptied' })
    }
    importLocks(engine.locks, locks)
    // It is kept until the map has changed, which the giver does: nothing may be removed until then.
    incoming.stop()
    incoming.isWhole = true
    await log?.synced()
  }

  /**
   * The giver has decided: the slots are ours, as soon as the map says so. If they have been given on since,
   * that is what counts. @throws SHL_LOG_FAILED
   */
  async take({ slots, epoch }: TakeMessage): Promise<void> {
    const log = this.#shard.durability.slots
    const news = slots.filter((slot) => log?.claims.isNews(slot, epoch) === true)
    if (news.length > 0) log?.taken(news, epoch)
    this.forgetArrived()
    await log?.synced()
  }

  /** The move was given up: what came in goes again. */
  dropImported(from: number): void {
    this.#endImport(from)
    if (this.#mayHaveForeign) void this.removeForeign()
  }

  /** A giver is lost. Whether what came from it is whole: then its log says what becomes of it. */
  onGiverLost(from: number): boolean {
    if (this.#shard.durability.slots !== undefined && this.#incoming.get(from)?.isWhole === true) return true
    this.dropImported(from)
    return false
  }

  /** The giver has ended its moves, by the time `ended` resolves; then what is not ours by now goes. */
  async settle(from: number, ended: Promise<unknown>): Promise<void> {
    const incoming = this.#incoming.get(from)
    await ended
    // Another one may have begun.
    if (incoming !== undefined && this.#incoming.get(from) === incoming) this.dropImported(from)
  }

  /**
   * Goes on after a replay, with the map as it is now. Of slots that were coming the giver may not have
   * decided yet, if this shard alone was started anew: whom they come from, to be settled.
   */
  restore(claims: readonly ClaimedSlots[], isAlone: boolean): number[] {
    const from = new Set<number>()
    for (const { type, shard, slots } of claims) {
      if (type !== 'coming') continue
      this.#claimArrived(slots)
      const others = slots.filter((slot) => !this.#shard.owns(slot))
      if (others.length === 0) continue
      if (isAlone) {
        const known = this.#incoming.get(shard)?.slots ?? []
        const stop = (): void => undefined
        this.#incoming.set(shard, {
          slots: new Set([...known, ...others]),
          isBroken: false,
          isWhole: true,
          isRestored: true,
          stop,
        })
        from.add(shard)
      }
    }
    this.#setForeign(true)
    void this.removeForeign()
    return [...from]
  }

  async #beginImport(from: number, slots: Set<number>): Promise<void> {
    this.forgetArrived()
    // Of a move before that nobody ended.
    if (this.#incoming.has(from)) this.dropImported(from)
    this.#takeFromOthers(slots)
    while (this.#cleaning !== undefined) await this.#cleaning
    this.#setForeign(true)
    const stop = this.#shard.onTouched((_db, key) => {
      if (key === '') incoming.isBroken = true
    })
    const incoming: Incoming = { slots, isBroken: false, isWhole: false, stop }
    this.#incoming.set(from, incoming)
    this.#shard.durability.slots?.coming(from, [...slots])
  }

  /** Whoever gives slots has them: what came of them from somebody else will not be ours. */
  #takeFromOthers(slots: ReadonlySet<number>): void {
    let isLeft = false
    for (const incoming of this.#incoming.values()) {
      for (const slot of slots) if (incoming.slots.delete(slot)) isLeft = true
    }
    if (isLeft) void this.removeForeign()
  }

  /** What has become ours is not coming in any more. */
  forgetArrived(): void {
    for (const [from, { slots }] of this.#incoming) {
      if ([...slots].every((slot) => this.#shard.owns(slot))) this.#endImport(from)
    }
  }

  #endImport(from: number): void {
    const incoming = this.#incoming.get(from)
    incoming?.stop()
    this.#incoming.delete(from)
    // If it was not told that they are its own: the log must not say any more that they are another's.
    this.#claimArrived([...(incoming?.slots ?? [])])
  }

  /** Logs that slots are ours which the log says are coming. */
  #claimArrived(slots: readonly number[]): void {
    const { durability, memory } = this.#shard
    const log = durability.slots
    const ours = slots.filter((slot) => this.#shard.owns(slot) && log?.claims.isComing(slot) === true)
    if (ours.length > 0) log?.taken(ours, memory.drawRevisions(1))
  }

  /** Removes the keys that are not ours, and not about to be, in slices. */
  removeForeign(): Promise<void> {
    this.#cleansAgain = true
    this.#cleaning ??= this.#clean().finally(() => {
      this.#cleaning = undefined
      // Asked for after the last look.
      if (this.#cleansAgain) void this.removeForeign()
    })
    return this.#cleaning
  }

  async #clean(): Promise<void> {
    while (this.#cleansAgain) {
      this.#cleansAgain = false
      await this.#cleanOnce()
    }
    this.forgetArrived()
    if (this.#incoming.size === 0) this.#setForeign(false)
  }

  async #cleanOnce(): Promise<void> {
    const { engine } = this.#shard
    const isWaste = (slot: number): boolean => !this.#shard.owns(slot) && !this.isIncoming(slot)
    dropLocks(engine.locks, (name) => isWaste(hashSlotOf(name)))
    // Whoever computes goes on, and those who wait ask again at the new place.
    dropLocks(engine.flights, (name) => isWaste(hashSlotOf(name.slice(name.indexOf(':') + 1))))
    for (const database of engine.openDatabases()) {
      let cursor = 0
      do {
        const found: ByteString[] = []
        engine.capture(() => {
          cursor = database.scan(cursor, SLICE_KEYS, (key) => {
            if (isWaste(hashSlotOf(key))) found.push(key)
          })
          for (const key of found) database.delete(key)
        })
        await this.#shard.breathe()
      } while (cursor !== 0)
    }
  }

  /** What others may know of a commit: nothing of keys that are not ours. Undefined: nothing at all. */
  visible(commit: Commit): Commit | undefined {
    if (!this.#mayHaveForeign) return commit
    const changes = commit.changes.filter(({ key }) => key === '' || !this.isForeign(key))
    return changes.length === 0 ? undefined : { ...commit, changes }
  }
}
