/** The subsystem that the benchmarks start and call. */
import { defineSubsystem } from 'shardloom'

export const incrementer = defineSubsystem({
  name: 'incrementer',
  init: () => ({ calls: 0 }),
  api: (state) => ({
    increment(n: number): number {
      state.calls++
      return n + 1
    },
  }),
})
