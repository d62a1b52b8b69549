/**
 * The actor that `shardloom doctor` asks on a worker thread.
 * Tests: test/cli/cli.test.ts
 */
import { defineActor } from '../actor/index.ts'

export const doctorActor = defineActor({
  name: 'doctor',
  receive: {
    echo: (_state, n: number) => n,
  },
})
