/**
 * CLUSTER, as one node that has all slots sees it.
 *
 * Shards of one process are no nodes: a client that could tell them apart would only have to go through the
 * same door. The address of the node is the one that the client has reached it at, so that it is right
 * whatever lies in between. READONLY and its kin are taken: they change nothing where nothing is redirected.
 *
 * Tests: test/server/commands/own-state.race.test.ts
 * Source: CLUSTER of Redis 7.0.15 with cluster-enabled
 */
import {
  type Argument,
  byteString,
  err,
  isInteger64,
  MapReply,
  NOT_INTEGER,
  OK,
} from '../../keyspace/engine/index.ts'
import { HASH_SLOTS, hashSlotOf, slotKeys } from '../../keyspace/serving/index.ts'
import { helpReply } from '../catalog/index.ts'
import { type ServerReply, VerbatimReply } from '../resp/index.ts'
import type { CommandResult, ServerCommand, Session } from './server-command.ts'

const LAST_SLOT = HASH_SLOTS - 1
/** Of the bus that nodes talk over, by convention. */
const BUS_PORT_OFFSET = 10_000

/** Where this client has reached the node. */
function endpointOf({ thread: { facts }, localAddress, isUnix, isTls }: Session): {
  readonly ip: string
  readonly port: number
} {
  const port = isTls && facts.tlsPort > 0 ? facts.tlsPort : facts.port
  if (isUnix) return { ip: '', port }
  const ip = localAddress.slice(0, localAddress.lastIndexOf(':')).replace(/^::ffff:/, '')
  return { ip, port }
}

function info(): ServerReply {
  const lines = [
    'cluster_state:ok',
    `cluster_slots_assigned:${HASH_SLOTS}`,
    `cluster_slots_ok:${HASH_SLOTS}`,
    'cluster_slots_pfail:0',
    'cluster_slots_fail:0',
    'cluster_known_nodes:1',
    'cluster_size:1',
    'cluster_current_epoch:0',
    'cluster_my_epoch:0',
    'cluster_stats_messages_sent:0',
    'cluster_stats_messages_received:0',
    'total_cluster_links_buffer_limit_exceeded:0',
  ]
  return new VerbatimReply(lines.map((line) => `${line}\r\n`).join(''))
}

function slots(session: Session): ServerReply {
  const { ip, port } = endpointOf(session)
  return [[0, LAST_SLOT, [ip, port, session.thread.facts.nodeId, []]]]
}

function shards(session: Session): ServerReply {
  const { ip } = endpointOf(session)
  const { nodeId, port, tlsPort } = session.thread.facts
  const node = new MapReply([
    ...['id', nodeId],
    ...(port > 0 ? ['port', port] : []),
    ...(tlsPort > 0 ? ['tls-port', tlsPort] : []),
    ...['ip', ip, 'endpoint', ip, 'role', 'master', 'replication-offset', 0, 'health', 'online'],
  ])
  return [new MapReply(['slots', [0, LAST_SLOT], 'nodes', [node]])]
}

function nodes(session: Session): ServerReply {
  const { ip, port } = endpointOf(session)
  const { nodeId } = session.thread.facts
  const address = `${ip}:${port}@${port + BUS_PORT_OFFSET}`
  return new VerbatimReply(`${nodeId} ${address} myself,master - 0 0 0 connected 0-${LAST_SLOT}\n`)
}

/** A number of an argument; undefined: it is none. */
function numberOf(argument: Argument): number | undefined {
  const word = byteString(argument)
  return isInteger64(word) ? Number(word) : undefined
}

function isSlot(slot: number): boolean {
  return slot >= 0 && slot < HASH_SLOTS
}

function countKeysInSlot({ thread }: Session, argv: readonly Argument[]): CommandResult {
  const slot = numberOf(argv[2]!)
  if (slot === undefined) return NOT_INTEGER
  if (!isSlot(slot)) return err('Invalid slot')
  return slotKeys(thread.client, slot, 0, Number.MAX_SAFE_INTEGER).then(({ count }) => count)
}

function getKeysInSlot({ thread }: Session, argv: readonly Argument[]): CommandResult {
  const [slot, count] = [numberOf(argv[2]!), numberOf(argv[3]!)]
  if (slot === undefined || count === undefined) return NOT_INTEGER
  if (!isSlot(slot) || count < 0) return err('Invalid slot or number of keys')
  return slotKeys(thread.client, slot, count, count).then(({ keys }) => keys)
}

