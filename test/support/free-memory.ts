/**
 * Frees what the files of tests before have left in a process that they share.
 *
 * Simulated threads live in shared memory, which V8 does not count when it decides whether to collect: the
 * processes grew to several gigabytes, and everything in them became slow.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll } from 'vitest'

const BYTES_MAX = 768 * 2 ** 20

afterAll(() => {
  if (process.memoryUsage.rss() < BYTES_MAX) return
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
})
