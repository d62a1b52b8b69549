/** A client of the keyspace whose notes go to whoever has started the process: see history-child.mjs. */
import { defineActor } from 'shardloom'
import { runClient } from '../consistency/workload.mjs'
import { now, writeLine } from '../histories/line-writer.mjs'

export const notingClient = defineActor({
  name: 'noting-client',
  reentrant: true,
  receive: {
    run: (_state, plan, ctx) => runClient({ ...plan, keyspace: ctx.keyspace, now, onLine: writeLine }),
  },
})
