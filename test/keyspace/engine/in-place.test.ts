/** The short ways of commands that add: what they answer and leave behind is what the handlers do. */
import { expect, test } from 'vitest'
import { commandTable } from '../../../src/keyspace/commands/index.ts'
import {
  hotAdd,
  hotChange,
  hotFind,
  type InPlace,
  keepTime,
  type ShardEngine,
  timePassed,
} from '../../../src/keyspace/engine/index.ts'
import { makeEngine, START_MS, type TestEngine } from '../../support/engine.ts'

const SEQUENCES = process.env['SHL_SOAK'] === undefined ? 30 : 3000
const LENGTH = 80
const KEYS = ['a', 'b', 'c', 'a key of more than sixteen bytes']
const WORDS = [
  '',
  'x',
  '7',
  '-3',
  '0',
  'a member of more than sixteen',
  'y'.repeat(100),
  '\xff',
  '9'.repeat(18),
]
const SCORES = [
  ...['1', '-1', '0', '-0', '007', '2.5', '+3', '1e3', 'inf', '-inf', 'nan', '', ' 1', 'x', 'NX'],
  ...['123456789012345', '999999999999999999999', '0x10', '.5', '5.', '-', '1-'],
]
const NUMBERS = [
  ...['0', '-1', '41', '9007199254740991', '-9007199254740991', '9007199254740992', '9223372036854775807'],
  ...['01', '-0', '+1', ' 1', '1.5', '', '-', 'x', '1'.repeat(30)],
]

/** A stream of small integers. */
function drawn(seed: number): (below: number) => number {
  let state = seed * 2654435761 + 12345
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return (state >>> 8) % below
  }
}

function commandOf(draw: (below: number) => number): string[] {
  const one = (words: readonly string[]): string => words[draw(words.length)]!
  const key = one(KEYS)
  switch (draw(11)) {
    case 0:
      return [one(['LPUSH', 'RPUSH', 'LPUSHX', 'RPUSHX']), key, one(WORDS), ...(draw(2) ? [one(WORDS)] : [])]
    case 1:
      return ['SADD', key, one(WORDS), ...(draw(2) ? [one(WORDS)] : [])]
    case 2:
      return ['HSET', key, one(WORDS), one(WORDS), ...(draw(3) ? [] : [one(WORDS)])]
    case 3:
      return ['ZADD', key, one(SCORES), one(WORDS)]
    case 4:
      return ['ZADD', key, ...(draw(3) ? [one(SCORES), one(WORDS)] : ['GT']), one(SCORES), one(WORDS)]
    case 5:
      return [one(['INCR', 'DECR']), key]
    case 6:
      return ['SET', key, one(NUMBERS), ...(draw(4) ? [] : ['PX', '3'])]
    case 7:
      return [one(['LPOP', 'RPOP', 'SPOP', 'DEL', 'ZPOPMIN']), key]
    case 8:
      return ['APPEND', key, one(['1', 'x'])]
    case 9:
      return draw(2) ? ['PEXPIRE', key, '4'] : ['HPEXPIRE', key, '2', 'FIELDS', '1', one(WORDS)]
    default:
      return ['RENAME', key, one(KEYS)]
  }
}

/** Runs a command as a thread's server does: the short way first. */
function runShort({ engine, ask }: TestEngine, argv: readonly string[]): unknown {
  const [name = '', key = ''] = argv
  const bytes = Buffer.from(`..${key}.`, 'latin1')
  engine.beginHot()
  const { inPlace } = commandTable.get(name)!
  let reply = Number.NaN
  if (name === 'INCR' || name === 'DECR') {
    reply = hotAdd(engine, bytes, 2, key.length, name === 'INCR' ? 1 : -1)
  } else if (inPlace !== undefined) reply = runInPlace(engine, bytes, key.length, inPlace, argv)
  return Number.isNaN(reply) ? ask(...argv) : reply
}