function ofNode(reply: ServerReply): ServerCommand['run'] {
  return ({ thread }, argv) => {
    const id = byteString(argv[2]!)
    return id === thread.facts.nodeId ? reply : err(`Unknown node ${id}`)
  }
}

const COMMON = { group: 'cluster', flags: ['stale'], complexity: 'O(1)' } as const
const BY_SCAN = 'O(N) with N keys of the shard, in slices'
const ON_CONNECTION = {
  arity: 1,
  flags: ['loading', 'stale', 'fast'],
  group: 'cluster',
  categories: ['connection'],
  complexity: 'O(1)',
  syntax: '',
  since: '3.0.0',
  run: () => OK,
} as const satisfies Partial<ServerCommand>

export const clusterCommands: readonly ServerCommand[] = [
  {
    ...COMMON,
    name: 'cluster|info',
    arity: 2,
    summary: 'Tells how the cluster is: of one node, with all slots.',
    syntax: '',
    since: '3.0.0',
    run: info,
  },
  {
    ...COMMON,
    name: 'cluster|slots',
    arity: 2,
    summary: 'Tells which node has which hash slots: this one has all.',
    syntax: '',
    since: '3.0.0',
    run: slots,
  },
  {
    ...COMMON,
    name: 'cluster|shards',
    arity: 2,
    summary: 'Tells the same by nodes.',
    syntax: '',
    since: '7.0.0',
    run: shards,
  },
  {
    ...COMMON,
    name: 'cluster|nodes',
    arity: 2,
    summary: 'Tells the nodes as lines of text.',
    syntax: '',
    since: '3.0.0',
    run: nodes,
  },
  {
    ...COMMON,
    name: 'cluster|myid',
    arity: 2,
    summary: 'Tells the name of this node, another one at each start.',
    syntax: '',
    since: '3.0.0',
    run: ({ thread }) => thread.facts.nodeId,
  },
  {
    ...COMMON,
    name: 'cluster|myshardid',
    arity: 2,
    summary: 'Tells the name of the shard of the cluster that this node is.',
    syntax: '',
    since: '7.2.0',
    run: ({ thread }) => thread.facts.nodeId,
  },
  {
    ...COMMON,
    name: 'cluster|keyslot',
    arity: 3,
    summary: 'Tells the hash slot of a key.',
    complexity: 'O(N) with N bytes of the key',
    syntax: 'key',
    since: '3.0.0',
    run: (_session, argv) => hashSlotOf(byteString(argv[2]!)),
  },
  {
    ...COMMON,
    name: 'cluster|countkeysinslot',
    arity: 3,
    summary: 'Counts the keys of a hash slot, in database 0.',
    complexity: BY_SCAN,
    syntax: 'slot',
    since: '3.0.0',
    run: countKeysInSlot,
  },
  {
    ...COMMON,
    name: 'cluster|getkeysinslot',
    arity: 4,
    summary: 'Lists keys of a hash slot, in database 0.',
    complexity: BY_SCAN,
    syntax: 'slot count',
    since: '3.0.0',
    run: getKeysInSlot,
  },
  {
    ...COMMON,
    name: 'cluster|links',
    arity: 2,
    summary: 'Lists connections between nodes: there are none.',
    syntax: '',
    since: '7.0.0',
    run: () => [],
  },
  {
    ...COMMON,
    name: 'cluster|count-failure-reports',
    arity: 3,
    flags: ['admin', 'stale'],
    summary: 'Counts who says that a node has failed: nobody.',
    syntax: 'node-id',
    since: '3.0.0',
    run: ofNode(0),
  },
  {
    ...COMMON,
    name: 'cluster|replicas',
    arity: 3,
    flags: ['admin', 'stale'],
    summary: 'Lists the replicas of a node: there are none.',
    syntax: 'node-id',
    since: '5.0.0',
    run: ofNode([]),
  },
  {
    group: 'cluster',
    flags: ['loading', 'stale'],
    name: 'cluster|help',
    arity: 2,
    summary: 'Tells what the subcommands of CLUSTER do.',
    complexity: 'O(1)',
    syntax: '',
    since: '5.0.0',
    run: ({ thread }) => helpReply(thread.catalog, 'cluster'),
  },
  { ...ON_CONNECTION, name: 'readonly', summary: 'Is taken: there are no replicas to read from.' },
  { ...ON_CONNECTION, name: 'readwrite', summary: 'Is taken: reads and writes go to the same node.' },
  {
    ...ON_CONNECTION,
    name: 'asking',
    flags: ['fast'],
    summary: 'Is taken: no slot is on its way to another node.',
  },
]
