/** What a program gets for each kind of reply: plain values, or an error with a code. */
import { describe, expect, test } from 'vitest'
import { ShardloomError } from '../../../src/base/index.ts'
import { replyError, replyValue } from '../../../src/keyspace/client/reply-value.ts'
import {
  bytesOfText,
  DoubleReply,
  ErrorReply,
  err,
  MapReply,
  NULL_ARRAY,
  OK,
  type Reply,
  SetReply,
  WRONG_TYPE,
} from '../../../src/keyspace/engine/index.ts'

const KEY = bytesOfText('ключ')

describe('a reply as text', () => {
  test.each<[Reply, unknown]>([
    [null, null],
    [NULL_ARRAY, null],
    [5, 5],
    [-0, -0],
    [2n ** 63n, 2n ** 63n],
    ['', ''],
    ['plain', 'plain'],
    [KEY, 'ключ'],
    [Uint8Array.from(Buffer.from('ключ')), 'ключ'],
    ['\xff', '\ufffd'],
    [OK, 'OK'],
    [new DoubleReply(1.5), 1.5],
    [[], []],
    [
      [1, [KEY, null], OK],
      [1, ['ключ', null], 'OK'],
    ],
    [new MapReply(['a', 1, KEY, [2]]), ['a', 1, 'ключ', [2]]],
    [new SetReply(['a', KEY]), ['a', 'ключ']],
  ])('%o is %o', (reply, value) => {
    expect(replyValue(reply, 'GET')).toStrictEqual(value)
  })
})

describe('a reply as bytes', () => {
  test('has strings as bytes of their own, at any depth, and the rest as it is', () => {
    const given = Uint8Array.of(1, 255)
    const value = replyValue([KEY, given, 5, OK, null, new MapReply(['\xff', 1])], 'X', 'buffer')
    expect(value).toEqual([
      Uint8Array.from(Buffer.from('ключ')),
      Uint8Array.of(1, 255),
      5,
      'OK',
      null,
      [Uint8Array.of(255), 1],
    ])
    given[0] = 9
    expect((value as Uint8Array[])[1]).toEqual(Uint8Array.of(1, 255))
  })
})

describe('a refusal', () => {
  test.each([
    ['WRONGTYPE', 'SHL_WRONG_TYPE'],
    ['OOM', 'SHL_KEYSPACE_FULL'],
    ['FENCED', 'SHL_LOCK_FENCED'],
    ['LOCKMODE', 'SHL_LOCK_MODE'],
    ['LOCKBUSY', 'SHL_LOCK_BUSY'],
    ['ERR', 'SHL_COMMAND_REFUSED'],
    ['ANYTHING', 'SHL_COMMAND_REFUSED'],
  ])('that begins with %s is %s', (word, code) => {
    const error = replyError(new ErrorReply(word, 'the reason'), 'SET')
    expect(error).toBeInstanceOf(ShardloomError)
    expect(error).toMatchObject({ code, details: { reply: `${word} the reason`, command: 'SET' } })
  })

  test('is thrown, and within an array it is the text that Redis prints', () => {
    expect(() => replyValue(WRONG_TYPE, 'GET')).toThrow(
      expect.objectContaining({ code: 'SHL_WRONG_TYPE', message: expect.stringContaining('GET') }),
    )
    expect(replyValue([1, err('no such key')], 'EXEC')).toEqual([1, 'ERR no such key'])
  })
})
