/**
 * How a transaction over several shards ends: with all of it on all of them, or nothing anywhere.
 *
 *     without logs     stage ─► decided in shared memory ─► apply
 *     with logs        stage, synced ─► decided in shared memory ─► decided in the log, synced ─► apply
 *
 * With logs, nothing is changed before the decision but keys of the coordinator's own shard, where commands
 * have run; these become again what they were when a shard is lost, or a log fails, before that. After the
 * decision nothing is given up: who is lost finds its part in its log (`durability/part-log.ts`).
 *
 * Tests: test/keyspace/shard/coordinator.test.ts, test/keyspace/durability/transactions.crash.test.ts
 */
import { byteString, type Guest, type KeyPatch } from '../engine/index.ts'
import { hashSlotOf } from '../hash-slot.ts'
import type { KeyspaceMemory } from '../shared/keyspace-memory.ts'
import type { Shard } from './shard.ts'
import { begunAnew } from './shard-error.ts'
import type { PatchMessage, StageMessage } from './transaction-messages.ts'
import type { TransactionPeers } from './transaction-peers.ts'

/** Ends what one coordinator has begun. */
export class TransactionEnd {
  readonly #shard: Shard
  readonly #peers: TransactionPeers

  constructor(shard: Shard, peers: TransactionPeers) {
    this.#shard = shard
    this.#peers = peers
  }

  /**
   * Applies patches where they belong, and ends the transaction on all its shards. `own` is what keys of this
   * shard were that are changed already.
   */
  async applyAll(
    tx: number,
    ids: readonly number[],
    patches: readonly KeyPatch[],
    revision: number,
    own: readonly Guest[] = [],
  ): Promise<void> {
    const { memory } = this.#shard
    const written = patchesByOwner(memory, patches).map(([id, some]): [number, PatchMessage] => [
      id,
      { tx, revision, patches: some },
    ])
    const untouched = ids.filter((id) => !written.some(([other]) => other === id))
    const { participant, durability } = this.#shard
    const isLogged = durability.parts !== undefined
    const isChangedHere = isLogged && participant.hasPrepared(tx)
    // The log of one shard has it all.
    if (written.length + (isChangedHere ? 1 : 0) < 2) {
      for (const [id, message] of written) {
        const isDone = await this.#peers.insist(id, 'apply', message)
        // It comes back from its log, and nobody knows whether that has it.
        if (isLogged && !isDone) throw begunAnew(id)
      }
      if (isChangedHere) participant.concludeAlone(tx)
      this.#peers.releaseAll(untouched, tx)
      return
    }
    let decision: number
    if (isLogged) decision = await this.stageAll(tx, ids, written, revision, own)
    else {
      // From here on there is no way back: who is lost meanwhile has lost all that it held, and the others go
      // on.
      await Promise.all(written.map(([id, message]) => this.#peers.insist(id, 'stage', message)))
      decision = await this.#peers.decide(tx)
    }
    await Promise.all(written.map(([id]) => this.#peers.insist(id, 'applyStaged', tx)))
    if (isChangedHere) participant.conclude(tx)
    memory.forgetDecision(decision)
    this.#peers.releaseAll(untouched, tx)
  }

  /**
   * With logs: all shards that change have their parts on their disks, then this one has the decision on its
   * own. Until then whatever fails ends it without a change anywhere. The place of the decision in memory.
   */
  async stageAll(
    tx: number,
    ids: readonly number[],
    staged: readonly (readonly [number, StageMessage])[],
    revision: number,
    own: readonly Guest[] = [],
  ): Promise<number> {
    const { participant, durability, engine } = this.#shard
    const parts = durability.parts!
    parts.begin(revision)
    try {
      const steps = staged.map(([id, message]) => this.#peers.on(id, 'stage', message))
      await Promise.all([...steps, parts.synced()])
    } catch (error) {
      parts.giveUp(revision)
      participant.undo(tx, own)
      this.#peers.releaseAll(ids, tx)
      throw error
    }
    const decision = await this.#peers.decide(tx)
    // When this log fails now nobody knows whether it has it: what is staged is done, and its caller told.
    await parts.decide(revision, engine.clock.wallMs()).catch(() => undefined)
    return decision
  }

  /** What each shard has done is in its log: decides, and lets the keys go. */
  async conclude(tx: number, ids: readonly number[], revision: number): Promise<void> {
    await this.#shard.durability.parts?.decide(revision, this.#shard.engine.nowMs)
    await Promise.all(ids.map((id) => this.#peers.insist(id, 'conclude', tx)))
  }
}

/** Patches by the shard that they are for. */
export function patchesByOwner(memory: KeyspaceMemory, patches: readonly KeyPatch[]): [number, KeyPatch[]][] {
  const byShard = new Map<number, KeyPatch[]>()
  for (const patch of patches) {
    const owner = memory.ownerOf(hashSlotOf(byteString(patch.key)))
    const known = byShard.get(owner)
    if (known === undefined) byShard.set(owner, [patch])
    else known.push(patch)
  }
  return [...byShard]
}
