/**
 * How a transaction over several shards ends: with all of it on all of them, or nothing anywhere.
 *
 *     without logs     stage ─► decided in shared memory ─► apply
 *     with logs        stage, synced ─► decided in shared memory ─► decided in the log, synced ─► apply
 *
 * With logs, nothing is changed in memory before the decision is on a disk, on the coordinator's shard as on
 * the others. After the decision nothing is given up: who is lost finds its part in its log
 * (`durability/part-log.ts`). Shards that were only looked at are asked whether what they said has reached
 * the durability that the caller wants: it will hear of it.
 *
 * Tests: test/keyspace/shard/coordinator.test.ts, test/keyspace/durability/transactions.crash.test.ts
 */
import { byteString, type KeyPatch } from '../engine/index.ts'
import { hashSlotOf } from '../hash-slot.ts'
import type { KeyspaceMemory } from '../shared/keyspace-memory.ts'
import type { Shard } from './shard.ts'
import { begunAnew } from './shard-error.ts'
import type { PatchMessage, RunMessage } from './transaction-messages.ts'
import type { TransactionPeers } from './transaction-peers.ts'

/** What a transaction does, when it is known. */
export interface Outcome {
  readonly patches: readonly KeyPatch[]
  /** What every shard does before; see `PatchMessage`. */
  readonly first?: Uint8Array | undefined
  readonly revision: number
  /** The durability that its caller asks for, by number; 0: that of the keyspace. */
  readonly level: number
}

/** That a transaction is to be. */
export interface Decision {
  /** Its place in shared memory. */
  readonly at: number
  /** It is on the disk, with all that was logged here before. */
  readonly isSynced: boolean
  /** Why nobody knows whether it is. It is done all the same, and whoever asked for it is told this. */
  readonly failure?: unknown
}

/** Ends what one coordinator has begun. */
export class TransactionEnd {
  readonly #shard: Shard
  readonly #peers: TransactionPeers

  constructor(shard: Shard, peers: TransactionPeers) {
    this.#shard = shard
    this.#peers = peers
  }

  /**
   * Applies patches where they belong, and ends the transaction on all its shards. Whether all that it did,
   * and all that it has seen, is on disks by now.
   */
  async applyAll(tx: number, ids: readonly number[], outcome: Outcome): Promise<boolean> {
    const { memory, durability } = this.#shard
    const written = messagesOf(memory, ids, tx, outcome)
    const untouched = ids.filter((id) => !written.some(([other]) => other === id))
    const isLogged = durability.parts !== undefined
    // The log of one shard has it all.
    if (written.length < 2) {
      if (isLogged) await this.#orRelease(tx, ids, this.#settled(tx, untouched, outcome.level))
      for (const [id, message] of written) {
        const isDone = await this.#peers.insist(id, 'apply', message)
        // It comes back from its log, and nobody knows whether that has it.
        if (isLogged && !isDone) throw begunAnew(id)
      }
      this.#peers.releaseAll(untouched, tx)
      return false
    }
    let decision: Decision
    if (isLogged) decision = await this.stageAll(tx, ids, written, outcome)
    else {
      // From here on there is no way back: who is lost meanwhile has lost all that it held, and the others go
      // on.
      const participants = numbersOf(written)
      const stage = ([id, message]: readonly [number, PatchMessage]): Promise<boolean> =>
        this.#peers.insist(id, 'stage', { ...message, participants })
      await Promise.all(written.map(stage))
      decision = { at: await this.#peers.decide(tx), isSynced: false }
    }
    await Promise.all(written.map(([id]) => this.#peers.insist(id, 'applyStaged', tx)))
    memory.forgetDecision(decision.at)
    this.#peers.releaseAll(untouched, tx)
    if (decision.failure !== undefined) throw decision.failure
    return decision.isSynced
  }

  /**
   * With logs: all shards that change have their parts on their disks, then this one has the decision on its
   * own. Until then whatever fails ends it without a change anywhere.
   */
  async stageAll(
    tx: number,
    ids: readonly number[],
    staged: readonly (readonly [number, PatchMessage | RunMessage])[],
    { revision, level }: Pick<Outcome, 'revision' | 'level'>,
  ): Promise<Decision> {
    const { durability, engine } = this.#shard
    const parts = durability.parts!
    const participants = numbersOf(staged)
    parts.begin(revision)
    try {
      const steps = staged.map(([id, message]) => this.#peers.on(id, 'stage', { ...message, participants }))
      const untouched = ids.filter((id) => !participants.includes(id))
      await Promise.all([...steps, parts.synced(), this.#settled(tx, untouched, level)])
    } catch (error) {
      parts.giveUp(revision)
      this.#peers.releaseAll(ids, tx)
      throw error
    }
    const at = await this.#peers.decide(tx)
    try {
      await parts.decide(revision, engine.clock.wallMs(), participants)
      return { at, isSynced: true }
    } catch (failure) {
      return { at, isSynced: false, failure }
    }
  }

  /** What these shards have said is as durable as it was asked for. */
  async #settled(tx: number, ids: readonly number[], level: number): Promise<void> {
    const others = ids.filter((id) => id !== this.#shard.id)
    await Promise.all(others.map((id) => this.#peers.on(id, 'gather', { tx, keys: [], level })))
  }

  /** Nothing is changed yet: what fails ends it everywhere. */
  async #orRelease(tx: number, ids: readonly number[], step: Promise<void>): Promise<void> {
    try {
      await step
    } catch (error) {
      this.#peers.releaseAll(ids, tx)
      throw error
    }
  }
}

/** What each shard is to do that has something to do. */
function messagesOf(
  memory: KeyspaceMemory,
  ids: readonly number[],
  tx: number,
  { patches, first, revision, level }: Outcome,
): [number, PatchMessage][] {
  const byShard = patchesByOwner(memory, patches)
  const changed = first === undefined ? [...byShard.keys()] : ids
  return changed.map((id) => [
    id,
    { tx, revision, patches: byShard.get(id) ?? [], level, ...(first !== undefined && { first }) },
  ])
}

function numbersOf(staged: readonly (readonly [number, unknown])[]): number[] {
  return staged.map(([id]) => id).sort((a, b) => a - b)
}

/** Patches by the shard that they are for. */
function patchesByOwner(memory: KeyspaceMemory, patches: readonly KeyPatch[]): Map<number, KeyPatch[]> {
  const byShard = new Map<number, KeyPatch[]>()
  for (const patch of patches) {
    const owner = memory.ownerOf(hashSlotOf(byteString(patch.key)))
    const known = byShard.get(owner)
    if (known === undefined) byShard.set(owner, [patch])
    else known.push(patch)
  }
  return byShard
}
