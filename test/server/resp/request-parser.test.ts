/** Requests as bytes: each form, each refusal, and what is held while the rest is awaited. */
import { expect, test } from 'vitest'
import {
  FAILED,
  MORE,
  OWN_BYTES_MIN,
  REQUEST,
  REQUEST_LIMITS,
  type RequestLimits,
  RequestParser,
  strangerLimits,
} from '../../../src/server/resp/index.ts'
import {
  argumentsOf,
  bytesOf,
  encode,
  FAILED_MARK,
  type Requests,
  readAll,
} from '../../support/resp/request-lab.ts'

function parse(text: string, limits: RequestLimits = REQUEST_LIMITS): Requests {
  return readAll(new RequestParser(limits), bytesOf(text))
}

/** At every byte, and in single bytes. */
function parseCut(text: string, limits: RequestLimits = REQUEST_LIMITS): Requests {
  const bytes = bytesOf(text)
  const whole = readAll(new RequestParser(limits), bytes)
  const offsets = Array.from(bytes, (_, i) => i)
  for (const cut of offsets) expect(readAll(new RequestParser(limits), bytes, { cuts: [cut] })).toEqual(whole)
  expect(readAll(new RequestParser(limits), bytes, { cuts: offsets })).toEqual(whole)
  return whole
}

const failed = (text: string): string[] => [FAILED_MARK, `ERR Protocol error: ${text}`]

test('an array of bulk strings is a request, and requests follow each other', () => {
  const requests = [['PING'], ['SET', 'key', ''], ['ECHO', '\r\n$*\0\xff'], Array(20).fill('x'.repeat(120))]
  expect(parseCut(requests.map(encode).join(''))).toEqual(requests)
})

test('a request that is whole is not copied', () => {
  const parser = new RequestParser()
  const read = bytesOf(`junk${encode(['GET', 'key'])}`)
  parser.feed(read, 4, read.length)
  expect(parser.next()).toBe(REQUEST)
  expect(parser.bytes).toBe(read)
  expect([...parser.offsets.subarray(0, 2)]).toEqual([12, 21])
  expect([...parser.lengths.subarray(0, 2)]).toEqual([3, 3])
  expect(parser.pendingBytes).toBe(0)
  expect(parser.next()).toBe(MORE)
})

test('an array of none, or of fewer, is an empty request', () => {
  const text = '*0\r\n*-1\r\n*-9223372036854775808\r\nPING\r\n'
  expect(parseCut(text)).toEqual([[], [], [], ['PING']])
})

test('bytes at the ends of lines and arguments are not looked at', () => {
  expect(parseCut('*2\rX$4\rYECHOab$2\r\nhicd')).toEqual([['ECHO', 'hi']])
})

test('an inline request is a line of words', () => {
  expect(parseCut('PING\r\nPING\n\r\n\n  \t \r\n set  key\tvalue \r\n')).toEqual([
    ['PING'],
    ['PING'],
    [],
    [],
    [],
    ['set', 'key', 'value'],
  ])
  expect(parseCut('ECHO "a b" \'c d\' "\\x41\\n"\r\nPING\r\n')).toEqual([
    ['ECHO', 'a b', 'c d', 'A\n'],
    ['PING'],
  ])
})

test('quotes that do not fit fail', () => {
  expect(parseCut('ECHO "a\r\n')).toEqual([failed('unbalanced quotes in request')])
  expect(parseCut('PING\r\nECHO "a"b\r\nPING\r\n')).toEqual([
    ['PING'],
    failed('unbalanced quotes in request'),
  ])
})

test.each([
  ['*x\r\n', 'invalid multibulk length'],
  ['*\r\n', 'invalid multibulk length'],
  ['*-0\r\n', 'invalid multibulk length'],
  ['*+1\r\n', 'invalid multibulk length'],
  ['*01\r\n', 'invalid multibulk length'],
  ['* 1\r\n', 'invalid multibulk length'],
  ['*1048577\r\n', 'invalid multibulk length'],
  ['*2147483648\r\n', 'invalid multibulk length'],
  ['*99999999999999999999999\r\n', 'invalid multibulk length'],
  ['*-9223372036854775809\r\n', 'invalid multibulk length'],
  ['*1\r\n$-1\r\n', 'invalid bulk length'],
  ['*1\r\n$\r\n', 'invalid bulk length'],
  ['*1\r\n$04\r\nPING\r\n', 'invalid bulk length'],
  ['*1\r\n$00\r\n', 'invalid bulk length'],
  ['*1\r\n$4x\r\n', 'invalid bulk length'],
  ['*1\r\n$536870913\r\n', 'invalid bulk length'],
  ['*1\r\n$9999999999\r\n', 'invalid bulk length'],
  ['*1\r\n$18446744073709551617\r\n', 'invalid bulk length'],
  ['*1\r\nPING\r\n', "expected '$', got 'P'"],
  ['*2\r\n$4\r\nECHO\r\n:1\r\n', "expected '$', got ':'"],
  ['*23\r\nx\r\n', "expected '$', got 'x'"],
])('%j fails: %s', (text, failure) => {
  expect(parseCut(`PING\r\n${text}PING\r\n`)).toEqual([['PING'], failed(failure)])
})

