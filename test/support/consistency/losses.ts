/** Runs in which threads are lost, and what must hold of whoever is left. */
import { expect } from 'vitest'
import { TransactionPeers } from '../../../src/keyspace/shard/transaction-peers.ts'
import { KeyspaceMemory } from '../../../src/keyspace/shared/keyspace-memory.ts'
import type { Simulation } from '../../../src/testkit/index.ts'
import { judgeErrors, judgeSurvivors } from './judge.ts'
import { simulateClients } from './simulated-clients.ts'

const LISTS = ['L0', 'L1', 'L2', 'L3']
const ERRORS = ['SHL_SHARD_DOWN', 'SHL_ASK_TIMEOUT']

/** Every key can be read and written, as one: nobody holds any of them. */
async function checkFree(sim: Simulation): Promise<Map<string, string[]>> {
  await sim.advance(12_000)
  const { keyspace } = sim.runtime
  const lists = (await keyspace.batch(LISTS.map((key) => ['LRANGE', key, '0', '-1']))) as string[][]
  await keyspace.batch([...LISTS, 'free'].map((key) => ['RPUSH', `${key}.end`, 'x']))
  expect(await keyspace.command('DBSIZE')).toBeGreaterThan(4)
  return new Map(LISTS.map((key, i) => [key, lists[i]!]))
}

/** What goes on when threads are lost. */
export interface Losses {
  readonly moves?: boolean
  /** A shard is lost as soon as it has decided that a transaction is to be applied. */
  readonly atDecision?: boolean
}

/**
 * Loses the thread of a coordinator soon after its `count`th decision, while what it tells the others is slow
 * on its way to some of them. Returns what puts everything back.
 */
function loseAtDecision(sim: Simulation, count: number): () => void {
  const { memory } = sim.runtime.keyspace.client
  const { decide } = KeyspaceMemory.prototype
  const { insist, run } = TransactionPeers.prototype
  const late = (peers: TransactionPeers): Promise<void> =>
    sim.random.below(2) === 0 ? Promise.resolve() : peers.pause()
  let left = count
  KeyspaceMemory.prototype.decide = function (shard, tx) {
    const at = decide.call(this, shard, tx)
    if (at !== undefined && --left === 0) {
      void sim.advance(sim.random.below(3) / 2).then(() => sim.loseThread(memory.addressOf(shard)!.thread))
    }
    return at
  }
  TransactionPeers.prototype.insist = async function (id, step, message) {
    if (step === 'applyStaged') await late(this)
    return insist.call(this, id, step, message as never)
  }
  TransactionPeers.prototype.run = async function (id, message) {
    await late(this)
    return run.call(this, id, message)
  }
  return () => {
    KeyspaceMemory.prototype.decide = decide
    Object.assign(TransactionPeers.prototype, { insist, run })
  }
}

/** What is wrong with a run. */
export async function judgeLosses(
  seed: number,
  { moves = false, atDecision = false }: Losses,
): Promise<string[]> {
  let final = new Map<string, string[]>()
  let shardOf = (_key: string): number => -1
  let restore = (): void => undefined
  const { notes, survivors } = await simulateClients(seed, {
    losses: true,
    shards: 4,
    threads: 3,
    moves,
    timeoutMs: 5000,
    kinds: [
      'register',
      'counter',
      'set',
      'memory',
      'transaction',
      'transaction',
      'transaction',
      'transaction',
    ],
    begin(sim) {
      if (atDecision) restore = loseAtDecision(sim, 1 + (seed % 8))
    },
    faults: atDecision
      ? {}
      : { rate: 0.006, countMax: 3, types: ['lose_thread', 'crash_actor', 'stall_thread', 'fill_rings'] },
    async end(sim) {
      final = await checkFree(sim)
      shardOf = (key) => sim.runtime.keyspace.shardOf(key).shard
    },
  }).finally(() => restore())
  const owners = new Map<string, number>()
  const survives = (key: string): boolean => {
    if (!owners.has(key)) owners.set(key, shardOf(key))
    // A key that has been elsewhere may have been lost there.
    return !moves && survivors.has(owners.get(key)!)
  }
  return [...judgeErrors(notes, ERRORS), ...judgeSurvivors(notes, survives, final)]
}
