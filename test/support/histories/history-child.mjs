/**
 * A process that is to be killed: opens a directory, reads what is there, then runs random clients on all its
 * threads, each line of whose notes goes to the parent at once: what is asked before it is asked, and what
 * was answered when it was.
 *
 *     node history-child.mjs <module> <dir> <level> <life> <isLast>
 */
import { prepare, runClient } from '../consistency/workload.mjs'
import { now, writeLine } from './line-writer.mjs'
import { readAll } from './opener.mjs'

const [module, dir, level, lifeText, isLast] = process.argv.slice(2)
const { createRuntime } = await import(module)
const CLIENT = new URL('../actors/noting-client.mjs', import.meta.url)
const THREADS = 2
const STEPS = 5000
const PROCESSES = 10
const OPENER = 9
const life = Number(lifeText)
const KINDS = [
  ...['register', 'register', 'counter', 'set', 'memory', 'token', 'listing', 'lock'],
  ...['transaction', 'transaction', 'transaction', 'own'],
]

const options = { shards: 3, dir, durability: level, logSegmentBytes: 65_536, snapshotBytes: 65_536 }
const runtime = await createRuntime({ threads: THREADS, keyspace: { ...options, diskReserveBytes: 0 } })
const { keyspace } = runtime
if (life === 0) {
  await prepare(keyspace)
  await keyspace.snapshot()
}
await readAll(keyspace, life * PROCESSES + OPENER, now, writeLine)
process.stdout.write('running\n')
if (isLast !== 'true') {
  const peers = [0, 1, 2].flatMap((i) => Array.from({ length: life + 1 }, (_, one) => one * PROCESSES + i))
  const pause = () => new Promise((resolve) => setTimeout(resolve, 1))
  const plan = { processes: THREADS + 1, peers, steps: STEPS, kinds: KINDS }
  const refs = await Promise.all([1, 2].map(() => runtime.spawn(CLIENT, { export: 'notingClient' })))
  const clients = refs.map((ref, i) =>
    ref.ask(
      'run',
      { ...plan, process: life * PROCESSES + i + 1, seed: life * 31 + i + 1 },
      { timeoutMs: 60_000 },
    ),
  )
  const own = { ...plan, keyspace, process: life * PROCESSES, seed: life * 31, now, onLine: writeLine, pause }
  await Promise.all([runClient(own), ...clients])
}