test('a line of 64 KiB is read, and one byte more fails, before its end has come', () => {
  const { inlineBytesMax } = REQUEST_LIMITS
  const word = 'x'.repeat(inlineBytesMax)
  expect(parse(`${word}\n`)).toEqual([[word]])
  expect(parse(`${word}`)).toEqual([])
  expect(parse(`${word}x`)).toEqual([failed('too big inline request')])
  expect(parse(`${word}x\r\n`)).toEqual([failed('too big inline request')])
  const digits = '1'.repeat(inlineBytesMax - 1)
  expect(parse(`*${digits}`)).toEqual([])
  expect(parse(`*${digits}\r\n`)).toEqual([failed('invalid multibulk length')])
  expect(parse(`*${digits}1`)).toEqual([failed('too big mbulk count string')])
  expect(parse(`*1\r\n$${digits}1`)).toEqual([failed('too big bulk count string')])
  expect(parse(`*1\r\n${word}x`)).toEqual([failed('too big bulk count string')])
})

test('a long line may come in single bytes', () => {
  const parser = new RequestParser({ ...REQUEST_LIMITS, inlineBytesMax: 8192 })
  const read = Buffer.from('x')
  for (let i = 0; i < 8192; i++) {
    parser.feed(read, 0, 1)
    expect(parser.next()).toBe(MORE)
  }
  parser.feed(read, 0, 1)
  expect(parser.next()).toBe(FAILED)
})

test('a stranger has few and short arguments, and is told to authenticate', () => {
  const limits = strangerLimits(REQUEST_LIMITS)
  const ten = Array(10).fill('a'.repeat(3))
  expect(parse(encode(ten), limits)).toEqual([ten])
  expect(parse(encode(['x'.repeat(16384)]), limits)).toEqual([['x'.repeat(16384)]])
  expect(parseCut('*11\r\n', limits)).toEqual([failed('unauthenticated multibulk length')])
  expect(parseCut('*1\r\n$16385\r\n', limits)).toEqual([failed('unauthenticated bulk length')])
  expect(parseCut('*2147483648\r\n', limits)).toEqual([failed('invalid multibulk length')])
  expect(parseCut('*1\r\n$536870913\r\n', limits)).toEqual([failed('invalid bulk length')])
})

test('limits that are set between two requests hold for the second', () => {
  const parser = new RequestParser(strangerLimits(REQUEST_LIMITS))
  const many = Array(11).fill('x')
  const read = bytesOf(encode(['AUTH', 'secret']) + encode(many))
  parser.feed(read, 0, read.length)
  expect(parser.next()).toBe(REQUEST)
  parser.limits = REQUEST_LIMITS
  expect(parser.next()).toBe(REQUEST)
  expect(argumentsOf(parser)).toEqual(many)
})

test('after a failure nothing follows and nothing is held', () => {
  const parser = new RequestParser()
  const read = bytesOf(`*2\r\n$40000\r\n${'x'.repeat(40_000)}\r\nX\r\n${encode(['PING'])}`)
  expect(readAll(parser, read, { cuts: [100, 40_000] })).toEqual([failed("expected '$', got 'X'")])
  expect(parser.isOverflow).toBe(false)
  for (let i = 0; i < 2; i++) {
    parser.feed(read, 0, read.length)
    expect(parser.next()).toBe(FAILED)
    parser.hold()
  }
  expect(parser.pendingBytes).toBe(0)
  expect(parser.memoryBytes).toBeLessThan(300)
})

test('a request that is too large fails, in one piece or in many', () => {
  const limits = { ...REQUEST_LIMITS, requestBytesMax: 100 }
  const fits = encode(['x'.repeat(88)])
  expect(fits.length).toBe(99)
  expect(parse(fits + fits, limits).length).toBe(2)
  const overflow = [FAILED_MARK, 'ERR max query buffer length reached']
  expect(parseCut(fits + encode(['x'.repeat(90)]), limits).at(-1)).toEqual(overflow)
  expect(parseCut(encode(Array(50).fill('')), limits)).toEqual([overflow])
  // What is wrong behind the limit is not seen any more.
  expect(parseCut(`*5\r\n${'$3\r\nabc\r\n'.repeat(4)}${'$9\r\n123456789\r\n'.repeat(1)}X`, limits)).toEqual([
    ['abc', 'abc', 'abc', 'abc', '123456789'],
  ])
  expect(parseCut(`*9\r\n${'$9\r\n123456789\r\n'.repeat(7)}X\r\n`, limits)).toEqual([overflow])
  expect(parseCut(`*9\r\n${'$9\r\n123456789\r\n'.repeat(6)}X\r\n`, limits)).toEqual([
    failed("expected '$', got 'X'"),
  ])
  const large = new RequestParser({ ...REQUEST_LIMITS, requestBytesMax: 100_000 })
  expect(readAll(large, bytesOf(encode(['x'.repeat(99_999)])), { cuts: [50_000] })).toEqual([overflow])
  expect(large.isOverflow).toBe(true)
})

