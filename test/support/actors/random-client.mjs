/** A client of the keyspace that does random things and writes down what it saw: see workload.mjs. */
import { defineActor } from 'shardloom'
import { runClient } from '../consistency/workload.mjs'

/** One clock for all threads of the process. */
export const now = () => Number(process.hrtime.bigint())

export const randomClient = defineActor({
  name: 'random-client',
  reentrant: true,
  init: () => ({ notes: undefined }),
  receive: {
    run: (state, plan, ctx) =>
      runClient({
        ...plan,
        keyspace: ctx.keyspace,
        now,
        onNotes: (notes) => {
          state.notes = notes
        },
      }),
  },
})
