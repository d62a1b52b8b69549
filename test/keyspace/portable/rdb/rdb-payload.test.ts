/**
 * RESTORE of what DUMP of a Redis answers: each form there is, by hand and from a real server; and refusals
 * of what does not hold together.
 *
 * `SHL_SEED=n` makes other data.
 */
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { seededRandom } from '../../../../src/base/index.ts'
import { ErrorReply, openRdbPayload, VALUE_LIMITS } from '../../../../src/keyspace/engine/index.ts'
import type { PortableValue } from '../../../../src/keyspace/portable/index.ts'
import { readRdbPayload } from '../../../../src/keyspace/portable/index.ts'
import { makeEngine, type TestEngine } from '../../../support/engine.ts'
import { ENCODINGS } from '../../../support/portable/encodings.ts'
import { plainKeys, plainValue } from '../../../support/portable/entries.ts'
import { double, length, listpack, payload, text } from '../../../support/portable/rdb-file.ts'
import { keysOfRedis, randomKey, SETTINGS } from '../../../support/portable/redis-data.ts'
import { startRedis } from '../../../support/redis/redis-server.ts'

const SEED = Number(process.env['SHL_SEED'] ?? 1)
const KEYS = process.env['SHL_SOAK'] ? 2000 : 40
const FORMAT = '(error) ERR Bad data format'
const CHECKSUM = '(error) ERR DUMP payload version or checksum are wrong'

const redis = await startRedis()
afterAll(() => redis?.stop())

/** What a key holds, as commands tell it. */
function valueIn({ ask }: TestEngine, key: string): PortableValue {
  const words = (...argv: string[]): string[] => ask(...argv) as string[]
  const every = (list: readonly unknown[], rest: number): never[] =>
    list.filter((_, i) => i % 2 === rest) as never[]
  switch (ask('TYPE', key)) {
    case 'string':
      return { type: 'string', text: ask('GET', key) as string }
    case 'list':
      return { type: 'list', elements: words('LRANGE', key, '0', '-1') }
    case 'set':
      return { type: 'set', members: words('SMEMBERS', key), times: undefined }
    case 'hash': {
      const flat = words('HGETALL', key)
      return { type: 'hash', fields: every(flat, 0), values: every(flat, 1), times: undefined }
    }
    default: {
      const flat = (ask('ZRANGE', key, '0', '-1', 'WITHSCORES') as unknown[]).flat()
      return { type: 'zset', members: every(flat, 0), scores: every(flat, 1), times: undefined }
    }
  }
}

describe('a payload of Redis', () => {
  test.each(ENCODINGS)('with $name is restored, and logged as it came', ({ type, bytes, value }) => {
    const test = makeEngine()
    const made = payload(11, type, bytes)
    expect(test.ask('RESTORE', 'k', '0', made)).toBe('OK')
    const effects = test.effects()
    expect(plainValue(valueIn(test, 'k'))).toEqual(plainValue(value))
    const other = makeEngine()
    for (const effect of effects) expect(other.ask(...effect)).toBe('OK')
    expect(plainValue(valueIn(other, 'k'))).toEqual(plainValue(value))
  })

  test('that does not hold together is refused, and the key is as it was', () => {
    const { ask } = makeEngine()
    ask('SET', 'k', 'v')
    const wrong = [
      // A member twice; none; one too few, and something behind the last.
      payload(10, 2, length(2), text('m'), text('m')),
      payload(10, 4, length(2), text('f'), text('1'), text('f'), text('2')),
      payload(10, 16, text(listpack(['f', '1', 'f', '2']))),
      payload(10, 2, length(0)),
      payload(10, 2, length(2), text('m')),
      payload(10, 2, length(1), text('m'), text('n')),
      payload(10, 16, text(listpack(['f', 'v', 'g']))),
      payload(10, 5, length(1), text('m'), double(Number.NaN)),
      // A stream, a module, no type at all.
      payload(10, 15, length(0)),
      payload(10, 7, length(0)),
      payload(10, 63, length(0)),
    ]
    for (const one of wrong) expect(ask('RESTORE', 'k', '0', one, 'REPLACE')).toBe(FORMAT)
    expect(ask('RESTORE', 'k', '0', payload(12, 2, length(1), text('m')), 'REPLACE')).toBe(CHECKSUM)
    expect(ask('GET', 'k')).toBe('v')
  })

  test('with any content is read or refused, and nothing else', () => {
    const seeds = ENCODINGS.map(({ type, bytes }) => [type, ...bytes])
    const damage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 3 })
    fc.assert(
      fc.property(fc.constantFrom(...seeds), damage, fc.nat(), ([type, ...bytes], changes, cut) => {
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte
        const kept = cut % 3 === 0 ? bytes.slice(0, cut % bytes.length) : bytes
        try {
          readRdbPayload(payload(10, type!, kept), VALUE_LIMITS)
        } catch (error) {
          expect(error).toBeInstanceOf(ErrorReply)
        }
      }),
      { numRuns: process.env['SHL_SOAK'] ? 100_000 : 1500, seed: SEED },
    )
    expect(() => openRdbPayload(new Uint8Array(9))).toThrow(ErrorReply)
  })
})

describe.skipIf(redis === undefined)('what a real server answers to DUMP', () => {
  test.each(SETTINGS.map((settings, i) => [i, settings] as const))(
    'with settings %i is restored as what it holds',
    async (i, settings) => {
      const { client } = redis!
      const random = seededRandom(SEED * 100 + i)
      await client.call('FLUSHALL')
      for (const [name, value] of Object.entries(settings)) await client.call('CONFIG', 'SET', name, value)
      for (let n = 0; n < KEYS; n++) await client.pipeline(randomKey(random, `key ${n} \xff`))
      const held = await keysOfRedis(client)
      const test = makeEngine()
      for (const { key, expireAt } of held) {
        const dumped = Buffer.from(String(await client.call('DUMP', key)).slice(1), 'latin1')
        expect(test.ask('RESTORE', key, String(expireAt), dumped, 'ABSTTL')).toBe('OK')
      }
      const restored = held.map(({ db, key, expireAt }) => {
        expect(Math.max(0, test.ask('PEXPIRETIME', key) as number)).toBe(expireAt)
        return { db, key, expireAt, value: valueIn(test, key) }
      })
      expect(plainKeys(restored)).toEqual(plainKeys(held))
    },
  )
})
