/** Commands of a batch that take a short way are answered as by their handlers; the others take none. */
import { expect, test } from 'vitest'
import { commandTable } from '../../../src/keyspace/commands/index.ts'
import { runHot } from '../../../src/keyspace/shard/hot-commands.ts'
import { ReplyReader, ReplyWriter, RequestReader, RequestWriter } from '../../../src/keyspace/wire/index.ts'
import { makeEngine, plain } from '../../support/engine.ts'

const BIG = '9007199254740990'
const SHORT = [
  ['SET', 'n', '41'],
  ['INCR', 'n'],
  ['DECR', 'n'],
  ['GET', 'n'],
  ['GET', 'none'],
  ['INCR', 'other'],
  ['SET', 'big', BIG],
  ['INCR', 'big'],
  ['LPUSH', 'list', 'a', 'b'],
  ['RPUSHX', 'list', 'c'],
  ['SADD', 'set', 'x', 'y'],
  ['SADD', 'set', 'x', 'z'],
  ['HSET', 'hash', 'f', '1', 'g', ''],
  ['ZADD', 'zset', '2.5', 'm'],
  ['ZADD', 'zset', '2.5', 'm'],
]
const LONG = [
  ['INCR', 'list'],
  ['INCR', 'n', 'n'],
  ['SET', 'n', '1', 'NX'],
  ['LPUSH', 'list'],
  ['LPUSH', 'set', 'x'],
  ['LPUSH', 'none', 'x'],
  ['HSET', 'hash', 'f'],
  ['HSET', 'hash', 'f', '1', 'g'],
  ['ZADD', 'zset', 'x', 'm'],
  ['SADD', 'set', ...Array.from({ length: 20 }, (_, i) => `${i}`)],
  ['STRLEN', 'n'],
]

function engineWith(): ReturnType<typeof makeEngine> {
  const made = makeEngine()
  for (const argv of [
    ['RPUSH', 'list', '1'],
    ['SADD', 'set', '1'],
    ['HSET', 'hash', 'h', '1'],
    ['ZADD', 'zset', '1', 'z'],
  ])
    made.ask(...argv)
  made.engine.onCommit = undefined
  made.engine.beginHot()
  return made
}

test('what adds to what is there, and numbers that are counted', () => {
  const [hot, wanted] = [engineWith(), engineWith()]
  const requests = new RequestWriter()
  const all = [...SHORT, ...LONG]
  for (const [name, ...args] of all) {
    const row = commandTable.rows.findIndex((spec) => spec.name === name!.toLowerCase())
    requests.begin(row, 0, 0, args.length)
    for (const arg of args) requests.argument(arg)
  }
  const reader = new RequestReader(requests.take())
  const writer = new ReplyWriter()
  for (const [i, argv] of all.entries()) {
    expect(reader.next()).toBe(true)
    const isShort = runHot(hot.engine, reader, reader.row, writer)
    expect([argv, isShort]).toEqual([argv, i < SHORT.length])
    const answer = isShort ? plain(new ReplyReader(writer.take()).next() as never) : hot.ask(...argv)
    expect([argv, answer]).toEqual([argv, wanted.ask(...argv)])
  }
  for (const key of ['n', 'big', 'list', 'set', 'hash', 'zset'])
    expect(hot.ask('DUMP', key)).toEqual(wanted.ask('DUMP', key))
})

test('other databases do not', () => {
  const { engine } = engineWith()
  const requests = new RequestWriter()
  requests.begin(
    commandTable.rows.findIndex(({ name }) => name === 'incr'),
    1,
    0,
    1,
  )
  requests.argument('n')
  const reader = new RequestReader(requests.take())
  reader.next()
  expect(runHot(engine, reader, reader.row, new ReplyWriter())).toBe(false)
})
