/**
 * Against a real Redis: what it saves is read as what it answers, whatever its settings; and what was made by
 * hand in the forms of older versions, it restores as what is read.
 *
 * `SHL_SEED=n` makes other data.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { seededRandom } from '../../../../src/base/index.ts'
import { COLLECTION_FORMS } from '../../../../src/keyspace/portable/rdb/rdb-members.ts'
import { ENCODINGS } from '../../../support/portable/encodings.ts'
import { cut, joined, plainKeys, plainValue, readRdb } from '../../../support/portable/entries.ts'
import { integer, length, listpack, payload, text, ziplist } from '../../../support/portable/rdb-file.ts'
import { keyOfRedis, keysOfRedis, NOW_MS, randomKey, SETTINGS } from '../../../support/portable/redis-data.ts'
import { startRedis } from '../../../support/redis/redis-server.ts'

const SEED = Number(process.env['SHL_SEED'] ?? 1)
const KEYS = process.env['SHL_SOAK'] ? 5000 : 120

const folder = mkdtempSync(joinPath(tmpdir(), 'shl-rdb-'))
const redis = await startRedis(['--dir', folder, '--dbfilename', 'a.rdb', '--enable-debug-command', 'yes'])
afterAll(async () => {
  await redis?.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** Forms that a Redis of version 7.0 writes. */
const WRITTEN = [2, 4, 5, 11, 16, 17, 18]
const opened = WRITTEN.map((form) => vi.spyOn(COLLECTION_FORMS.get(form)!, 'open'))

async function save(): Promise<Buffer> {
  expect(await redis!.client.call('SAVE')).toBe('+OK')
  return readFileSync(joinPath(folder, 'a.rdb'))
}

describe.skipIf(redis === undefined)('a file that Redis has saved', () => {
  test.each(SETTINGS.map((settings, i) => [i, settings] as const))(
    'with settings %i is read as what it holds',
    async (i, settings) => {
      const { client } = redis!
      const random = seededRandom(SEED * 1000 + i)
      await client.call('FLUSHALL')
      for (const [name, value] of Object.entries(settings)) {
        expect(await client.call('CONFIG', 'SET', name, value)).toBe('+OK')
      }
      for (const db of [0, 3]) {
        await client.call('SELECT', String(db))
        for (let n = 0; n < KEYS; n++) await client.pipeline(randomKey(random, `key ${n} \xff`))
      }
      const held = [...(await keysOfRedis(client, 0)), ...(await keysOfRedis(client, 3))]
      expect(held.length).toBe(2 * KEYS)
      const file = await save()
      for (const size of [1000, file.length]) {
        const { entries, error, summary, skipped } = await readRdb(cut(file, size))
        expect(error).toBeUndefined()
        expect(skipped).toEqual([])
        expect(summary).toMatchObject({ keys: held.length, isWhole: true, hasChecksum: true })
        expect(summary.redisVersion).toBe(redis!.version)
        expect(plainKeys(joined(entries))).toEqual(plainKeys(held))
      }
    },
    60_000,
  )

  test('with many keys, or megabytes in one, is read as what it holds', async () => {
    const { client } = redis!
    await client.call('FLUSHALL')
    await client.call('DEBUG', 'POPULATE', '100000', 'p', '30')
    const long = Array.from({ length: 1_000_000 }, (_, n) => String.fromCharCode(((n * n) >> 7) & 255)).join(
      '',
    )
    await client.pipeline([
      ['SET', 'long', long.repeat(5)],
      ['RPUSH', 'list', 'a', long, 'b', 'x'.repeat(20_000), 'c'],
      ['HSET', 'hash', 'field', long],
    ])
    const file = await save()
    const { entries, error, summary } = await readRdb(cut(file, 65_536))
    expect(error).toBeUndefined()
    expect(summary.keys).toBe(100_003)
    const keys = new Map(joined(entries).map((found) => [found.key, found]))
    expect(keys.get('p:4711')!.value).toEqual({ type: 'string', text: 'value:4711'.padEnd(30, '\0') })
    for (const name of ['long', 'list', 'hash']) {
      expect(plainValue(keys.get(name)!.value)).toEqual(plainValue((await keyOfRedis(client, 0, name)).value))
    }
  }, 60_000)

  test('had each form that this version writes', () => {
    expect(opened.map((open, i) => [WRITTEN[i], open.mock.calls.length > 5])).toEqual(
      WRITTEN.map((form) => [form, true]),
    )
  })

  test('leaves out streams and functions, and says so', async () => {
    const { client } = redis!
    await client.call('FLUSHALL')
    await client.pipeline([
      ...Array.from({ length: 300 }, (_, n) => ['XADD', 'stream', `1-${n + 1}`, 'field', `value ${n}`]),
      ['XGROUP', 'CREATE', 'stream', 'group', '0'],
      ['XGROUP', 'CREATE', 'stream', 'empty', '$'],
      ['XREADGROUP', 'GROUP', 'group', 'alice', 'COUNT', '20', 'STREAMS', 'stream', '>'],
      ['XREADGROUP', 'GROUP', 'group', 'bob', 'COUNT', '5', 'STREAMS', 'stream', '>'],
      ['XDEL', 'stream', '1-3', '1-299'],
      ['XGROUP', 'CREATECONSUMER', 'stream', 'group', 'idle'],
      ['FUNCTION', 'LOAD', "#!lua name=lib\nredis.register_function('f', function() return 1 end)"],
      ['SET', 'string', 'behind'],
    ])
    const { entries, skipped, error } = await readRdb(cut(await save(), 500))
    await client.call('FUNCTION', 'FLUSH')
    expect(error).toBeUndefined()
    expect(skipped.map(({ kind, key }) => [kind, key])).toEqual([
      ['function', ''],
      ['stream', 'stream'],
    ])
    expect(joined(entries).map((found) => found.key)).toEqual(['string'])
  })
})