function runInPlace(
  engine: ShardEngine,
  bytes: Uint8Array,
  length: number,
  inPlace: InPlace,
  [, , ...rest]: readonly string[],
): number {
  if (!hotFind(engine, bytes, 2, length, inPlace)) return Number.NaN
  return hotChange(engine, inPlace, ['', '', ...rest])
}

/** All that is kept of the keys, and of the shard. */
function stateOf({ engine, ask }: TestEngine): unknown {
  const { commands, changes, expiredKeys } = engine.stats
  const db = engine.database(0)
  const keys = KEYS.map((key) => {
    const about = [ask('OBJECT', 'ENCODING', key), ask('DUMP', key), ask('PEXPIRETIME', key)]
    return [...about, db.bytesOf(key), db.accessClockOf(key)]
  })
  return { commands, changes, expiredKeys, used: engine.usedBytes(), keys }
}

test('random commands, by the short way or not, answer and leave the same', () => {
  const taken = new Set<string>()
  for (let seed = 0; seed < SEQUENCES; seed++) {
    const draw = drawn(seed)
    const [plain, short] = [makeEngine({ seed }), makeEngine({ seed })]
    for (const { engine } of [plain, short]) {
      engine.onCommit = undefined
      engine.database(0)
    }
    for (let i = 0; i < LENGTH; i++) {
      const argv = commandOf(draw)
      const wanted = plain.ask(...argv)
      const before = short.engine.stats.commands
      const answer = runShort(short, argv)
      expect([argv, answer, short.engine.stats.commands - before]).toEqual([argv, wanted, 1])
      if (typeof answer === 'number') taken.add(argv[0]!)
      const passedMs = draw(4) === 0 ? (draw(20) === 0 ? 1000 : 1) : 0
      for (const { clock } of [plain, short]) clock.advance(passedMs)
    }
    expect(stateOf(short), `sequence ${seed}`).toEqual(stateOf(plain))
    if (seed % 10 === 0) short.engine.database(0).table.checkTable()
  }
  for (const name of ['LPUSH', 'RPUSHX', 'SADD', 'HSET', 'ZADD', 'INCR', 'DECR'])
    expect([...taken]).toContain(name)
})

test('they are closed while somebody listens or waits, and every change has a higher revision', () => {
  const { engine, run, wait } = makeEngine()
  const { inPlace } = commandTable.get('rpush')!
  const push = (): number => runInPlace(engine, Buffer.from('..l'), 1, inPlace!, ['', '', 'x'])
  const add = (): number => hotAdd(engine, Buffer.from('..n'), 2, 1, 1)
  run('RPUSH', 'l', 'x')
  run('SET', 'n', '1')
  const tried = (): number[] => [push(), add()]
  expect(tried()).toEqual([Number.NaN, Number.NaN])
  engine.onCommit = undefined
  engine.onTouched = () => {}
  expect(tried()).toEqual([Number.NaN, Number.NaN])
  engine.onTouched = undefined
  wait('BLPOP', 'none', '0')
  expect(push()).toBeNaN()
  for (const waiter of engine.blocked.everyone()) engine.blocked.settle(waiter, null)
  const db = engine.database(0)
  const first = db.revisionOf('l')!
  expect(tried()).toEqual([2, 2])
  const second = db.revisionOf('l')!
  const third = db.revisionOf('n')!
  expect(second).toBeGreaterThan(first)
  expect(third).toBeGreaterThan(second)
  run('RPUSH', 'l', 'x')
  expect(db.revisionOf('l')).toBeGreaterThan(third)
})

test('the time that is kept stands for so many commands, or until something took long', () => {
  const { engine, clock, ask } = makeEngine()
  const seen = (): number => {
    ask('PING')
    return engine.nowMs - START_MS
  }
  engine.beginHot()
  keepTime(engine, 2)
  clock.advance(5)
  expect([seen(), seen(), seen()]).toEqual([0, 0, 5])
  clock.advance(5)
  timePassed(engine)
  expect([seen(), seen()]).toEqual([10, 10])
  clock.advance(5)
  keepTime(engine, 0)
  expect(seen()).toBe(15)
  clock.advance(5)
  expect(seen()).toBe(20)
})
