/** Runs in which threads are lost, and what must hold of whoever is left. */
import { expect } from 'vitest'
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

/** What is wrong with a run. */
export async function judgeLosses(seed: number, moves: boolean): Promise<string[]> {
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
    faults: { rate: 0.006, countMax: 3, types: ['lose_thread', 'crash_actor', 'stall_thread', 'fill_rings'] },
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
