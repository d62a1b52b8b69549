/**
 * Entries put into a keyspace: what becomes of keys that are there, what is refused, and that all of it
 * arrives, from files as from memory, in an engine as in a Redis.
 */
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import {
  type Command,
  EntryLoader,
  type EntryLoaderOptions,
  type PortableEntry,
  RdbReader,
  type RunCommands,
} from '../../../src/keyspace/portable/index.ts'
import { makeEngine } from '../../support/engine.ts'
import { anyKeys, entriesOf } from '../../support/portable/arbitrary-keys.ts'
import { ENCODINGS } from '../../support/portable/encodings.ts'
import { heldKeys, plainKeys, type WholeKey } from '../../support/portable/entries.ts'
import { key, rdbFile } from '../../support/portable/rdb-file.ts'
import { keysOfRedis } from '../../support/portable/redis-data.ts'
import { engineRun, keysOfEngine, redisRun, wordsOf } from '../../support/portable/runs.ts'
import { startRedis } from '../../support/redis/redis-server.ts'

const redis = await startRedis()
afterAll(() => redis?.stop())

function listOf(name: string, elements: readonly string[], more: Partial<WholeKey> = {}): WholeKey {
  return { db: 0, key: name, expireAt: 0, value: { type: 'list', elements }, ...more }
}

/** Loads entries into an engine that holds a list "there" already. */
async function load(options: EntryLoaderOptions, ...batches: readonly (readonly PortableEntry[])[]) {
  const world = makeEngine()
  world.run('RPUSH', 'there', 'old')
  const seen: Command[] = []
  const loader = new EntryLoader(engineRun(world, seen), options)
  const error = await loader.load(batches).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  const keys = keysOfEngine(world).map(({ db, key: name, value }) => [
    ...[db, name, value.type === 'list' ? value.elements.join(' ') : value.type],
  ])
  return { keys: keys.sort(), error, summary: loader.summary, seen: seen.map((argv) => wordsOf(argv)[0]) }
}

const NEW = entriesOf(listOf('new', ['a', 'b', 'c']), 1)
const THERE = entriesOf(listOf('there', ['a', 'b', 'c']), 1)
const LAST = entriesOf(listOf('zlast', ['z']))

describe('a key that is there already', () => {
  test('is replaced', async () => {
    const { keys, summary } = await load({ ifExists: 'replace' }, [...NEW, ...THERE, ...LAST])
    expect(keys).toEqual([
      [0, 'new', 'a b c'],
      [0, 'there', 'a b c'],
      [0, 'zlast', 'z'],
    ])
    expect(summary).toEqual({ keys: 3, skipped: 0, commands: 10 })
  })

  test('is left as it is, with all of its parts, in one batch or many', async () => {
    const all = [...NEW, ...THERE, ...LAST]
    for (const batches of [[all], all.map((entry) => [entry]), [all.slice(0, 4), all.slice(4)]]) {
      const { keys, summary, error } = await load({ ifExists: 'skip' }, ...batches)
      expect(error).toBeUndefined()
      expect(keys).toEqual([
        [0, 'new', 'a b c'],
        [0, 'there', 'old'],
        [0, 'zlast', 'z'],
      ])
      expect(summary).toEqual({ keys: 2, skipped: 1, commands: 4 })
    }
  })

  test('ends the import before anything of its batch is written, which is the default', async () => {
    for (const options of [{}, { ifExists: 'error' }] as const) {
      const { keys, error } = await load(options, NEW, [...LAST, ...THERE])
      expect(keys).toEqual([
        [0, 'new', 'a b c'],
        [0, 'there', 'old'],
      ])
      expect(error).toMatchObject({
        code: 'SHL_IMPORT_REFUSED',
        details: { db: 0, key: 'there', reason: 'the key is there already' },
      })
    }
  })

  test('is seen when it came with the same import, even in the same batch', async () => {
    const twice = [...entriesOf(listOf('k', ['1'])), ...NEW, ...entriesOf(listOf('k', ['2']))]
    expect((await load({ ifExists: 'skip' }, twice)).keys).toContainEqual([0, 'k', '1'])
    expect((await load({ ifExists: 'replace' }, twice)).keys).toContainEqual([0, 'k', '2'])
    expect((await load({}, twice)).error).toMatchObject({ details: { key: 'k' } })
  })

  test('is another one in another database', async () => {
    const both = [
      ...entriesOf(listOf('there', ['1'], { db: 5 })),
      ...LAST,
      ...entriesOf(listOf('x', ['2'], { db: 5 })),
    ]
    const { keys, error } = await load({}, both)
    expect(error).toBeUndefined()
    expect(keys).toEqual([
      [0, 'there', 'old'],
      [0, 'zlast', 'z'],
      [5, 'there', '1'],
      [5, 'x', '2'],
    ])
  })
})

