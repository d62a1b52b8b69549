/** The options of a keyspace: defaults, what is taken over, and what is refused by name. */
import { describe, expect, test } from 'vitest'
import { type KeyspaceOptions, keyspaceSettings } from '../../../src/keyspace/host/keyspace-options.ts'

const MIB = 1024 * 1024

describe('what is left out', () => {
  test('has defaults', () => {
    expect(keyspaceSettings({}, 3)).toEqual({
      shards: 3,
      pendingMax: 1_000_000,
      timeoutMs: 30_000,
      rebalance: undefined,
      files: undefined,
      hasShardCount: false,
      shard: {
        maxBytes: 0,
        policy: 'noeviction',
        samples: 5,
        sliceMs: 1,
        segmentBytes: 16 * MIB,
        historyMax: 65_536,
        historyBytesMax: 16 * MIB,
        historyKeepMs: 60_000,
        notifyKeyspaceEvents: '',
      },
    })
  })

  test('is one shard without threads, and the runtime’s time for a question', () => {
    expect(keyspaceSettings({}, 0, 777)).toMatchObject({ shards: 1, timeoutMs: 777 })
    expect(keyspaceSettings({ timeoutMs: 5 }, 0, 777)).toMatchObject({ timeoutMs: 5 })
  })
})

describe('what is given', () => {
  test('is taken over, and memory is shared out among the shards', () => {
    const settings = keyspaceSettings(
      {
        shards: 3,
        maxMemoryBytes: 1000,
        evictionPolicy: 'volatile-ttl',
        evictionSamples: 10,
        sliceMs: 0.5,
        segmentBytes: MIB,
        pendingMax: 1,
        historyMax: 0,
        historyBytesMax: 5,
        historyKeepMs: 6,
        notifyKeyspaceEvents: 'KEA',
      },
      8,
    )
    expect(settings).toMatchObject({
      shards: 3,
      pendingMax: 1,
      shard: {
        maxBytes: 333,
        policy: 'volatile-ttl',
        samples: 10,
        sliceMs: 0.5,
        segmentBytes: MIB,
        historyMax: 0,
        historyBytesMax: 5,
        historyKeepMs: 6,
        notifyKeyspaceEvents: 'KEA',
      },
    })
  })

  test('is a ceiling, however low', () => {
    expect(keyspaceSettings({ shards: 3, maxMemoryBytes: 2 }, 1).shard.maxBytes).toBe(1)
  })

  test('has files when it has a directory, synced every second unless it says something else', () => {
    expect(keyspaceSettings({}, 1).files).toBeUndefined()
    expect(keyspaceSettings({ durability: 'memory' }, 1).files).toBeUndefined()
    const onRecovery = (): void => undefined
    expect(keyspaceSettings({ dir: '/srv/../data', onRecovery }, 1).files).toEqual({
      dir: '/data',
      onRecovery,
      level: 'os',
      syncEveryMs: 1000,
      segmentBytes: 64 * MIB,
      snapshotBytes: 256 * MIB,
      snapshotEveryMs: 3_600_000,
      reserveBytes: 8 * MIB,
    })
    expect(keyspaceSettings({ dir: '/x', durability: 'fsync' }, 1).files?.level).toBe('fsync')
  })

  test('may turn rebalancing on, whole or in part', () => {
    const defaults = { intervalMs: 1000, ratio: 1.5, commandsMin: 10_000, slotsMax: 64 }
    expect(keyspaceSettings({ rebalance: true }, 1).rebalance).toEqual(defaults)
    expect(keyspaceSettings({ rebalance: { ratio: 2 } }, 1).rebalance).toEqual({ ...defaults, ratio: 2 })
    expect(keyspaceSettings({ rebalance: false }, 1).rebalance).toBeUndefined()
  })
})

