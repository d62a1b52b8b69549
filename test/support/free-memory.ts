/**
 * Frees what the files of tests before have left in a process that they share.
 *
 * Simulated threads live in shared memory, which V8 does not count when it decides whether to collect: the
 * processes grew to several gigabytes, and everything in them became slow.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll } from 'vitest'

const GROWTH_BYTES = 768 * 2 ** 20

// What is set up is loaded anew for each file.
const state = globalThis as { bytesLeft?: number }

afterAll(() => {
  state.bytesLeft ??= 0
  if (process.memoryUsage.rss() - state.bytesLeft < GROWTH_BYTES) return
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  state.bytesLeft = process.memoryUsage.rss()
})
