/**
 * Locks that move: to another shard with their hash slot, or into a snapshot.
 *
 *     the giver                    the taker
 *     exportLocks  ──── state ───▶ importLocks, logged and durable
 *     dropLocks    ◀──── done ────
 *
 * In two steps on the giver's side, so that a crash between them leaves a lock in two places rather than in
 * none; whoever moves the slot lets nobody ask for it in the meantime. A lease moves with what is left of it,
 * and grows by the time of the move: too long is safe. Who waits is told to ask again at the new place, since
 * the connection that waits is known to the giver only; the state names them all the same, for whoever wants
 * to tell them.
 *
 * Tests: test/keyspace/engine/locks/lock-transfer.test.ts
 */
import type { ByteString } from '../byte-string.ts'
import { floorEffect, grantedEffect } from './lock-host.ts'
import type { HolderInfo, LockInfo, WaiterInfo } from './lock-info.ts'
import type { LockTable } from './lock-table.ts'

/** A lock on its way. */
export interface LockState {
  readonly name: ByteString
  readonly holders: readonly HolderInfo[]
  readonly waiters: readonly WaiterInfo[]
}

/** The locks of a hash slot, or of several. */
export interface LocksState {
  /** No token of these names is above it. */
  readonly tokenFloor: number
  readonly locks: readonly LockState[]
}

/** Copies the locks that `isTheirs` names. Those that are not held, too: see `LockState.waiters`. */
export function exportLocks(table: LockTable, isTheirs: (name: ByteString) => boolean): LocksState {
  const locks = infos(table, isTheirs).map(({ name, holders, waiters }) => ({ name, holders, waiters }))
  return { tokenFloor: table.tokens.last, locks }
}

/** Takes over locks: the leases run on, and later tokens are above all that were ever drawn for them. */
export function importLocks(table: LockTable, { tokenFloor, locks }: LocksState): void {
  table.atomically(() => {
    table.raiseTokens(tokenFloor)
    for (const { name, holders } of locks) {
      for (const holder of holders) table.restore(name, holder, holder.remainingMs)
    }
  })
}

/** Forgets locks that were taken over; who waits for them is told to ask again. Returns how many. */
export function dropLocks(table: LockTable, isTheirs: (name: ByteString) => boolean): number {
  const names = [...table.names()].filter(isTheirs)
  table.atomically(() => {
    for (const name of names) table.drop(name)
  })
  return names.length
}

/** What a log must begin with to have the locks as they are now. */
export function lockEffects(table: LockTable): readonly (readonly ByteString[])[] {
  const leases = infos(table, () => true).flatMap(({ name, holders }) =>
    holders.map((holder) => grantedEffect(name, holder)),
  )
  return [floorEffect(table.tokens.last), ...leases]
}

function infos(table: LockTable, isTheirs: (name: ByteString) => boolean): readonly LockInfo[] {
  return [...table.names()]
    .filter(isTheirs)
    .map((name) => table.info(name))
    .filter((info) => info !== undefined)
}
