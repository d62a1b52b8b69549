/**
 * What is asked of shards as such: figures, load, and slots to be moved.
 * Tests: test/keyspace/slots.race.test.ts, test/keyspace/keyspace.race.test.ts
 */
import { invalidOption } from '../../base/index.ts'
import type { SnapshotReport } from '../durability/index.ts'
import type { ShardChange } from '../shard/shard-change.ts'
import { askShard } from '../shard/shard-error.ts'
import type { ShardFigures, SlotKeys } from '../shard/shard-figures.ts'
import type { ShardStats } from '../shard/shard-stats.ts'
import type { MoveSlotsReport, ShardLoad } from '../shard/slot-messages.ts'
import type { KeyspaceClient } from './keyspace-client.ts'

const WAIT_MS_MAX = 2 ** 31 - 1

/** Gives slots to a shard, from wherever they are, while they are used. @throws SHL_SHARD_DOWN */
export async function moveSlots(
  client: KeyspaceClient,
  slots: readonly number[],
  to: number,
): Promise<MoveSlotsReport> {
  const byOwner = new Map<number, number[]>()
  for (const slot of slots) {
    const owner = client.memory.ownerOf(slot)
    byOwner.set(owner, [...(byOwner.get(owner) ?? []), slot])
  }
  const reports = await Promise.all(
    [...byOwner].map(async ([owner, some]) => {
      const ref = await client.shardRef(owner)
      return askShard(owner, () => ref.ask('moveSlots', { slots: some, to }, { timeoutMs: WAIT_MS_MAX }))
    }),
  )
  return {
    slots: sum(reports.map((report) => report.slots)),
    keys: sum(reports.map((report) => report.keys)),
    resent: sum(reports.map((report) => report.resent)),
    pausedMs: Math.max(0, ...reports.map((report) => report.pausedMs)),
  }
}

/** Makes a snapshot of every shard. @throws SHL_SHARD_DOWN, SHL_LOG_FAILED, SHL_OPTION_INVALID */
export async function snapshotAll(client: KeyspaceClient): Promise<SnapshotReport> {
  const reports = await Promise.all(
    Array.from({ length: client.memory.shardCount }, async (_, shard) => {
      const ref = await client.shardRef(shard)
      return askShard(shard, () => ref.ask('snapshot', undefined, { timeoutMs: WAIT_MS_MAX }))
    }),
  )
  const made = reports.filter((report) => report !== undefined)
  if (made.length === 0) invalidOption('keyspace.dir', undefined, 'a directory: without one nothing is kept')
  return {
    keys: sum(made.map(({ keys }) => keys)),
    bytes: sum(made.map(({ bytes }) => bytes)),
    ms: Math.max(...made.map(({ ms }) => ms)),
    removed: sum(made.map(({ removed }) => removed)),
  }
}

/** What each shard holds and has done, by its number. A shard that is down is left out. */
export async function shardStats(client: KeyspaceClient): Promise<ShardStats[]> {
  const { timeoutMs } = client
  const asked = Array.from({ length: client.memory.shardCount }, (_, shard) =>
    client.shardRefNow(shard)?.ask('stats', undefined, { timeoutMs }),
  )
  const answers = await Promise.allSettled(asked)
  return answers.flatMap((one) => (one.status === 'fulfilled' && one.value !== undefined ? [one.value] : []))
}

/** All that each shard tells of itself, by its number. A shard that is down is left out. */
export async function shardFigures(client: KeyspaceClient): Promise<ShardFigures[]> {
  const { timeoutMs } = client
  const asked = Array.from({ length: client.memory.shardCount }, (_, shard) =>
    client.shardRefNow(shard)?.ask('figures', undefined, { timeoutMs }),
  )
  const answers = await Promise.allSettled(asked)
  return answers.flatMap((one) => (one.status === 'fulfilled' && one.value !== undefined ? [one.value] : []))
}

/** Changes what all shards go by. One that is started meanwhile is not told. @throws SHL_SHARD_DOWN */
export async function changeShards(client: KeyspaceClient, change: ShardChange): Promise<void> {
  const { timeoutMs } = client
  await Promise.all(
    Array.from({ length: client.memory.shardCount }, async (_, shard) => {
      const ref = await client.shardRef(shard)
      await askShard(shard, () => ref.ask('change', change, { timeoutMs }))
    }),
  )
}

/** Whether each of these shards has room, when it has thrown out what it may. One that is down has. */
export async function makeRoom(client: KeyspaceClient, shards: readonly number[]): Promise<boolean> {
  const { timeoutMs } = client
  const asked = shards.map((shard) => client.shardRefNow(shard)?.ask('makeRoom', undefined, { timeoutMs }))
  const answers = await Promise.allSettled(asked)
  return answers.every((one) => one.status === 'rejected' || one.value !== false)
}

/**
 * Resolves when what this thread has asked for by now outlives a power cut, and all else that shards have
 * committed; without `wait`, whether it does. @throws SHL_SHARD_DOWN, SHL_LOG_FAILED
 */
export async function syncShards(
  client: KeyspaceClient,
  wait: boolean,
  signal?: AbortSignal,
): Promise<boolean> {
  await client.allBefore()
  const asked = signal === undefined ? { timeoutMs: WAIT_MS_MAX } : { timeoutMs: WAIT_MS_MAX, signal }
  const answers = await Promise.all(
    Array.from({ length: client.memory.shardCount }, async (_, shard) => {
      const ref = await client.shardRef(shard)
      return askShard(shard, () => ref.ask('sync', wait, asked))
    }),
  )
  return answers.every((isSynced) => isSynced)
}

/** Keys of a hash slot in database 0, at most so many, and how many there are. @throws SHL_SHARD_DOWN */
export async function slotKeys(
  client: KeyspaceClient,
  slot: number,
  keysMax: number,
  countMax: number,
): Promise<SlotKeys> {
  const owner = client.memory.ownerOf(slot)
  const ref = await client.shardRef(owner)
  const asked = { slot, keysMax, countMax }
  return askShard(owner, () => ref.ask('keysInSlot', asked, { timeoutMs: WAIT_MS_MAX }))
}

/** How busy each shard is, with its `slotsMax` busiest slots. A shard that is down is left out. */
export async function shardLoads(client: KeyspaceClient, slotsMax: number): Promise<ShardLoad[]> {
  const { timeoutMs } = client
  const asked = Array.from({ length: client.memory.shardCount }, (_, shard) => {
    const ref = client.shardRefNow(shard)
    return ref?.ask('load', slotsMax, { timeoutMs })
  })
  const answers = await Promise.allSettled(asked)
  return answers.flatMap((one) => (one.status === 'fulfilled' && one.value !== undefined ? [one.value] : []))
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0)
}
