/**
 * Moves hash slots away from a shard while it goes on serving them.
 *
 *     copy      every key of the slots, in slices; what is changed meanwhile is noted
 *     catch up  the noted keys again, until few are left
 *     freeze    commands for the slots wait; transactions on them end; the last keys and the locks go
 *     decide    with a log: that they are given is logged, and synced, when the other log has them
 *     hand over the slot map names the new owner; who waited is told to go there
 *     clean up  the keys are removed here, in slices, unseen
 *
 * Readers of memory follow the slot map, and find each key in one place or the other: it is complete there
 * before the map changes, and stays here until after. Order is kept by the callers' routers, which let
 * nothing overtake what was refused here (`command-router.ts`). When the other shard is lost on the way, the
 * slots stay here, and nothing has happened.
 *
 * When this log fails as it decides, nobody knows whether it has. Then the other shard logs that the slots
 * are its own, before the map says so. If its log fails, too, both are read-only, and have the same keys.
 *
 * Invariants
 *   1. At each moment one shard owns a slot; only the owner gives it away.
 *   2. When the map changes, the new owner has every key of the slot as the last command here left it.
 *
 * Cost: a scan of the table, and the keys' bytes twice; the pause is that of one message, and with logs of
 * two syncs (reported).
 * Tests: test/keyspace/slots.race.test.ts, test/keyspace/consistency/keyspace.prop.test.ts
 */
import type { ActorRef } from '../../actor/index.ts'
import { ShardloomError } from '../../base/index.ts'
import {
  type ByteString,
  dropLocks,
  exportLocks,
  type Guest,
  guestOf,
  importLocks,
  type LocksState,
} from '../engine/index.ts'
import { hashSlotOf } from '../hash-slot.ts'
import type { Shard } from './shard.ts'
import { isGone } from './shard-error.ts'
import type { ShardMessages } from './shard-messages.ts'
import type { MoveSlotsMessage, MoveSlotsReport, TakeMessage } from './slot-messages.ts'

/** Keys that one slice looks at, and bytes that one message holds. */
const SCAN_KEYS = 256
const MESSAGE_BYTES = 256 * 1024
/** With so few changed keys left the slots are frozen; after so many rounds in any case. */
const LAST_KEYS = 32
const ROUNDS_MAX = 10
const POLL_MS = 1
const WAIT_MS_MAX = 2 ** 31 - 1

interface MovingKey {
  readonly db: number
  readonly key: ByteString
}

/**
 * What has come from a shard as a whole is this shard's, or goes, when the giver says that its moves have
 * ended: in the life in which it gave them or in a later one, which knows it from its log.
 */
export async function settleIncoming(
  shard: Shard,
  peer: (shard: number) => ActorRef<ShardMessages>,
  from: number,
): Promise<void> {
  const ended = async (): Promise<void> => {
    for (;;) {
      try {
        return await peer(from).ask('movesEnded', undefined, { timeoutMs: WAIT_MS_MAX })
      } catch (error) {
        if (!isGone(error)) throw error
      }
      await pause(shard)
    }
  }
  await shard.slots.settle(from, ended())
}

/** Gives slots of one shard away, one move at a time. */
export class SlotExporter {
  readonly #shard: Shard
  readonly #peer: (shard: number) => ActorRef<ShardMessages>
  #turn: Promise<unknown> = Promise.resolve()

  constructor(shard: Shard, peer: (shard: number) => ActorRef<ShardMessages>) {
    this.#shard = shard
    this.#peer = peer
  }

  /** Moves slots that this shard owns; those that it does not are left out. @throws SHL_SHARD_DOWN */
  move(message: MoveSlotsMessage): Promise<MoveSlotsReport> {
    const result = this.#turn.then(() => this.#move(message))
    this.#turn = result.catch(() => undefined)
    return result
  }

  /** Resolves when the moves that were asked for by now have ended. */
  async ended(): Promise<void> {
    await this.#turn
  }

