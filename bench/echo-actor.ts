/** The actor of the benchmarks: gives back what it gets, and adds. */
import { defineActor } from 'shardloom'

export const echo = defineActor({
  name: 'echo',
  init: () => ({ sum: 0 }),
  receive: {
    echo: (_state, value: unknown) => value,
    increment: (_state, n: number) => n + 1,
    add(state, n: number) {
      state.sum += n
    },
    sum: (state) => state.sum,
    crash() {
      throw new RangeError('on purpose')
    },
    /** Work for the processor: about `ms` of it. */
    busy(_state, ms: number) {
      const end = performance.now() + ms
      let turns = 0
      while (performance.now() < end) turns++
      return turns > 0
    },
  },
})
