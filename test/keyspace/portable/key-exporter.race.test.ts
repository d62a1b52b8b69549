/** Imports and exports of a keyspace on real threads: all of it arrives, also while others write. */
import fc from 'fast-check'
import type { Runtime } from 'shardloom'
import { describe, expect, test } from 'vitest'
import {
  EntryLoader,
  KeyExporter,
  type PortableEntry,
  type RunCommands,
} from '../../../src/keyspace/portable/index.ts'
import { anyKeys, entriesOf } from '../../support/portable/arbitrary-keys.ts'
import { heldKeys, joined } from '../../support/portable/entries.ts'
import { testRuntime } from '../../support/runtime.ts'

/** Runs commands as a program would: all on their way at once, each refusal in its place. */
function runOf({ keyspace }: Runtime): RunCommands {
  return (_db, commands) =>
    Promise.all(
      commands.map(([name, ...args]) =>
        keyspace.commandBuffer(String(name), ...args).catch((error: unknown) => error),
      ),
    )
}

async function exportOf(runtime: Runtime, onUnstable?: (db: number, key: string) => void) {
  const exporter = new KeyExporter(runOf(runtime), onUnstable === undefined ? {} : { onUnstable })
  const entries: PortableEntry[] = []
  for await (const batch of exporter.read()) entries.push(...batch)
  return joined(entries)
}

describe('a keyspace on threads', () => {
  test('gives back any keys that it was given', async () => {
    const runtime = await testRuntime({ threads: 1, keyspace: { shards: 3 } })
    await fc.assert(
      fc.asyncProperty(anyKeys, fc.integer({ min: 1, max: 30 }), async (all, membersMax) => {
        const keys = all.filter(({ db }) => db === 0)
        await runtime.keyspace.command('FLUSHALL')
        await new EntryLoader(runOf(runtime)).add(keys.flatMap((key) => entriesOf(key, membersMax)))
        expect(heldKeys(await exportOf(runtime))).toEqual(heldKeys(keys))
      }),
      { numRuns: 40 },
    )
  })

  test('is exported while it is written: no small key and no string is a mixture', async () => {
    const runtime = await testRuntime({ threads: 1, keyspace: { shards: 2 } })
    const { keyspace } = runtime
    const letters = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(700_000))
    for (let n = 0; n < 300; n++) await keyspace.command('HSET', `pair:${n}`, 'one', '0', 'other', '0')
    for (let n = 0; n < 300; n++) await keyspace.command('RPUSH', `quiet:${n}`, `${n}`, 'x')
    for (let n = 0; n < 4; n++) await keyspace.command('SET', `long:${n}`, letters[n]!)
    let isOver = false
    const write = async (): Promise<number> => {
      let writes = 0
      for (; !isOver; writes++) {
        const value = String(writes)
        await keyspace.command('HSET', `pair:${writes % 300}`, 'one', value, 'other', value)
        if (writes % 8 === 0) await keyspace.command('SET', `long:${writes % 4}`, letters[(writes >> 3) % 4]!)
      }
      return writes
    }
    const writing = write()
    for (let round = 0; round < 5; round++) {
      const unstable = new Set<string>()
      const keys = await exportOf(runtime, (_, key) => unstable.add(key))
      expect(keys).toHaveLength(604)
      for (const { key, value } of keys) {
        if (value.type === 'hash') expect([key, new Set(value.values).size]).toEqual([key, 1])
        else if (value.type === 'list') expect(value.elements).toEqual([key.slice('quiet:'.length), 'x'])
        else if (value.type === 'string' && !unstable.has(key)) expect(letters).toContain(value.text)
      }
    }
    isOver = true
    expect(await writing).toBeGreaterThan(100)
  })
})