  async #move({ slots: wanted, to }: MoveSlotsMessage): Promise<MoveSlotsReport> {
    const shard = this.#shard
    const slots = new Set(wanted.filter((slot) => shard.owns(slot)))
    if (slots.size === 0 || to === shard.id) return { slots: 0, keys: 0, resent: 0, pausedMs: 0 }
    // It may not have been told yet that these are its own.
    shard.slots.forgetArrived()
    const changed = new Map<string, MovingKey>()
    let isBroken = false
    const stop = shard.onTouched((db, key) => {
      // The whole database was emptied, or is another one now: what was sent is worth nothing.
      if (key === '') isBroken = true
      else if (slots.has(hashSlotOf(key))) changed.set(`${db}:${key}`, { db, key })
    })
    let frozenAtMs: number | undefined
    const isTheirs = (name: string): boolean => slots.has(hashSlotOf(name))
    let locks: LocksState | undefined
    try {
      await this.#peer(to).ask('importKeys', { from: shard.id, slots: [...slots], keys: [] })
      const keys = await this.#copy(slots, to)
      let resent = 0
      for (let round = 0; round < ROUNDS_MAX && changed.size > LAST_KEYS; round++) {
        resent += await this.#resend(changed, to)
      }
      frozenAtMs = shard.clock.nowMs()
      shard.slots.freeze(slots)
      while (shard.isInUse(slots)) await pause(shard)
      resent += await this.#resend(changed, to)
      if (isBroken)
        throw new ShardloomError('SHL_SHARD_DOWN', { shard: to, reason: 'the database was emptied' })
      locks = exportLocks(shard.engine.locks, isTheirs)
      // A lease that ends on the way must not go to somebody here. Who waits asks again, after the thaw. For
      // the log, and for watchers, nothing has happened to the locks.
      shard.engine.capture(() => dropLocks(shard.engine.locks, isTheirs))
      await this.#peer(to).ask('importKeys', { from: shard.id, keys: [], locks })
      const epoch = await this.#decide([...slots], to)
      for (const slot of slots) shard.memory.setOwner(slot, to)
      this.#peer(to).tell('takeSlots', { from: shard.id, slots: [...slots], epoch })
      shard.slots.markForeign()
      shard.sendAway(isTheirs)
      const pausedMs = shard.clock.nowMs() - frozenAtMs
      return { slots: slots.size, keys, resent, pausedMs }
    } catch (cause) {
      if (locks !== undefined) importLocks(shard.engine.locks, locks)
      this.#peer(to).tell('dropImported', shard.id)
      const reason = `slots could not be moved to shard ${to}`
      throw new ShardloomError('SHL_SHARD_DOWN', { shard: to, reason }, { cause })
    } finally {
      stop()
      if (frozenAtMs !== undefined) shard.slots.thaw()
      shard.afterCommands()
      if ([...slots].some((slot) => !shard.owns(slot))) void shard.slots.removeForeign()
    }
  }

  /** Makes it last that the slots are given. */
  async #decide(slots: readonly number[], to: number): Promise<number> {
    const { id, memory, durability } = this.#shard
    const epoch = memory.drawRevisions(1)
    const log = durability.slots
    if (log === undefined) return epoch
    log.given(to, slots, epoch)
    try {
      await log.synced()
    } catch {
      await this.#takenThere({ from: id, slots, epoch }, to)
    }
    return epoch
  }

  /**
   * The other shard logs it, however often it is started anew meanwhile. If its log has failed, too, nobody
   * writes to either: whichever of them a restart finds to own the slots has them as they are.
   */
  async #takenThere(message: TakeMessage, to: number): Promise<void> {
    for (;;) {
      try {
        await this.#peer(to).ask('takeSlots', message)
        return
      } catch (error) {
        if ((error as { code?: unknown }).code === 'SHL_LOG_FAILED') return
        await pause(this.#shard)
      }
    }
  }

  /** Sends every key of the slots once; how many. */
  async #copy(slots: ReadonlySet<number>, to: number): Promise<number> {
    const { engine } = this.#shard
    let count = 0
    for (const database of engine.openDatabases()) {
      let cursor = 0
      do {
        const found: MovingKey[] = []
        cursor = engine.atomically(() =>
          database.scan(cursor, SCAN_KEYS, (key) => {
            if (slots.has(hashSlotOf(key))) found.push({ db: database.index, key })
          }),
        )
        count += found.length
        if (found.length > 0) await this.#send(found, to)
        else await this.#shard.breathe()
      } while (cursor !== 0)
    }
    return count
  }

  async #resend(changed: Map<string, MovingKey>, to: number): Promise<number> {
    const keys = [...changed.values()]
    changed.clear()
    if (keys.length > 0) await this.#send(keys, to)
    return keys.length
  }

  /** Sends keys as they are now, in messages of moderate size. */
  async #send(keys: readonly MovingKey[], to: number): Promise<void> {
    const { engine } = this.#shard
    let batch: Guest[] = []
    let bytes = 0
    const flush = async (): Promise<void> => {
      const message = { from: this.#shard.id, keys: batch }
      batch = []
      bytes = 0
      await this.#peer(to).ask('importKeys', message)
    }
    for (const { db, key } of keys) {
      const guest = engine.atomically(() => guestOf(engine, db, key))
      batch.push(guest)
      bytes += guest.payload?.length ?? 0
      if (bytes >= MESSAGE_BYTES) await flush()
    }
    if (batch.length > 0) await flush()
  }
}

function pause({ clock }: Shard): Promise<void> {
  return new Promise((resolve) => void clock.after(POLL_MS, resolve, { unref: true }))
}
