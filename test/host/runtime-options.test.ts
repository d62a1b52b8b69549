/** Parameters as options of a runtime, which checks them again. */
import { expect, test } from 'vitest'
import { runtimeOptions } from '../../src/host/runtime-options.ts'
import { keyspaceSettings } from '../../src/keyspace/host/keyspace-options.ts'
import { resolveSettings } from '../../src/runtime/settings.ts'
import { PARAMETERS, type ParameterOptions, ParameterStore } from '../../src/server/parameters/index.ts'

function settingsOf(options: ParameterOptions, key?: string) {
  const { keyspace, ...runtime } = runtimeOptions(ParameterStore.of(options), key)
  return { runtime: resolveSettings(runtime), keyspace: keyspaceSettings(keyspace, 2), options: keyspace }
}

test('the defaults are allowed, and those of the keyspace', () => {
  const { keyspace } = settingsOf({})
  expect(keyspace).toEqual(keyspaceSettings({}, 2))
})

test('with a directory, too', () => {
  const { keyspace } = settingsOf({ dir: '/d' })
  expect(keyspace).toEqual(keyspaceSettings({ dir: '/d' }, 2))
})

test('what is given arrives', () => {
  const { runtime, keyspace, options } = settingsOf({
    threads: 100,
    shards: 3,
    maxMemory: '30mb',
    maxMemoryPolicy: 'allkeys-lfu',
    maxMemorySamples: 1000,
    notifyKeyspaceEvents: 'KEAmn',
    shutdownTimeout: 7,
    dir: '/d',
    durability: 'fsync',
    syncEveryMs: 5,
    encryptionKeyFile: '/k',
    encryptionPreviousKeyFiles: ['/l', '/m'],
  })
  expect(runtime).toMatchObject({ threads: 100, timeouts: { closeMs: 7000 } })
  expect(keyspace).toMatchObject({
    shards: 3,
    shard: { maxBytes: 10 * 1024 * 1024, policy: 'allkeys-lfu', samples: 64 },
    files: { dir: '/d', level: 'fsync', syncEveryMs: 5 },
  })
  expect(options.encryption).toEqual({ keyFile: '/k', previousKeys: [{ keyFile: '/l' }, { keyFile: '/m' }] })
  expect(settingsOf({ dir: '/d' }, 'a'.repeat(64)).options.encryption).toEqual({ key: 'a'.repeat(64) })
  expect(settingsOf({ shutdownTimeout: 0 }).runtime.timeouts.closeMs).toBe(1)
})

test('the ends of every range are allowed by whoever is given them', () => {
  for (const { name, option, type, part } of PARAMETERS) {
    const range = /(?:integer|memory size) (\d+)\.\.(\d+)/.exec(type.allowed)
    if (part !== 'keyspace' || range === null || name === 'databases') continue
    for (const end of [range[1], range[2]]) {
      expect(
        () => settingsOf({ dir: '/d', [option]: end } as ParameterOptions),
        `${name} ${end}`,
      ).not.toThrow()
    }
  }
})
