import { SimpleError } from '@redis/client'
import { expect, test } from 'vitest'
import { errorOfWire, isWireError, replyOfWire, wireArgument } from '../../src/client/wire-values.ts'
import { DoubleReply, ErrorReply, StatusReply } from '../../src/keyspace/engine/index.ts'

test('bytes that are no ASCII are sent as bytes, and not as UTF-8', () => {
  expect(wireArgument('plain')).toBe('plain')
  expect(wireArgument('\xff\x00\x80')).toEqual(Buffer.from([0xff, 0, 0x80]))
  expect(wireArgument(new Uint8Array([1, 2, 3]).subarray(1))).toEqual(Buffer.from([2, 3]))
})

test('each kind of reply is told by the form in which the library gives it', () => {
  expect(replyOfWire(null)).toBe(null)
  expect(replyOfWire(Buffer.from([0x61, 0xff]))).toBe('a\xff')
  expect(replyOfWire('12')).toBe(12)
  expect(replyOfWire('-7')).toBe(-7)
  expect(replyOfWire('9007199254740993')).toBe(9007199254740993n)
  expect(replyOfWire('OK')).toEqual(new StatusReply('OK'))
  expect(replyOfWire('')).toEqual(new StatusReply(''))
  expect(replyOfWire(1.5)).toEqual(new DoubleReply(1.5))
  expect(replyOfWire(true)).toBe(1)
  expect(replyOfWire(false)).toBe(0)
  expect(replyOfWire(2n ** 70n)).toBe(2n ** 70n)
  expect(replyOfWire([Buffer.from('a'), '1', [null]])).toEqual(['a', 1, [null]])
})

test('a large value stays bytes', () => {
  const large = Buffer.alloc(70_000, 'x')
  expect(replyOfWire(large)).toBe(large)
})

test('an error is a reply, by its first word', () => {
  const error = new SimpleError('WRONGTYPE Operation against a key')
  expect(isWireError(error)).toBe(true)
  expect(isWireError(new Error('ECONNRESET'))).toBe(false)
  expect(errorOfWire(error)).toEqual(new ErrorReply('WRONGTYPE', 'Operation against a key'))
  expect(replyOfWire([new SimpleError('EXECABORT')])).toEqual([new ErrorReply('EXECABORT', '')])
})
