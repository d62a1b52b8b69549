/**
 * Exports by commands: of an engine and of a Redis, of any keys; and what becomes of keys that change, vanish
 * or change their type while they are read.
 */
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/base/index.ts'
import {
  EntryLoader,
  KeyExporter,
  type KeyExporterOptions,
  type PortableEntry,
  type RunCommands,
  writeNdjson,
} from '../../../src/keyspace/portable/index.ts'
import { makeEngine, START_MS, type TestEngine } from '../../support/engine.ts'
import { anyKeys, entriesOf } from '../../support/portable/arbitrary-keys.ts'
import { heldKeys, joined, keysOfNdjson, plainKeys, type WholeKey } from '../../support/portable/entries.ts'
import { keysOfRedis, randomKey, SETTINGS } from '../../support/portable/redis-data.ts'
import { engineRun, keysOfEngine, redisRun, wordsOf } from '../../support/portable/runs.ts'
import { startRedis } from '../../support/redis/redis-server.ts'

const redis = await startRedis()
afterAll(() => redis?.stop())

async function exportOf(run: RunCommands, options: KeyExporterOptions = {}) {
  const exporter = new KeyExporter(run, options)
  const entries: PortableEntry[] = []
  for await (const batch of exporter.read()) entries.push(...batch)
  return { keys: joined(entries), entries, summary: exporter.summary }
}

/** Runs `meddle` before each command of a name, as somebody else would. */
function meddled(
  world: TestEngine,
  name: string,
  meddle: (argv: readonly string[], nth: number) => void,
): RunCommands {
  const run = engineRun(world)
  let nth = 0
  return async (db, commands) => {
    const replies: unknown[] = []
    for (const command of commands) {
      const words = wordsOf(command)
      if (words[0] === name) meddle(words, nth++)
      replies.push(...(await run(db, [command])))
    }
    return replies
  }
}

/** Without REVISION, as Redis is. */
function withoutRevisions(run: RunCommands): RunCommands {
  return (db, commands) =>
    run(
      db,
      commands.map((command) => (command[0] === 'REVISION' ? ['NOSUCH'] : command)),
    )
}

