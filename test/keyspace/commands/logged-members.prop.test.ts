/**
 * What commands of hashes, sets and lists log is enough: replayed on an empty shard, each commit at its time,
 * it makes the same data. Whatever depended on chance, on time or on who waited is in the log as what it did.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { makeEngine, type Plain, type TestEngine } from '../../support/engine.ts'

const KEYS = ['h1', 'h2', 's1', 's2', 'l1', 'l2']

const hash = fc.constantFrom('h1', 'h2')
const set = fc.constantFrom('s1', 's2')
const list = fc.constantFrom('l1', 'l2')
const member = fc.constantFrom('a', 'b', 'c', 'd', 'e', '1', '2')
const members = fc.array(member, { minLength: 1, maxLength: 4 })
const value = fc.constantFrom('x', '1', '2.5', '30')
const ms = fc.integer({ min: 0, max: 60 }).map(String)
const count = fc.integer({ min: 0, max: 4 }).map(String)
const condition = fc.constantFrom([], ['NX'], ['XX'], ['GT'], ['LT'])
const side = fc.constantFrom('LEFT', 'RIGHT')
const word = (text: string): fc.Arbitrary<string> => fc.constant(text)

const pairs = fc.array(fc.tuple(member, value), { minLength: 1, maxLength: 4 })
const fieldsOf = (list: readonly string[]): string[] => ['FIELDS', String(list.length), ...list]
const membersOf = (list: readonly string[]): string[] => ['MEMBERS', String(list.length), ...list]

const command: fc.Arbitrary<string[]> = fc.oneof(
  fc.tuple(hash, pairs).map(([key, list]) => ['HSET', key, ...list.flat()]),
  fc.tuple(hash, members).map(([key, list]) => ['HDEL', key, ...list]),
  fc.tuple(hash, member, value).map(([key, field, step]) => ['HINCRBYFLOAT', key, field, step]),
  fc.tuple(hash, member).map(([key, field]) => ['HINCRBY', key, field, '3']),
  fc
    .tuple(hash, ms, condition, members)
    .map(([key, time, how, list]) => ['HPEXPIRE', key, time, ...how, ...fieldsOf(list)]),
  fc.tuple(hash, members).map(([key, list]) => ['HPERSIST', key, ...fieldsOf(list)]),
  fc.tuple(hash, ms, members).map(([key, time, list]) => ['HGETEX', key, 'PX', time, ...fieldsOf(list)]),
  fc.tuple(hash, members).map(([key, list]) => ['HGETEX', key, 'PERSIST', ...fieldsOf(list)]),
  fc.tuple(hash, members).map(([key, list]) => ['HGETDEL', key, ...fieldsOf(list)]),
  fc
    .tuple(hash, fc.constantFrom([], ['FNX'], ['FXX']), fc.oneof(word('KEEPTTL'), ms), pairs)
    .map(([key, how, time, list]) => {
      const expiry = time === 'KEEPTTL' ? [time] : ['PX', time]
      return ['HSETEX', key, ...how, ...expiry, 'FIELDS', String(list.length), ...list.flat()]
    }),
  fc.tuple(hash).map(([key]) => ['HGETALL', key]),
  fc.tuple(set, members).map(([key, list]) => ['SADD', key, ...list]),
  fc.tuple(set, members).map(([key, list]) => ['SREM', key, ...list]),
  fc.tuple(set).map(([key]) => ['SPOP', key]),
  fc.tuple(set, count).map(([key, n]) => ['SPOP', key, n]),
  fc.tuple(set, set, member).map(([from, to, one]) => ['SMOVE', from, to, one]),
  fc.tuple(fc.constantFrom('SINTERSTORE', 'SUNIONSTORE', 'SDIFFSTORE'), set, set, set),
  fc
    .tuple(set, ms, condition, members)
    .map(([key, time, how, list]) => ['SPEXPIRE', key, time, ...how, ...membersOf(list)]),
  fc.tuple(set, members).map(([key, list]) => ['SADDEX', key, '1', ...list]),
  fc.tuple(set).map(([key]) => ['SMEMBERS', key]),
  fc.tuple(fc.constantFrom('LPUSH', 'RPUSH'), list, members).map(([name, key, list]) => [name, key, ...list]),
  fc.tuple(fc.constantFrom('LPOP', 'RPOP'), list, count),
  fc.tuple(list, count, member).map(([key, n, one]) => ['LREM', key, n, one]),
  fc.tuple(list, count).map(([key, n]) => ['LTRIM', key, n, '-1']),
  fc.tuple(list, member, member).map(([key, pivot, one]) => ['LINSERT', key, 'BEFORE', pivot, one]),
  fc.tuple(side).map(([where]) => ['LMPOP', '2', 'l1', 'l2', where, 'COUNT', '2']),
  fc.tuple(fc.constantFrom('BLPOP', 'BRPOP')).map(([name]) => [name, 'l1', 'l2', '0.02']),
  fc.tuple(side, side).map((sides) => ['BLMOVE', 'l1', 'l2', ...sides, '0.02']),
)

const step = fc.record({ argv: command, waitMs: fc.oneof(fc.constant(0), fc.nat(40)) })

test('a replay of the log makes the same data', () => {
  const seen = new Set<string>()
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: 'max' }), fc.nat(), (steps, seed) => {
      const original = makeEngine({ seed })
      for (const { argv, waitMs } of steps) {
        original.wait(...argv)
        original.engine.serveBlocked()
        for (const [name = ''] of original.effects()) seen.add(name)
        original.clock.advance(waitMs)
        original.engine.tick(1)
      }
      const logged = [...original.commits]
      const replayed = makeEngine({ seed: seed + 1 })
      for (const { atMs, effects } of logged) {
        replayed.clock.advance(atMs - replayed.clock.wallMs())
        for (const { argv } of effects) {
          expect(replayed.engine.execute(replayed.caller, argv)).not.toHaveProperty('code')
        }
      }
      replayed.clock.advance(original.clock.wallMs() - replayed.clock.wallMs())
      expect(contentOf(replayed)).toEqual(contentOf(original))
    }),
    { numRuns: process.env['SHL_SOAK'] ? 20_000 : 150 },
  )
  // The log says nothing of chance, of waits, or of times from now on.
  for (const name of [
    'SPOP',
    'BLPOP',
    'BLMOVE',
    'LMPOP',
    'HPEXPIRE',
    'SPEXPIRE',
    'SADDEX',
    'HINCRBYFLOAT',
    'HGETEX',
  ]) {
    expect(seen).not.toContain(name)
  }
  for (const name of ['HPEXPIREAT', 'SPEXPIREAT', 'HPERSIST', 'HSETEX', 'LPOP', 'LMOVE', 'SREM', 'DEL']) {
    expect(seen).toContain(name)
  }
  for (const name of ['HGETALL', 'SMEMBERS']) expect(seen).not.toContain(name)
})

/** Everything that clients can ask for. */
function contentOf({ ask }: TestEngine): Plain[] {
  return KEYS.map((key) => {
    switch (key[0]) {
      case 'h':
        return sorted(
          pairsOf(ask('HGETALL', key)).map(([field, text]) => [
            field,
            text,
            ask('HPEXPIRETIME', key, ...fieldsOf([field])),
          ]),
        )
      case 's':
        return sorted(
          (ask('SMEMBERS', key) as string[]).map((one) => [
            one,
            ask('SPEXPIRETIME', key, ...membersOf([one])),
          ]),
        )
      default:
        return ask('LRANGE', key, 0, -1)
    }
  })
}

function pairsOf(flat: Plain): [string, string][] {
  const list = flat as string[]
  return list.filter((_, i) => i % 2 === 0).map((field, i) => [field, list[i * 2 + 1] as string])
}

function sorted(rows: Plain[][]): Plain[][] {
  return rows.sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1))
}
