/**
 * Which slots a shard serves at this moment, and the keys it has of slots that it does not own.
 *
 * While slots move, keys lie in two tables: here, before the slot is ours, or after it was. Readers of memory do
 * not look at them. What lists keys (SCAN, KEYS, DBSIZE) leaves them out, and what happens to them by itself
 * (they expire, are evicted, are removed) is told to nobody.
 *
 * Frozen slots are about to be handed over: commands for them wait until it is known where they belong.
 * Tests: test/keyspace/slots.race.test.ts
 */
import type { ByteString, Commit, ShardEngine } from '../engine/index.ts'
import { dropLocks, importLocks, putGuests } from '../engine/index.ts'
import { hashSlotOf } from '../hash-slot.ts'
import type { ImportMessage } from './slot-messages.ts'

/** Keys that one slice looks at. */
const SLICE_KEYS = 512

/** What the keeper needs of its shard. */
export interface SlotKeeperShard {
  readonly id: number
  readonly engine: ShardEngine
  owns(slot: number): boolean
  /** Resolves when others have had their turn. */
  breathe(): Promise<void>
}

/** The slots of one shard. */
export class SlotKeeper {
  readonly #shard: SlotKeeperShard
  #frozen: ReadonlySet<number> | undefined
  #thawed: (() => void)[] = []
  /** How many keys here are not ours; asked only when there may be some. */
  #mayHaveForeign = false
  /** Since when keys have been coming in, from which shards. */
  readonly #importing = new Set<number>()

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

  isFrozen(slot: number): boolean {
    return this.#frozen?.has(slot) === true
  }

  freeze(slots: ReadonlySet<number>): void {
    this.#frozen = slots
  }

  /** The slots have gone, or stay: whoever waited looks where. */
  thaw(): void {
    this.#frozen = undefined
    const waiting = this.#thawed
    this.#thawed = []
    for (const resume of waiting) resume()
  }

  whenThawed(): Promise<void> {
    if (this.#frozen === undefined) return Promise.resolve()
    return new Promise((resolve) => void this.#thawed.push(resolve))
  }

  /** Slots were given away: their keys are still here. */
  markForeign(): void {
    this.#mayHaveForeign = true
  }

  isForeign(key: ByteString): boolean {
    return this.#mayHaveForeign && !this.#shard.owns(hashSlotOf(key))
  }

  /** Takes keys in, unseen. */
  importKeys({ from, keys, locks }: ImportMessage): void {
    const { engine } = this.#shard
    this.#mayHaveForeign = true
    this.#importing.add(from)
    engine.capture(() => putGuests(engine, keys))
    if (locks === undefined) return
    importLocks(engine.locks, locks)
    this.#importing.delete(from)
  }

  /** The move was given up, or its shard is lost: what came in goes again. */
  dropImported(from: number): void {
    if (this.#importing.delete(from)) void this.removeForeign()
  }

  /** Removes the keys that are not ours, in slices. */
  async removeForeign(): Promise<void> {
    const { engine, owns } = this.#bound()
    dropLocks(engine.locks, (name) => !owns(hashSlotOf(name)))
    // Whoever computes goes on, and those who wait ask again at the new place.
    dropLocks(engine.flights, (name) => !owns(hashSlotOf(name.slice(name.indexOf(':') + 1))))
    for (const database of engine.openDatabases()) {
      let cursor = 0
      do {
        const found: ByteString[] = []
        engine.capture(() => {
          cursor = database.scan(cursor, SLICE_KEYS, (key) => {
            if (!owns(hashSlotOf(key))) found.push(key)
          })
          for (const key of found) database.delete(key)
        })
        await this.#shard.breathe()
        // Keys of another move are coming in: they are not ours yet, and must stay.
        if (this.#importing.size > 0) return
      } while (cursor !== 0)
    }
    if (this.#importing.size === 0) this.#mayHaveForeign = false
  }

  /** What others may know of a commit: nothing of keys that are not ours. Undefined: nothing at all. */
  visible(commit: Commit): Commit | undefined {
    if (!this.#mayHaveForeign) return commit
    const changes = commit.changes.filter(({ key }) => key === '' || !this.isForeign(key))
    return changes.length === 0 ? undefined : { ...commit, changes }
  }

  #bound(): { readonly engine: ShardEngine; owns(slot: number): boolean } {
    const shard = this.#shard
    return { engine: shard.engine, owns: (slot) => shard.owns(slot) }
  }
}