describe('what cannot be is refused', () => {
  test.each<[object, string]>([
    [{ shards: 0 }, 'keyspace.shards=0'],
    [{ shards: 1025 }, 'keyspace.shards=1025'],
    [{ shards: 1.5 }, 'keyspace.shards=1.5'],
    [{ maxMemoryBytes: -1 }, 'keyspace.maxMemoryBytes=-1'],
    [{ evictionPolicy: 'lru' }, 'keyspace.evictionPolicy="lru"'],
    [{ evictionSamples: 65 }, 'keyspace.evictionSamples=65'],
    [{ sliceMs: 0 }, 'keyspace.sliceMs=0'],
    [{ segmentBytes: 1000 }, 'keyspace.segmentBytes=1000'],
    [{ segmentBytes: 3 * MIB }, 'keyspace.segmentBytes=3145728'],
    [{ pendingMax: 0 }, 'keyspace.pendingMax=0'],
    [{ timeoutMs: Number.NaN }, 'keyspace.timeoutMs=NaN'],
    [{ historyMax: '5' }, 'keyspace.historyMax="5"'],
    [{ notifyKeyspaceEvents: 'KQ' }, 'keyspace.notifyKeyspaceEvents="KQ"'],
    [{ notifyKeyspaceEvents: 5 }, 'keyspace.notifyKeyspaceEvents=5'],
    [{ rebalance: 'yes' }, 'keyspace.rebalance="yes"'],
    [{ dir: '' }, 'keyspace.dir=""'],
    [{ dir: 5 }, 'keyspace.dir=5'],
    [{ dir: '/x', durability: 'always' }, 'keyspace.durability="always"'],
    [{ durability: 'fsync' }, 'together with keyspace.dir'],
    [{ syncEveryMs: 10 }, 'together with keyspace.dir'],
    [{ dir: '/x', syncEveryMs: 0 }, 'keyspace.syncEveryMs=0'],
    [{ dir: '/x', logSegmentBytes: 1 }, 'keyspace.logSegmentBytes=1'],
    [{ dir: '/x', snapshotBytes: 1.5 }, 'keyspace.snapshotBytes=1.5'],
    [{ dir: '/x', snapshotEveryMs: -1 }, 'keyspace.snapshotEveryMs=-1'],
    [{ dir: '/x', diskReserveBytes: '8M' }, 'keyspace.diskReserveBytes="8M"'],
    [{ dir: '/x', onRecovery: true }, 'keyspace.onRecovery=true'],
    [
      { encryption: { key: 'ab'.repeat(32) } },
      'keyspace.encryption=undefined allowed=together with keyspace.dir',
    ],
    [{ dir: '/x', encryption: null }, 'keyspace.encryption=(not shown)'],
    [{ dir: '/x', encryption: 'ab'.repeat(32) }, 'keyspace.encryption=(not shown)'],
    [{ dir: '/x', encryption: { key: 'ab' } }, 'keyspace.encryption.key=(not shown)'],
    [{ rebalance: null }, 'keyspace.rebalance=null'],
    [{ rebalance: { ratio: 0.5 } }, 'keyspace.rebalance.ratio=0.5'],
    [{ rebalance: { intervalMs: 1 } }, 'keyspace.rebalance.intervalMs=1'],
    [{ rebalance: { slotsMax: 1.5 } }, 'keyspace.rebalance.slotsMax=1.5'],
  ])('%o', (options, text) => {
    expect(() => keyspaceSettings(options as KeyspaceOptions, 1)).toThrow(
      expect.objectContaining({ code: 'SHL_OPTION_INVALID', message: expect.stringContaining(text) }),
    )
  })

  test('also where nobody knows the name', () => {
    expect(() => keyspaceSettings({ shard: 2 } as KeyspaceOptions, 1)).toThrow(
      expect.objectContaining({
        code: 'SHL_OPTION_UNKNOWN',
        details: expect.objectContaining({ nearest: 'shards' }),
      }),
    )
    expect(() => keyspaceSettings({ rebalance: { slots: 2 } } as KeyspaceOptions, 1)).toThrow(
      expect.objectContaining({ code: 'SHL_OPTION_UNKNOWN' }),
    )
  })
})