describe('an export', () => {
  test('of an engine has any keys as they are', async () => {
    await fc.assert(
      fc.asyncProperty(anyKeys, fc.integer({ min: 1, max: 20 }), async (keys, keysPerStep) => {
        const world = makeEngine()
        await new EntryLoader(engineRun(world)).add(keys.flatMap((one) => entriesOf(one)))
        const { keys: found, summary } = await exportOf(engineRun(world), { dbs: [0, 1, 15], keysPerStep })
        expect(plainKeys(found)).toEqual(plainKeys(keysOfEngine(world)))
        expect(heldKeys(found)).toEqual(heldKeys(keys))
        expect(summary).toEqual({ keys: keys.length, skipped: 0, unstable: 0 })
      }),
      { numRuns: process.env['SHL_SOAK'] ? 2000 : 60 },
    )
  })

  test('of large keys comes in parts, and goes through lines of JSON into another engine', async () => {
    const world = makeEngine()
    const names = Array.from({ length: 5000 }, (_, n) => `member ${n}`)
    const times = names.map((_, n) => (n % 7 === 0 ? START_MS + 1000 + n : 0))
    const scores = names.map((_, n) => n / 3)
    const values: readonly WholeKey['value'][] = [
      { type: 'string', text: 'é\xff'.repeat(400_000) },
      { type: 'list', elements: names },
      { type: 'set', members: names, times },
      { type: 'hash', fields: names, values: names.map((name) => name.repeat(9)), times },
      { type: 'zset', members: names, scores, times },
    ]
    const keys = values.map((value, n) => ({ db: 0, key: `key ${n}`, expireAt: START_MS + 5000 * n, value }))
    await new EntryLoader(engineRun(world)).add(keys.flatMap((one) => entriesOf(one)).map(late))
    const other = makeEngine()
    const file: Uint8Array[] = []
    for await (const chunk of writeNdjson(new KeyExporter(engineRun(world)).read())) file.push(chunk)
    const found = await keysOfNdjson(...file)
    expect(plainKeys(found)).toEqual(plainKeys(keys.map(late)))
    await new EntryLoader(engineRun(other)).add(found.flatMap((one) => entriesOf(one)))
    expect(plainKeys(keysOfEngine(other))).toEqual(plainKeys(keys.map(late)))
    const { entries } = await exportOf(engineRun(world))
    for (const { value } of entries) {
      if (value.type === 'list') expect(value.elements.length).toBeLessThanOrEqual(512)
    }

    function late<T extends { expireAt: number }>(one: T): T {
      return { ...one, expireAt: one.expireAt + 100_000 }
    }
  })

  test('asks in few journeys for many keys', async () => {
    const world = makeEngine()
    for (let n = 0; n < 1000; n++) world.run('SET', `s${n}`, 'v')
    for (let n = 0; n < 1000; n++) world.run('SADD', `m${n}`, 'v')
    let journeys = 0
    const run = engineRun(world)
    const { keys } = await exportOf((db, commands) => {
      journeys++
      return run(db, commands)
    })
    expect(keys).toHaveLength(2000)
    // Five for each 128 keys, and one to begin.
    expect(journeys).toBeLessThan((2000 / 128) * 6 + 10)
  })

  test('asks once for what the server does not have', async () => {
    const world = makeEngine()
    for (let n = 0; n < 500; n++) world.run('HSET', `h${n}`, 'f', 'v')
    const missing = new Set(['REVISION', 'HPEXPIRETIME'])
    const asked: string[] = []
    const run = engineRun(world)
    const { keys, summary } = await exportOf(async (db, commands) => {
      const names = new Set(commands.map(([name]) => String(name)))
      asked.push(...[...names].filter((name) => missing.has(name)))
      return run(
        db,
        commands.map((command) => (missing.has(String(command[0])) ? ['NOSUCH'] : command)),
      )
    })
    expect(keys).toHaveLength(500)
    expect(summary.unstable).toBe(0)
    expect(asked).toEqual(['REVISION', 'HPEXPIRETIME'])
  })

  test('may be of some keys only, and names bytes that are no text', async () => {
    const world = makeEngine()
    for (const key of ['user:é', 'user:2', 'other']) world.run('SET', Buffer.from(key), 'v')
    world.run('SET', Buffer.from('\xff', 'latin1'), 'v')
    const { keys } = await exportOf(engineRun(world), { match: 'user:é*' })
    expect(keys.map(({ key }) => key)).toEqual([Buffer.from('user:é').toString('latin1')])
    expect((await exportOf(engineRun(world))).keys.map(({ key }) => key)).toContain('\xff')
  })
})