describe.skipIf(redis === undefined)('what is made by hand, Redis restores as it is read', () => {
  test.each(ENCODINGS.filter(({ isNew }) => isNew !== true))('$name', async ({ type, bytes, value }) => {
    const { client } = redis!
    await client.call('FLUSHALL')
    await client.call('CONFIG', 'SET', 'sanitize-dump-payload', 'yes')
    const made = payload(10, type, bytes).toString('latin1')
    expect(await client.call('RESTORE', 'k', String(NOW_MS + 1_000_000), made, 'ABSTTL')).toBe('+OK')
    const held = await keyOfRedis(client, 0, 'k')
    expect(held.expireAt).toBe(NOW_MS + 1_000_000)
    expect(plainValue(held.value)).toEqual(plainValue(value))
    if (value.type === 'list') expect(held.value).toEqual(value)
  })

  test('entries of every size near a border', async () => {
    const { client } = redis!
    const sizes = [...[63, 64, 119, 120, 121, 253, 254, 4095, 4096], ...range(16370, 16390)]
    const elements = sizes.map((size) => 'x'.repeat(size))
    for (const [type, piece] of [
      [18, [length(1), length(2), text(listpack(elements))]],
      [14, [length(1), text(ziplist(elements))]],
    ] as const) {
      await client.call('DEL', 'k')
      expect(await client.call('RESTORE', 'k', '0', payload(10, type, ...piece).toString('latin1'))).toBe(
        '+OK',
      )
      const { value } = await keyOfRedis(client, 0, 'k')
      expect(value).toEqual({ type: 'list', elements })
      const { entries } = await readRdb([await save()])
      expect(joined(entries)[0]!.value).toEqual(value)
    }
  })

  test('a payload that is wrong is refused by both', async () => {
    // So that the payloads above are known to be looked at.
    const wrong = payload(10, 16, text(listpack(['f', 'v', 'g'])), integer(1)).toString('latin1')
    expect(await redis!.client.call('RESTORE', 'w', '0', wrong)).toMatch(/^-ERR Bad data format/)
  })
})

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, n) => from + n)
}
