/** What each command that may wait has taken goes back to where it was. */
import { expect, test } from 'vitest'
import { DoubleReply, type Reply } from '../../../src/keyspace/engine/index.ts'
import { undoOf } from '../../../src/server/connection/give-back.ts'

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))

test.each<[string, readonly string[], Reply, readonly (readonly string[])[]]>([
  ['blpop', ['BLPOP', 'a', 'b', '0'], ['b', bytes('x')], [['LPUSH', 'b', 'x']]],
  ['brpop', ['BRPOP', 'a', '0'], ['a', 'x'], [['RPUSH', 'a', 'x']]],
  ['blmpop', ['BLMPOP', '0', '2', 'a', 'b', 'left'], ['a', ['1', '2']], [['LPUSH', 'a', '2', '1']]],
  ['blmpop', ['BLMPOP', '0', '1', 'a', 'RIGHT'], ['a', ['3', '2']], [['RPUSH', 'a', '2', '3']]],
  ['bzpopmin', ['BZPOPMIN', 'z', '0'], ['z', 'm', new DoubleReply(1.5)], [['ZADD', 'z', '1.5', 'm']]],
  [
    'bzmpop',
    ['BZMPOP', '0', '1', 'z', 'MIN'],
    ['z', [['m', new DoubleReply(1)] as Reply, ['n', new DoubleReply(2)] as Reply]],
    [['ZADD', 'z', '1', 'm', '2', 'n']],
  ],
  ['lock.acquire', ['LOCK.ACQUIRE', 'l', 'me', 'PX', '9'], [7, 9], [['LOCK.RELEASE', 'l', 'me', '7']]],
  [
    'lock.acquireall',
    ['LOCK.ACQUIREALL', '2', 'l', 'k', 'me', 'PX', '9'],
    [[7, 8], 9],
    [
      ['LOCK.RELEASE', 'l', 'me', '7'],
      ['LOCK.RELEASE', 'k', 'me', '8'],
    ],
  ],
  ['blmove', ['BLMOVE', 'a', 'b', 'LEFT', 'LEFT', '0'], 'x', []],
  ['blpop', ['BLPOP', 'a', '0'], null, []],
])('%s', (name, argv, reply, undo) => {
  expect(undoOf(name, argv, reply)).toEqual(undo)
})
