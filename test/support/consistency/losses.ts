/** Runs in which threads are lost, and what must hold of whoever is left. */
import { expect } from 'vitest'
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

/** Loses the thread of a coordinator at its `count`th decision, at a moment between then and its end. */
function loseAtDecision(sim: Simulation, count: number): void {
  const { memory } = sim.runtime.keyspace.client
  const { decide } = KeyspaceMemory.prototype
  let left = count
  KeyspaceMemory.prototype.decide = function (shard, tx) {
    const at = decide.call(this, shard, tx)
    if (at !== undefined && --left === 0) {
      KeyspaceMemory.prototype.decide = decide
      const { thread } = memory.addressOf(shard)!
      sim.loseThread(thread)
    }
    return at
  }
}

/** What is wrong with a run. */
export async function judgeLosses(
  seed: number,
  { moves = false, atDecision = false }: Losses,
): Promise<string[]> {
  let final = new Map<string, string[]>()
  let shardOf = (_key: string): number => -1
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
    ...(atDecision && { begin: (sim) => loseAtDecision(sim, 1 + (seed % 8)) }),
    faults: atDecision
      ? {}
      : { rate: 0.006, countMax: 3, types: ['lose_thread', 'crash_actor', 'stall_thread', 'fill_rings'] },
    async end(sim) {
      final = await checkFree(sim)
      shardOf = (key) => sim.runtime.keyspace.shardOf(key).shard
    },
  })
  const owners = new Map<string, number>()
  const survives = (key: string): boolean => {
    if (!owners.has(key)) owners.set(key, shardOf(key))
    // A key that has been elsewhere may have been lost there.
    return !moves && survivors.has(owners.get(key)!)
  }
  return [...judgeErrors(notes, ERRORS), ...judgeSurvivors(notes, survives, final)]
}
