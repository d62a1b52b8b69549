/** Replies as a client reads them: each type, pieces of any size, and what is not the protocol. */
import { expect, test } from 'vitest'
import { ReplyDecoder, type RespValue, withoutAttributes } from '../../../src/server/resp/index.ts'

function decode(text: string, step = text.length): { values: RespValue[]; failure: string | undefined } {
  const decoder = new ReplyDecoder()
  const values: RespValue[] = []
  for (let at = 0; at < text.length; at += step) {
    decoder.feed(Buffer.from(text.slice(at, at + step), 'latin1'))
    for (let value = decoder.next(); value !== undefined; value = decoder.next()) values.push(value)
  }
  return { values, failure: decoder.failure }
}

const a: RespValue = { type: 'string', text: 'a' }
const one: RespValue = { type: 'integer', value: 1 }

test.each<[string, RespValue]>([
  ['+OK\r\n', { type: 'status', text: 'OK' }],
  ['+\r\n', { type: 'status', text: '' }],
  ['-ERR no\r\n', { type: 'error', text: 'ERR no' }],
  ['!6\r\nERR\r\nx\r\n', { type: 'error', text: 'ERR\r\nx' }],
  [':1\r\n', one],
  [':-5\r\n', { type: 'integer', value: -5 }],
  [':9223372036854775807\r\n', { type: 'integer', value: 9223372036854775807n }],
  ['$1\r\na\r\n', a],
  ['$0\r\n\r\n', { type: 'string', text: '' }],
  ['$3\r\n\r\n\xff\r\n', { type: 'string', text: '\r\n\xff' }],
  ['$-1\r\n', { type: 'null', of: 'string' }],
  ['*-1\r\n', { type: 'null', of: 'array' }],
  ['_\r\n', { type: 'null', of: 'any' }],
  [',1.5\r\n', { type: 'double', value: 1.5, text: '1.5' }],
  [',1e+100\r\n', { type: 'double', value: 1e100, text: '1e+100' }],
  [',-inf\r\n', { type: 'double', value: Number.NEGATIVE_INFINITY, text: '-inf' }],
  [',inf\r\n', { type: 'double', value: Number.POSITIVE_INFINITY, text: 'inf' }],
  [',nan\r\n', { type: 'double', value: Number.NaN, text: 'nan' }],
  ['#t\r\n', { type: 'boolean', value: true }],
  ['#f\r\n', { type: 'boolean', value: false }],
  ['(-1180591620717411303424\r\n', { type: 'bigNumber', value: -(2n ** 70n) }],
  ['=7\r\nmkd:# a\r\n', { type: 'verbatim', format: 'mkd', text: '# a' }],
  ['*0\r\n', { type: 'array', items: [] }],
  ['*2\r\n$1\r\na\r\n*1\r\n:1\r\n', { type: 'array', items: [a, { type: 'array', items: [one] }] }],
  ['~1\r\n:1\r\n', { type: 'set', items: [one] }],
  ['>2\r\n$1\r\na\r\n*0\r\n', { type: 'push', items: [a, { type: 'array', items: [] }] }],
  ['%1\r\n$1\r\na\r\n:1\r\n', { type: 'map', flat: [a, one] }],
  ['%0\r\n', { type: 'map', flat: [] }],
  [
    '|1\r\n$1\r\na\r\n:1\r\n*1\r\n:1\r\n',
    { type: 'attribute', flat: [a, one], reply: { type: 'array', items: [one] } },
  ],
  ['|0\r\n:1\r\n', { type: 'attribute', flat: [], reply: one }],
])('%j', (text, value) => {
  for (const step of [1, 2, 3, 5, text.length])
    expect(decode(text, step)).toEqual({ values: [value], failure: undefined })
  expect(decode(text.repeat(3), 7).values).toEqual([value, value, value])
})

test('attributes can be put aside', () => {
  const [value] = decode('|1\r\n$1\r\na\r\n:1\r\n|0\r\n:1\r\n').values
  expect(withoutAttributes(value!)).toEqual(one)
})

test.each([
  'HTTP/1.1 400 Bad Request\r\n',
  'OK\n',
  '\r\n',
  ':\r\n',
  ':1.5\r\n',
  '$x\r\n',
  '$-2\r\n',
  '$99999999999\r\n',
  '$1\r\nabc\r\n',
  '*-2\r\n',
  '*1e3\r\n',
  ',\r\n',
  ',x\r\n',
  '#x\r\n',
  '(1.5\r\n',
  '_x\r\n',
  '=3\r\ntxt\r\n',
  '*1\r\n'.repeat(200),
  `+${'x'.repeat(70_000)}`,
])('what is not the protocol fails: %#', (text) => {
  const { values, failure } = decode(`+OK\r\n${text}`)
  expect(values).toEqual([{ type: 'status', text: 'OK' }])
  expect(failure).toMatch(/^not the protocol of Redis: /)
})

test('after a failure nothing is read or kept', () => {
  const decoder = new ReplyDecoder()
  decoder.feed(Buffer.from('?\r\n+OK\r\n'))
  expect(decoder.next()).toBeUndefined()
  decoder.feed(Buffer.from('+OK\r\n'))
  expect(decoder.next()).toBeUndefined()
  expect(decoder.pendingBytes).toBe(0)
})

test('a large value is put together once', () => {
  const decoder = new ReplyDecoder()
  const size = 8 * 1024 * 1024
  decoder.feed(Buffer.from(`$${size}\r\n`))
  const piece = Buffer.alloc(1024, 'x')
  // At each of these an assembly would copy all that is there: 32 GB in the end.
  for (let i = 0; i < size / piece.length; i++) {
    expect(decoder.next()).toBeUndefined()
    decoder.feed(piece)
  }
  decoder.feed(Buffer.from('\r\n:1\r\n'))
  const value = decoder.next()
  expect(value?.type === 'string' && value.text.length).toBe(size)
  expect(decoder.next()).toEqual(one)
  expect(decoder.next()).toBeUndefined()
  expect(decoder.pendingBytes).toBe(0)
})