describe('a key that is written while it is read', () => {
  const WORLDS: readonly (readonly [string, readonly string[], string])[] = [
    ['string', ['SET', 'k', 'old'], 'GETRANGE'],
    ['list', ['RPUSH', 'k', 'old'], 'LRANGE'],
    ['set', ['SADD', 'k', 'old'], 'SSCAN'],
    ['hash', ['HSET', 'k', 'old', 'old'], 'HSCAN'],
    ['zset', ['ZADD', 'k', '1', 'old'], 'ZSCAN'],
  ]

  test.each(WORLDS)('of type %s is read again', async (_, make, read) => {
    const world = makeEngine()
    world.run(...make)
    // It gets a time between the two questions for it.
    const run = meddled(world, read, (_argv, nth) => {
      if (nth === 0) world.run('PEXPIREAT', 'k', String(START_MS + 5000))
    })
    const { keys, summary } = await exportOf(run)
    expect(keys.map(({ expireAt }) => expireAt)).toEqual([START_MS + 5000])
    expect(summary).toEqual({ keys: 1, skipped: 0, unstable: 0 })
  })

  test.each(WORLDS)('of type %s, each time, is reported', async (_, make, read) => {
    const world = makeEngine()
    world.run(...make)
    world.run('SET', 'quiet', 'v')
    const unstable: unknown[] = []
    const run = meddled(world, read, (argv, nth) => {
      if (argv[1] === 'k') world.run('PEXPIREAT', 'k', String(START_MS + 5000 + nth))
    })
    const { keys, summary } = await exportOf(run, { onUnstable: (db, key) => unstable.push([db, key]) })
    expect(keys).toHaveLength(2)
    expect(unstable).toEqual([[0, 'k']])
    expect(summary).toEqual({ keys: 2, skipped: 0, unstable: 1 })
  })

  test.each(WORLDS)('of type %s is left out when it is gone', async (_, make, read) => {
    for (const wrap of [(run: RunCommands) => run, withoutRevisions]) {
      const world = makeEngine()
      world.run(...make)
      world.run('SET', 'quiet', '')
      const run = meddled(world, read, (argv) => void (argv[1] === 'k' && world.run('DEL', 'k')))
      const { keys, summary } = await exportOf(wrap(run))
      // The one that is empty is there.
      expect(keys.map(({ key }) => key)).toEqual(['quiet'])
      expect(summary).toEqual({ keys: 1, skipped: 0, unstable: 0 })
    }
  })

  test.each(WORLDS)('of type %s is read as what it has become', async (type, make, read) => {
    for (const wrap of [(run: RunCommands) => run, withoutRevisions]) {
      const world = makeEngine()
      world.run(...make)
      const other = type === 'list' ? ['SADD', 'k', 'new'] : ['RPUSH', 'k', 'new']
      const run = meddled(world, read, (_argv, nth) => {
        if (nth > 0) return
        world.run('DEL', 'k')
        world.run(...other)
      })
      const { keys, summary } = await exportOf(wrap(run))
      expect(keys.map(({ value }) => value.type)).toEqual([type === 'list' ? 'set' : 'list'])
      expect(summary).toEqual({ keys: 1, skipped: 0, unstable: 0 })
    }
  })

  test('and has many members is reported, and ends where it is no more', async () => {
    for (const [end, isReported] of [
      ['RPUSH', true],
      ['DEL', true],
      ['SET', true],
      ['PING', false],
    ] as const) {
      const world = makeEngine()
      world.run('RPUSH', 'k', ...Array.from({ length: 2000 }, (_, n) => `e${n}`))
      const unstable: unknown[] = []
      const run = meddled(world, 'LRANGE', (_argv, nth) => {
        if (nth === 2)
          world.run(
            ...{ RPUSH: ['RPUSH', 'k', 'more'], DEL: ['DEL', 'k'], SET: ['SET', 'k', 'v'], PING: ['PING'] }[
              end
            ],
          )
      })
      const { keys, summary, entries } = await exportOf(run, { onUnstable: (_, key) => unstable.push(key) })
      expect(unstable).toEqual(isReported ? ['k'] : [])
      expect(summary).toMatchObject({ keys: 1, unstable: isReported ? 1 : 0 })
      expect(entries.at(-1)!.isLast).toBe(true)
      const { value } = keys[0]!
      if (value.type !== 'list') throw new Error(value.type)
      expect(value.elements).toHaveLength({ RPUSH: 2001, DEL: 512, SET: 512, PING: 2000 }[end])
    }
  })

  test('and is a long string is read again, so that it is no mixture', async () => {
    const world = makeEngine()
    const [before, after] = ['a', 'b'].map((letter) => letter.repeat(1_000_000)) as [string, string]
    world.run('SET', 'k', before)
    const run = meddled(world, 'GETRANGE', (_argv, nth) => void (nth === 2 && world.run('SET', 'k', after)))
    const { keys, summary } = await exportOf(run)
    expect(keys[0]!.value).toEqual({ type: 'string', text: after })
    expect(summary.unstable).toBe(0)
  })
})

