/** Says how many bytes of its thread's heap are alive: it collects first. */
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { defineActor } from 'shardloom'

/** Collects garbage on this thread and returns the live bytes. */
export function collect(): number {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  gc()
  gc()
  return getHeapStatistics().used_heap_size
}

export const heap = defineActor({
  name: 'heap',
  receive: { liveBytes: () => collect() },
})
