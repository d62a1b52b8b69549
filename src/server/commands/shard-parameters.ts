/**
 * Parameters that shards go by: what of them is to be told to each shard.
 * Tests: test/server/commands/shard-parameters.test.ts
 */
import type { ValueLimits } from '../../keyspace/engine/index.ts'
import type { ShardChange } from '../../keyspace/serving/index.ts'
import type { ParameterStore } from '../parameters/index.ts'

/** Of a node of a list that is bounded by its number of items. */
const LIST_BYTES_MAX = 8192
const UNBOUNDED = Number.MAX_SAFE_INTEGER

type Apply = (store: ParameterStore, shards: number) => ShardChange

/** Each by its name. */
const CHANGES: Readonly<Record<string, Apply>> = {
  // What is left of the division is not given out: 0 would be no ceiling.
  maxmemory: (store, shards) => {
    const bytes = store.get('maxMemory')
    return { maxBytes: bytes === 0 ? 0 : Math.max(1, Math.floor(bytes / shards)) }
  },
  'maxmemory-policy': (store) => ({ policy: store.get('maxMemoryPolicy') }),
  'maxmemory-samples': (store) => ({ samples: store.get('maxMemorySamples') }),
  'lfu-log-factor': (store) => ({ lfuLogFactor: Number(store.text('lfu-log-factor')) }),
  'lfu-decay-time': (store) => ({ lfuDecayMinutes: Number(store.text('lfu-decay-time')) }),
  'notify-keyspace-events': (store) => ({ notifyKeyspaceEvents: store.get('notifyKeyspaceEvents') }),
  'hash-max-listpack-entries': (store) => limit('hashListpackEntries', store.get('hashMaxListpackEntries')),
  'hash-max-listpack-value': (store) => limit('hashListpackValueBytes', store.get('hashMaxListpackValue')),
  'set-max-intset-entries': (store) => limit('setIntsetEntries', store.get('setMaxIntsetEntries')),
  'set-max-listpack-entries': (store) => limit('setListpackEntries', store.get('setMaxListpackEntries')),
  'set-max-listpack-value': (store) => limit('setListpackValueBytes', store.get('setMaxListpackValue')),
  'zset-max-listpack-entries': (store) => limit('zsetListpackEntries', store.get('zsetMaxListpackEntries')),
  'zset-max-listpack-value': (store) => limit('zsetListpackValueBytes', store.get('zsetMaxListpackValue')),
  'list-max-listpack-size': (store) => ({ limits: listLimits(store.get('listMaxListpackSize')) }),
}

/** What shards are told when these parameters have changed; undefined: nothing. */
export function shardChangeOf(
  store: ParameterStore,
  names: readonly string[],
  shards: number,
): ShardChange | undefined {
  const changes = names.flatMap((name) => CHANGES[name]?.(store, shards) ?? [])
  if (changes.length === 0) return undefined
  const limits = Object.assign({}, ...changes.map((change) => change.limits)) as Partial<ValueLimits>
  return Object.assign({}, ...changes, { limits }) as ShardChange
}

/** What shards are told when the server begins: all that was given. */
export function firstShardChange(store: ParameterStore, shards: number): ShardChange | undefined {
  const given = Object.keys(CHANGES).filter((name) => store.isGivenName(name))
  return shardChangeOf(store, given, shards)
}

function limit(name: keyof ValueLimits, value: number): ShardChange {
  return { limits: { [name]: value } }
}

/** Redis' two ways to bound a node: -1 to -5 are 4 to 64 KiB, anything else a number of items. */
function listLimits(size: number): Partial<ValueLimits> {
  if (size >= 0) return { listListpackBytes: LIST_BYTES_MAX, listListpackEntries: Math.max(1, size) }
  return { listListpackBytes: 2048 * 2 ** Math.min(5, -size), listListpackEntries: UNBOUNDED }
}
