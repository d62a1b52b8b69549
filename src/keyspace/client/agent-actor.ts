/**
 * The actor by which a thread is attached to the keyspace: it makes the thread's client, once.
 *
 * A thread is attached before anything else may be spawned on it, so that `ctx.keyspace` is there for every
 * actor. The agent opens its end of the broadcast first and asks the shards afterwards for what they had told
 * before: nothing falls between the two.
 * Tests: test/keyspace/keyspace.race.test.ts
 */
import {
  type ActorContext,
  type ActorDefinition,
  type ActorRef,
  contextHost,
  defineActor,
} from '../../actor/index.ts'
import type { ShardMessages } from '../shard/shard-messages.ts'
import { KeyspaceMemory } from '../shared/keyspace-memory.ts'
import { TableDirectory } from '../shared/table-feed.ts'
import { Keyspace } from './keyspace.ts'
import { KeyspaceClient } from './keyspace-client.ts'

/** What an agent is started with. */
export interface AgentArgs {
  readonly memory: SharedArrayBuffer
  readonly channel: string
  /** Of this keyspace, unlike any other's. */
  readonly name: string
  readonly pendingMax: number
  readonly timeoutMs: number
  /** Whether there is a log. */
  readonly isDurable: boolean
}

/** What an agent keeps. */
export interface Agent {
  readonly client: KeyspaceClient
}

/** Where the client of a thread is among its services. */
export const KEYSPACE_SERVICE: string = 'keyspace'

export const agentActor: ActorDefinition<Agent, AgentArgs, object> = defineActor<Agent, AgentArgs, object>({
  name: 'keyspace-agent',
  reentrant: true,
  async init(ctx: ActorContext, args: AgentArgs) {
    const host = contextHost(ctx)
    const memory = new KeyspaceMemory(args.memory)
    const tables = new TableDirectory(memory, host.channels.broadcast(args.channel))
    const refs = new Map<number, { incarnation: number; ref: ActorRef<ShardMessages> }>()
    const shardRef = (shard: number): ActorRef<ShardMessages> | undefined => {
      const known = refs.get(shard)
      if (known !== undefined && known.incarnation === memory.incarnationOf(shard)) return known.ref
      const address = memory.addressOf(shard)
      if (address === undefined) return undefined
      const { thread, slot, generation, incarnation } = address
      const named = { thread, slot, generation, name: `keyspace-shard-${shard}` }
      const ref = host.refFor(named, undefined) as ActorRef<ShardMessages>
      refs.set(shard, { incarnation, ref })
      return ref
    }
    const { pendingMax, timeoutMs, isDurable } = args
    // The ids of transactions are unique in the process, the name of the keyspace among processes.
    const name = `${args.name}.${memory.drawTransaction().toString(36)}`
    const { clock } = host
    const publish = (): void => host.publish()
    const atTurnEnd = (task: () => void): void => host.atTurnEnd(task)
    const client = new KeyspaceClient({
      memory,
      tables,
      clock,
      pendingMax,
      timeoutMs,
      name,
      isDurable,
      shardRef,
      soon,
      atTurnEnd,
      publish,
    })
    await takeTables(memory.shardCount, shardRef, tables)
    host.services.set(KEYSPACE_SERVICE, new Keyspace(client))
    return { client }
  },
  receive: {},
  onStop: ({ client }) => client.tables.close(),
})

const READY = Promise.resolve()

/** At the end of the tick, as far as promises go: half the cost of `queueMicrotask`. */
function soon(task: () => void): void {
  void READY.then(task)
}

/** The tables of shards that run already. One that is lost meanwhile tells everybody when it is back. */
async function takeTables(
  shards: number,
  shardRef: (shard: number) => ActorRef<ShardMessages> | undefined,
  tables: TableDirectory,
): Promise<void> {
  const asked = Array.from({ length: shards }, (_, shard) => shardRef(shard)?.ask('tables'))
  for (const answer of await Promise.allSettled(asked)) {
    if (answer.status === 'fulfilled' && answer.value !== undefined) tables.take(answer.value)
  }
}
