/**
 * Random faults of every survivable kind: order, asks and watches keep their promises for whoever lives.
 *
 * The notes and the counts are kept outside of the actors, so that they outlive them.
 */
import { expect, test } from 'vitest'
import { type ActorRef, defineActor } from '../../src/actor/index.ts'
import { explore } from '../../src/testkit/index.ts'
import type { Simulation } from '../../src/testkit/simulation.ts'

const RUNS = Number(process.env['SHL_SOAK'] ?? 0) > 0 ? 5000 : 75
const THREADS = [0, 1, 2, 3]
const ROUNDS = 6

interface Seen {
  /** Numbers, by the sender and the one who got them. */
  readonly notes: Map<string, number[]>
  /** How often each watcher was told of each end. */
  readonly told: Map<string, number>
}

function actorsOf({ notes, told }: Seen) {
  let sent = 0
  const peer = defineActor({
    name: 'peer',
    receive: {
      note(_state, { from, n }: { from: string; n: number }, ctx) {
        const key = `${from}>${ctx.self.address}`
        notes.set(key, [...(notes.get(key) ?? []), n])
        return n
      },
      async talk(_state, to: ActorRef[], ctx) {
        const from = ctx.self.address
        for (const ref of to) ref.tell('note', { from, n: ++sent })
        const asks = to.map((ref) => ref.ask('note', { from, n: ++sent }, { timeoutMs: 200 }))
        for (const ref of to) ref.tell('note', { from, n: ++sent })
        return (await Promise.allSettled(asks)).length
      },
    },
  })
  const watcher = defineActor({
    name: 'watcher',
    receive: {
      watch(_state, refs: ActorRef[], ctx) {
        for (const ref of refs) ctx.watch(ref)
      },
      isAlive: () => true,
    },
    onSignal(_state, { ref }, ctx) {
      const key = `${ctx.self.address}>${ref.address}`
      told.set(key, (told.get(key) ?? 0) + 1)
    },
  })
  return { peer, watcher }
}

async function liveThroughFaults(sim: Simulation): Promise<void> {
  const seen: Seen = { notes: new Map(), told: new Map() }
  const { peer, watcher } = actorsOf(seen)
  const start = () =>
    Promise.all([
      Promise.all(THREADS.map((thread) => sim.spawn(peer, { thread }))),
      Promise.all(THREADS.map((thread) => sim.spawn(watcher, { thread }))),
    ])
  const [peers, watchers] = await sim.calm(start)
  const watching = watchers.map((one) => one.ask('watch', peers, { timeoutMs: 500 }).then(() => one))
  const watched = Promise.allSettled(watching)
  for (let round = 0; round < ROUNDS; round++) {
    // An ask that never settled would leave this one open until the end of virtual time.
    await Promise.allSettled(peers.map((one) => one.ask('talk', peers, { timeoutMs: 5000 })))
    await sim.advance(3)
  }
  await sim.calm(async () => {
    await sim.advance(100)
    await Promise.all(peers.map((one) => one.stop({ timeoutMs: 200 })))
    await sim.advance(100)
    for (const result of await watched) {
      if (result.status === 'fulfilled') await checkToldOnce(result.value, peers, seen)
    }
  })
  for (const [pair, numbers] of seen.notes) {
    expect(numbers, pair).toEqual([...new Set(numbers)].sort((a, b) => a - b))
  }
}

async function checkToldOnce(one: ActorRef, peers: readonly ActorRef[], { told }: Seen): Promise<void> {
  const isAlive = await one.ask('isAlive', undefined, { timeoutMs: 200 }).catch(() => false)
  if (isAlive === false) return
  const counts = peers.map((peer) => told.get(`${one.address}>${peer.address}`) ?? 0)
  expect(counts, `ends that ${one} was told of`).toEqual(peers.map(() => 1))
}

test('whoever lives hears each end once, gets every note in order, and every ask settles', async () => {
  const options = { runs: RUNS, threads: 3, faults: { rate: 0.02, countMax: 8 } }
  const report = await explore({ ...options, virtualMsMax: 100_000 }, liveThroughFaults)
  expect(report.runs).toBe(RUNS)
}, 120_000)
