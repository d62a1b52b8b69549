/**
 * Runs the commands of a transaction on its coordinator's shard, with the keys of the others.
 *
 * In memory only, the keys of the others come as guests (`engine/guests.ts`), and those of this shard are
 * changed in place: when it is lost they are, too. With a log nothing may be true before it is decided, so
 * that all run on copies (`scratch.ts`).
 *
 * Tests: test/keyspace/shard/coordinator.test.ts, test/keyspace/durability/transactions.crash.test.ts
 */
import {
  type Guest,
  guestOf,
  type KeyPatch,
  patchEffects,
  patchesOf,
  putGuests,
  removeGuests,
} from '../engine/index.ts'
import { Scratch } from './scratch.ts'
import type { Shard } from './shard.ts'
import type { TransactionKey } from './transaction-messages.ts'

/** What commands have answered, and what is to become of keys. */
export interface Ran {
  readonly replies: Uint8Array
  readonly patches: readonly KeyPatch[]
}

/** Runs what one coordinator was given. */
export class TransactionRuns {
  readonly #shard: Shard
  /** For the next transaction that needs one. */
  #spare: Scratch | undefined

  constructor(shard: Shard) {
    this.#shard = shard
  }

  /** Runs a batch as one: `ownKeys` are here, `guests` are all others that it uses. */
  run(
    tx: number,
    ownKeys: readonly TransactionKey[],
    guests: readonly Guest[],
    batch: Uint8Array,
    revision: number,
  ): Ran {
    const isInMemory = this.#shard.durability.parts === undefined
    if (isInMemory) return this.#inPlace(tx, guests, batch, revision)
    return this.#aside(ownKeys, guests, batch, revision)
  }

  /** A place for copies; to be given back. */
  takeScratch(): Scratch {
    const scratch = this.#spare ?? new Scratch(this.#shard)
    this.#spare = undefined
    return scratch
  }

  giveBack(scratch: Scratch): void {
    scratch.clear()
    if (scratch.isSmall) this.#spare = scratch
  }

  /** Runs commands on copies of all their keys. */
  #aside(
    ownKeys: readonly TransactionKey[],
    guests: readonly Guest[],
    batch: Uint8Array,
    revision: number,
  ): Ran {
    const scratch = this.takeScratch()
    try {
      for (const { db, key } of ownKeys) scratch.copy(db, key)
      for (const guest of guests) scratch.bring(guest.db, guest)
      const replies = scratch.run(() => this.#shard.runBatch(batch, scratch.engine), revision)
      return { replies, patches: scratch.patches() }
    } finally {
      this.giveBack(scratch)
    }
  }

  /** Runs commands here, with guests; what has become of these is given back. */
  #inPlace(tx: number, guests: readonly Guest[], batch: Uint8Array, revision: number): Ran {
    const shard = this.#shard
    const { engine, slots } = shard
    // Copies of theirs may be here, of slots that are coming in: these must be here afterwards, too.
    const copies = slots.mayHaveForeign ? guests.map(({ db, key }) => guestOf(engine, db, key)) : []
    engine.capture(() => putGuests(engine, guests))
    engine.guestTokens = new Map(guests.map(({ key, tokens }) => [key, tokens]))
    const { value: replies, commit } = engine.capture(() => shard.runBatch(batch), revision)
    engine.guestTokens = undefined
    const changed = commit === undefined ? [] : patchesOf(engine, commit.changes)
    engine.capture(() => {
      removeGuests(engine, guests)
      putGuests(engine, copies)
    })
    const isGuest = isOneOf(guests)
    const isHome = (one: { readonly db: number; readonly key: string }): boolean => !isGuest(one)
    const home = changed.filter(isHome)
    if (commit !== undefined && home.length > 0) {
      const changes = commit.changes.filter(isHome)
      shard.participant.onChanged(tx, { ...commit, effects: patchEffects(home), changes }, true)
    }
    return { replies, patches: changed.filter((patch) => !isHome(patch)) }
  }
}

/** Whether a key is one of these. */
export function isOneOf(
  list: readonly { readonly db: number; readonly key: string }[],
): (one: { readonly db: number; readonly key: string }) => boolean {
  const names = new Set(list.map(({ db, key }) => `${db}:${key}`))
  return ({ db, key }) => names.has(`${db}:${key}`)
}
