/**
 * The actor that says what the heap of its thread holds.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { defineActor } from 'shardloom'

/** What this thread's heap holds, garbage left out. */
export function heapBytes(): number {
  // As `node --expose-gc` would offer it: figures would say little with garbage in them.
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void
  collectGarbage()
  return process.memoryUsage().heapUsed
}

export const gauge = defineActor({
  name: 'gauge',
  receive: {
    heapBytes: () => heapBytes(),
  },
})