describe('a server that refuses', () => {
  test('ends the export with what it says', async () => {
    const run = engineRun(makeEngine())
    for (const name of ['SCAN', 'TYPE', 'PEXPIRETIME', 'GETRANGE']) {
      const world = makeEngine()
      world.run('SET', 'k', 'v')
      const refusing: RunCommands = async (db, commands) => {
        const replies = await engineRun(world)(db, commands)
        return replies.map((reply, i) => (commands[i]![0] === name ? new Error('NOPERM no') : reply))
      }
      await expect(exportOf(refusing)).rejects.toMatchObject({
        code: 'SHL_COMMAND_REFUSED',
        details: { reply: 'NOPERM no', command: name },
      })
    }
    await expect(exportOf(run, { dbs: [99] })).rejects.toMatchObject({ code: 'SHL_COMMAND_REFUSED' })
  })
})

describe('a server that answers something else', () => {
  test.each([
    ['SCAN', 'text'],
    ['SCAN', ['0', 'text']],
    ['TYPE', ['string']],
    ['PEXPIRETIME', 'soon'],
    ['ZSCAN', ['0', ['m']]],
    ['ZSCAN', ['0', ['m', 'nan']]],
    ['ZSCAN', ['0', ['m', 'x']]],
    ['ZSCAN', ['0', ['m', null]]],
  ])('to %s, %j, ends the export', async (name, answer) => {
    const world = makeEngine()
    world.run('ZADD', 'k', '1', 'm')
    const run = engineRun(world)
    const strange: RunCommands = async (db, commands) => {
      const replies = await run(db, commands)
      return replies.map((reply, i) => (commands[i]![0] === name ? answer : reply))
    }
    await expect(exportOf(strange)).rejects.toMatchObject({
      code: 'SHL_COMMAND_REFUSED',
      details: { command: name },
    })
  })
})

describe.skipIf(redis === undefined)('an export of a Redis', () => {
  test.each(SETTINGS.map((settings, i) => [i, settings] as const))(
    'has what it holds, with settings %i',
    async (i, settings) => {
      const { client } = redis!
      const random = seededRandom(77 + i)
      await client.call('FLUSHALL')
      for (const [name, value] of Object.entries(settings)) await client.call('CONFIG', 'SET', name, value)
      for (const db of [0, 3]) {
        await client.call('SELECT', String(db))
        for (let n = 0; n < 60; n++) await client.pipeline(randomKey(random, `key ${n} \xff`))
      }
      const held = [...(await keysOfRedis(client, 0)), ...(await keysOfRedis(client, 3))]
      const { keys, summary } = await exportOf(redisRun(client), { dbs: [0, 3] })
      expect(plainKeys(keys)).toEqual(plainKeys(held))
      expect(summary).toEqual({ keys: 120, skipped: 0, unstable: 0 })
      const world = makeEngine()
      await new EntryLoader(engineRun(world)).add(keys.flatMap((one) => entriesOf(one)))
      expect(heldKeys(keysOfEngine(world))).toEqual(heldKeys(held))
    },
  )

  test('leaves out streams, and says so', async () => {
    const { client } = redis!
    await client.call('FLUSHALL')
    await client.pipeline([
      ['SELECT', '0'],
      ['XADD', 'stream', '*', 'f', 'v'],
      ['SET', 'k', 'v'],
    ])
    const skipped: unknown[] = []
    const { keys, summary } = await exportOf(redisRun(client), { onSkipped: (item) => skipped.push(item) })
    expect(keys.map(({ key }) => key)).toEqual(['k'])
    expect(skipped).toEqual([{ kind: 'stream', db: 0, key: 'stream', name: 'stream' }])
    expect(summary).toEqual({ keys: 1, skipped: 1, unstable: 0 })
  })
})