describe('an import', () => {
  test('asks for all keys of a batch at once, then writes them at once', async () => {
    const journeys: number[] = []
    const run = engineRun(makeEngine())
    const counted: RunCommands = (db, commands) => {
      journeys.push(commands.length)
      return run(db, commands)
    }
    const batch = Array.from({ length: 100 }, (_, n) => entriesOf(listOf(`k${n}`, ['a']))[0]!)
    await new EntryLoader(counted, { ifExists: 'skip' }).add(batch)
    await new EntryLoader(counted, { ifExists: 'replace' }).add(batch)
    expect(journeys).toEqual([100, 100, 200])
  })

  test('ends with the key whose command is refused', async () => {
    const { error, keys } = await load(
      { ifExists: 'replace' },
      NEW,
      entriesOf(listOf('x', ['a'], { db: 99 })),
    )
    expect(error).toMatchObject({ code: 'SHL_IMPORT_REFUSED', details: { db: 99, key: 'x' } })
    expect(keys).toContainEqual([0, 'new', 'a b c'])
    const long = listOf('\xc3\xa9'.repeat(40_000), ['a'])
    expect((await load({}, entriesOf(long))).error).toMatchObject({
      details: { key: 'é'.repeat(50), reason: 'ERR key exceeds maximum allowed size' },
    })
  })

  test('ends with what its source throws, having written what came before', async () => {
    function* batches(): Generator<readonly PortableEntry[]> {
      yield NEW
      throw new RangeError('source')
    }
    const world = makeEngine()
    await expect(new EntryLoader(engineRun(world)).load(batches())).rejects.toThrow('source')
    expect(keysOfEngine(world)).toHaveLength(1)
  })

  test('gives an engine any keys as they were, whatever it held of them before', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyKeys,
        anyKeys,
        fc.integer({ min: 1, max: 50 }),
        async (keys, before, membersMax) => {
          const world = makeEngine()
          const loader = new EntryLoader(engineRun(world), { ifExists: 'replace' })
          await loader.add(before.flatMap((one) => entriesOf(one)))
          await loader.add(keys.flatMap((one) => entriesOf(one, membersMax)))
          const isNew = (one: WholeKey): boolean =>
            keys.some(({ db, key: name }) => one.db === db && one.key === name)
          const expected = [...keys, ...before.filter((one) => !isNew(one))]
          expect(heldKeys(keysOfEngine(world))).toEqual(heldKeys(expected))
        },
      ),
      { numRuns: process.env['SHL_SOAK'] ? 3000 : 60 },
    )
  })

  test('gives an engine every form of an RDB file', async () => {
    const world = makeEngine()
    const content = ENCODINGS.map(({ name, type, bytes }) => key(type, name, bytes))
    await new EntryLoader(engineRun(world)).load(new RdbReader({ source: 'f' }).read([rdbFile(11, content)]))
    const expected = ENCODINGS.map(({ name, value }) => ({ db: 0, key: name, expireAt: 0, value }))
    expect(plainKeys(keysOfEngine(world))).toEqual(plainKeys(expected))
  })

  test.skipIf(redis === undefined)('gives a Redis any keys, without the times of members', async () => {
    const run = redisRun(redis!.client)
    await fc.assert(
      fc.asyncProperty(anyKeys, fc.integer({ min: 1, max: 50 }), async (keys, membersMax) => {
        await redis!.client.call('FLUSHALL')
        const loader = new EntryLoader(run, { memberTimes: false })
        await loader.load([keys.flatMap((one) => entriesOf(one, membersMax))])
        const held: WholeKey[] = []
        for (const db of [0, 1, 15]) held.push(...(await keysOfRedis(redis!.client, db)))
        const expected = keys.map(({ value, ...head }) => ({
          ...head,
          value: 'times' in value ? { ...value, times: undefined } : value,
        }))
        expect(heldKeys(held)).toEqual(heldKeys(expected))
      }),
      { numRuns: process.env['SHL_SOAK'] ? 1000 : 30 },
    )
  })
})