test('a large argument is received into memory of its size and given without a copy', () => {
  const value = 'v'.repeat(200_000)
  const stream = bytesOf(encode(['SET', 'key', value]) + encode(['PING']))
  const parser = new RequestParser()
  for (let at = 0; at < 196_608; at += 65_536) {
    parser.feed(stream, at, at + 65_536)
    expect(parser.next()).toBe(MORE)
    expect(parser.pendingBytes).toBe(at + 65_536)
    // Announced were 200,000 bytes.
    expect(parser.memoryBytes).toBeLessThan((at + 65_536) * 4 + 4096)
  }
  parser.feed(stream, 196_608, stream.length)
  expect(parser.next()).toBe(REQUEST)
  expect(parser.isContiguous).toBe(false)
  expect(parser.offsets[2]).toBe(-1)
  const given = parser.argument(2, 65_536) as Uint8Array
  expect(parser.argument(2, 65_536)).toBe(given)
  expect(given.buffer.byteLength).toBe(200_000)
  expect(argumentsOf(parser)).toEqual(['SET', 'key', value])
  expect(parser.next()).toBe(REQUEST)
  expect(parser.isContiguous).toBe(true)
  expect(argumentsOf(parser)).toEqual(['PING'])
  expect(parser.next()).toBe(MORE)
  expect(parser.memoryBytes).toBeLessThan(3000)
})

test('a length that is only announced reserves little', () => {
  const parser = new RequestParser()
  expect(readAll(parser, bytesOf('*1000000\r\n$536870912\r\nx'))).toEqual([])
  expect(parser.memoryBytes).toBeLessThan(70_000)
  const small = new RequestParser()
  expect(readAll(small, bytesOf('*1000000\r\n$32768\r\nx'))).toEqual([])
  expect(small.memoryBytes).toBeLessThan(3000)
})

test.each([OWN_BYTES_MIN - 1, OWN_BYTES_MIN, 65_536, 65_537])(
  'an argument of %i bytes may be cut anywhere',
  (size) => {
    const value = 'v'.repeat(size)
    const request = ['SET', value, value, 'x']
    const text = encode(request)
    const stream = bytesOf(text + encode(['PING']))
    const ends = [0, 1, 2, 3, text.indexOf('vv'), size, text.lastIndexOf('$', text.length - 5), text.length]
    const cuts = ends.flatMap((end) => [-3, -2, -1, 0, 1, 2, 3].map((by) => end + by))
    for (const one of cuts) {
      for (const other of [one + 1, one + 2, text.length - 9, text.length - 1]) {
        const inside = [one, other].filter((cut) => cut > 0 && cut < stream.length)
        expect(readAll(new RequestParser(), stream, { cuts: inside })).toEqual([request, ['PING']])
      }
    }
  },
)

test('what is left over can be held, so that the read buffer is free', () => {
  const parser = new RequestParser()
  const read = bytesOf(encode(['BLPOP', 'list', '0']) + encode(['GET', 'key']) + encode(['PING']).slice(0, 9))
  parser.feed(read, 0, read.length)
  expect(parser.next()).toBe(REQUEST)
  parser.hold()
  read.fill(0)
  expect(parser.pendingBytes).toBe(22 + 9)
  const more = bytesOf(`${encode(['PING']).slice(9)}PING\r\n`)
  parser.feed(more, 0, more.length)
  parser.hold()
  more.fill(0)
  for (const argv of [['GET', 'key'], ['PING'], ['PING']]) {
    expect(parser.next()).toBe(REQUEST)
    expect(argumentsOf(parser)).toEqual(argv)
  }
  expect(parser.next()).toBe(MORE)
  expect(parser.pendingBytes).toBe(0)
})

test('a connection between two requests holds next to nothing', () => {
  const parser = new RequestParser()
  const many = Array(5000).fill('y'.repeat(10))
  const stream = bytesOf(encode(many) + encode(['z'.repeat(20_000)]))
  expect(readAll(parser, stream, { cuts: [10_000, 80_000, 90_000] })).toEqual([many, ['z'.repeat(20_000)]])
  expect(parser.memoryBytes).toBeLessThan(3000)
  expect(parser.bytes.length).toBe(0)
})
