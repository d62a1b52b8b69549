/**
 * A process of its own that says what a key costs: `node memory-program.js <keys>` prints one object.
 *
 * Memory of the process and of both heaps is read before the keys are made and afterwards, each time when
 * everything that is garbage has been collected.
 */
import { createRuntime } from 'shardloom'
import { collect, type heap } from './heap-actor.ts'
import { inLanes, keyOf, textOf } from './loads.ts'

const WARM_UP_SETS_MIN = 20_000
const AT_ONCE = 1000

const keys = Number(process.argv[2])
const runtime = await createRuntime({ threads: 1, keyspace: { shards: 1 } })
const { keyspace } = runtime
const probe = await runtime.spawn<typeof heap>(new URL('./heap-actor.js', import.meta.url))

async function measure(): Promise<{ rss: number; heap: number; used: number }> {
  const heapBytes = (await probe.ask('liveBytes')) + collect()
  const [load] = await keyspace.loads()
  return { rss: process.memoryUsage().rss, heap: heapBytes, used: load?.usedBytes ?? 0 }
}

// What is made once, whatever the number of keys, is there before the first look: buffers and roomy heaps.
await inLanes(AT_ONCE, Math.max(WARM_UP_SETS_MIN, keys / 3), (i) =>
  keyspace.set(`warm:${i % 100}`, textOf(i)),
)
const before = await measure()
await inLanes(AT_ONCE, keys, (i) => keyspace.set(keyOf(i), textOf(i)))
const after = await measure()
let seen = 0
for (let i = 0; i < keys; i += 97) if (keyspace.getSync(keyOf(i)) === textOf(i)) seen++
const each = {
  rss: (after.rss - before.rss) / keys,
  used: (after.used - before.used) / keys,
  heap: (after.heap - before.heap) / keys,
  seen,
}
process.stdout.write(`${JSON.stringify(each)}\n`)
await runtime.close()
