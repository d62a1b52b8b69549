/**
 * Parameters as options of a runtime and its keyspace.
 *
 * Tests: test/host/runtime-options.test.ts
 */
import type { KeyspaceOptions, KeyspaceRuntimeOptions } from '../keyspace/index.ts'
import type { ParameterStore } from '../server/parameters/index.ts'

/** What the runtime allows unless it is told otherwise. */
const THREADS_MAX = 64
const SAMPLES_MAX = 64

/** The options; `encryptionKey` is a key that was given itself, and not where it is. */
export function runtimeOptions(
  store: ParameterStore,
  encryptionKey?: string,
): KeyspaceRuntimeOptions & { readonly keyspace: KeyspaceOptions } {
  const threads = store.get('threads')
  const shards = store.get('shards')
  return {
    ...(threads !== 'auto' && { threads }),
    ...(threads !== 'auto' && threads > THREADS_MAX && { limits: { threadsMax: threads } }),
    timeouts: { closeMs: Math.max(1, store.get('shutdownTimeout') * 1000) },
    keyspace: {
      ...(shards !== 'auto' && { shards }),
      maxMemoryBytes: Math.min(store.get('maxMemory'), Number.MAX_SAFE_INTEGER),
      evictionPolicy: store.get('maxMemoryPolicy'),
      evictionSamples: Math.min(store.get('maxMemorySamples'), SAMPLES_MAX),
      // Misses and new keys are told of nowhere: Redis' letters for them are kept, and mean nothing.
      notifyKeyspaceEvents: store.get('notifyKeyspaceEvents').replaceAll(/[mn]/g, ''),
      rebalance: store.get('rebalance'),
      historyMax: store.get('historyMax'),
      historyBytesMax: Math.min(store.get('historyBytesMax'), Number.MAX_SAFE_INTEGER),
      historyKeepMs: store.get('historyKeepMs'),
      pendingMax: store.get('pendingMax'),
      timeoutMs: store.get('commandTimeoutMs'),
      ...fileOptions(store, encryptionKey),
    },
  }
}

function fileOptions(store: ParameterStore, encryptionKey: string | undefined): KeyspaceOptions {
  const dir = store.get('dir')
  const durability = store.get('durability')
  if (dir === '') return {}
  const encryption = encryptionOptions(store, encryptionKey)
  return {
    dir,
    ...(durability !== 'auto' && { durability }),
    syncEveryMs: store.get('syncEveryMs'),
    logSegmentBytes: store.get('logSegmentBytes'),
    snapshotBytes: store.get('snapshotBytes'),
    snapshotEveryMs: store.get('snapshotEveryMs'),
    diskReserveBytes: store.get('diskReserveBytes'),
    ...(encryption !== undefined && { encryption }),
  }
}

function encryptionOptions(
  store: ParameterStore,
  key: string | undefined,
): NonNullable<KeyspaceOptions['encryption']> | undefined {
  const keyFile = store.get('encryptionKeyFile')
  const keyCommand = store.get('encryptionKeyCommand')
  const previousKeys = store.get('encryptionPreviousKeyFiles').map((file) => ({ keyFile: file }))
  const current =
    keyFile !== ''
      ? { keyFile }
      : keyCommand !== ''
        ? { keyCommand }
        : key !== undefined
          ? { key }
          : undefined
  if (current === undefined && previousKeys.length === 0) return undefined
  return { ...current, ...(previousKeys.length > 0 && { previousKeys }) }
}
