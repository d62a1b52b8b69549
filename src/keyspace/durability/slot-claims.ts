/**
 * Who owns a hash slot, as the logs say it, and the payload of the records that say so.
 *
 *     giver's log     …  ──────────────────────────────────────  given  …
 *     taker's log     coming  key  key  locks  key ·(synced)·            taken  …
 *
 * `given` is the decision, and it is logged and synced when the taker's log has every key, synced: so a slot
 * is lost in no crash, and belongs to one shard. `taken` says the same in the other log, where it is not lost
 * together with the giver's. Slots that nobody has ever given away lie where they were dealt.
 *
 * A move has an epoch, which is a revision: of two records that speak of one slot the one with the newer
 * epoch is right. What came in and was never given is foreign, and goes. `coming` clears: what a shard still
 * had of a slot from the last time that it owned it is nothing that will be there once it comes back.
 *
 *     payload   type · what follows
 *     coming    1 · the giver · 1: what is here of the slots goes, 0: it says so again in a snapshot · slots
 *     key       2 · as a `state` record
 *     given     3 · the taker · slots
 *     taken     4 · slots
 *     slots     count of runs · each: slots left out before it · slots in it
 *
 * Invariant: of the records on a slot in one log the last that it is coming counts, and the newest, by epoch,
 * that says who owns it; the former only until the latter.
 * Tests: test/keyspace/durability/slot-claims.test.ts
 */
import { assert } from '../../base/index.ts'
import type { RecordSink } from '../../storage/index.ts'
import { PayloadReader } from './commit-payload.ts'

/** Types of `slots` records. Stored: never change one. */
export const SLOTS_COMING = 1
export const SLOTS_KEY = 2
export const SLOTS_GIVEN = 3
export const SLOTS_TAKEN = 4

const SLOTS_MAX = 16_384

/** What a log says of some slots. */
export interface SlotClaim {
  readonly type: 'coming' | 'given' | 'taken'
  /** Whom they come from, or were given to; of what was taken: who has it. */
  readonly shard: number
  /** Of what is coming: 0. */
  readonly epoch: number
}

/** The slots that one claim is of. */
export interface ClaimedSlots extends SlotClaim {
  readonly slots: readonly number[]
}

/** What one log says of slots. */
export class SlotClaims {
  /** Who owns a slot; and, besides, that it may be about to come back. */
  readonly #decided = new Map<number, SlotClaim>()
  readonly #coming = new Map<number, SlotClaim>()

  set(slots: Iterable<number>, claim: SlotClaim): void {
    const isComing = claim.type === 'coming'
    for (const slot of slots) {
      if (isComing) this.#coming.set(slot, claim)
      else if (this.isNews(slot, claim.epoch)) {
        this.#decided.set(slot, claim)
        this.#coming.delete(slot)
      }
    }
  }

  /** Whether a claim of this epoch says something that is not out of date. */
  isNews(slot: number, epoch: number): boolean {
    return epoch >= (this.#decided.get(slot)?.epoch ?? 0)
  }

  /** Whether keys of a slot may be here that are not this shard's, or were not. */
  has(slot: number): boolean {
    return this.#decided.has(slot) || this.#coming.has(slot)
  }

  /** Whether a slot is coming, as far as the log says; it may have been given up since. */
  isComing(slot: number): boolean {
    return this.#coming.has(slot)
  }

  /** All of them, those of one record together, and who owns a slot before what is coming. */
  all(): ClaimedSlots[] {
    return [...claimedIn(this.#decided), ...claimedIn(this.#coming)]
  }
}

function claimedIn(claims: ReadonlyMap<number, SlotClaim>): ClaimedSlots[] {
  const slotsOf = new Map<SlotClaim, number[]>()
  for (const [slot, claim] of [...claims].sort(([a], [b]) => a - b)) {
    const known = slotsOf.get(claim)
    if (known === undefined) slotsOf.set(claim, [slot])
    else known.push(slot)
  }
  return [...slotsOf].map(([claim, slots]) => ({ ...claim, slots }))
}

/** Who owns the slots that were moved, by what all logs say of them. */
export function ownersBy(claims: Iterable<ClaimedSlots>): Map<number, number> {
  const newest = new Map<number, SlotClaim>()
  for (const { slots, ...claim } of claims) {
    if (claim.type === 'coming') continue
    for (const slot of slots) {
      if (claim.epoch >= (newest.get(slot)?.epoch ?? 0)) newest.set(slot, claim)
    }
  }
  return new Map([...newest].map(([slot, { shard }]) => [slot, shard]))
}

/** Writes what a claim says. */
export function writeClaim(
  sink: RecordSink,
  { type, shard, slots }: ClaimedSlots,
  isCarriedOver: boolean,
): void {
  sink.number(type === 'coming' ? SLOTS_COMING : type === 'given' ? SLOTS_GIVEN : SLOTS_TAKEN)
  if (type !== 'taken') sink.number(shard)
  if (type === 'coming') sink.number(isCarriedOver ? 0 : 1)
  const runs = runsOf([...slots].sort((a, b) => a - b))
  sink.number(runs.length)
  let at = 0
  for (const { first, count } of runs) {
    sink.number(first - at)
    sink.number(count)
    at = first + count
  }
}

/** A `slots` record. */
export type SlotRecord =
  | { readonly type: 'key'; readonly reader: PayloadReader }
  | (Omit<ClaimedSlots, 'epoch'> & { readonly isClearing: boolean })

/**
 * What a payload says; `self` is the shard whose log it is in: the one that has what it has taken.
 * @throws SHL_ASSERTION when it is none
 */
export function readSlotRecord(payload: Uint8Array, self = 0): SlotRecord {
  const reader = new PayloadReader(payload)
  const number = reader.number()
  if (number === SLOTS_KEY) return { type: 'key', reader }
  assert(number >= SLOTS_COMING && number <= SLOTS_TAKEN, 'a record of slots has a type')
  const shard = number === SLOTS_TAKEN ? self : reader.number()
  const isClearing = number === SLOTS_COMING && reader.number() === 1
  const slots = readSlots(reader)
  const type = number === SLOTS_COMING ? 'coming' : number === SLOTS_GIVEN ? 'given' : 'taken'
  return { type, shard, slots, isClearing }
}

function readSlots(reader: PayloadReader): number[] {
  const slots: number[] = []
  let at = 0
  for (let left = reader.number(); left > 0; left--) {
    at += reader.number()
    const end = at + reader.number()
    assert(end <= SLOTS_MAX, 'a slot has a number')
    while (at < end) slots.push(at++)
  }
  assert(reader.isAtEnd, 'a claim ends with its slots')
  return slots
}

function runsOf(slots: readonly number[]): { first: number; count: number }[] {
  const runs: { first: number; count: number }[] = []
  for (const slot of slots) {
    const last = runs.at(-1)
    if (last !== undefined && last.first + last.count === slot) last.count++
    else runs.push({ first: slot, count: 1 })
  }
  return runs
}
