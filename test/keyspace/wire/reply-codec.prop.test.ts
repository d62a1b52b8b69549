/** Replies of every kind, nested and large: what a shard writes is what the caller reads. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  byteString,
  DoubleReply,
  ErrorReply,
  err,
  LARGE_VALUE_BYTES,
  MapReply,
  NULL_ARRAY,
  OK,
  QUEUED,
  type Reply,
  SetReply,
  StatusReply,
  WRONG_TYPE,
} from '../../../src/keyspace/engine/index.ts'
import { MOVED, ReplyReader, ReplyWriter } from '../../../src/keyspace/wire/index.ts'

const byteStringOf = (max: number) =>
  fc.uint8Array({ maxLength: max }).map((bytes) => Buffer.from(bytes).toString('latin1'))
const large = fc
  .record({
    size: fc.constantFrom(LARGE_VALUE_BYTES - 1, LARGE_VALUE_BYTES, LARGE_VALUE_BYTES + 1, 300_000),
    seed: fc.nat(255),
  })
  .map(({ size, seed }) => new Uint8Array(size).map((_, i) => seed + i * 3))
const number = fc.oneof(
  fc.constantFrom(0, -0, 1, -1, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 2 ** 32, 2 ** 53, 0.5),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
)
const leaf: fc.Arbitrary<Reply> = fc.oneof(
  fc.constantFrom<Reply>(null, OK, QUEUED, NULL_ARRAY, WRONG_TYPE, '', new StatusReply('OK')),
  number,
  fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }),
  byteStringOf(60),
  fc.uint8Array({ maxLength: 60 }),
  byteStringOf(20).map((text) => new StatusReply(text)),
  fc.double().map((value) => new DoubleReply(value)),
  byteStringOf(20).map((text) => new ErrorReply('CODE', text)),
)
const { reply } = fc.letrec<{ reply: Reply }>((tie) => {
  const items = fc.array(tie('reply'), { maxLength: 5 })
  return {
    reply: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaf,
      items,
      items.map((members) => new SetReply(members)),
      items.map((flat) => new MapReply(flat)),
    ),
  }
})

/** As it arrives: strings by their size as strings or as bytes. */
function arrived(sent: Reply): Reply {
  if (typeof sent === 'string' || sent instanceof Uint8Array) {
    if (sent.length < LARGE_VALUE_BYTES) return byteString(sent)
    return Uint8Array.from(Buffer.from(byteString(sent), 'latin1'))
  }
  if (sent instanceof SetReply) return new SetReply(sent.members.map(arrived))
  if (sent instanceof MapReply) return new MapReply(sent.flat.map(arrived))
  return Array.isArray(sent) ? (sent as readonly Reply[]).map(arrived) : sent
}

function sent(...replies: (Reply | typeof MOVED)[]): (Reply | typeof MOVED)[] {
  const writer = new ReplyWriter()
  for (const one of replies) writer.reply(one)
  return readAll(writer.take())
}

function readAll(bytes: Uint8Array): (Reply | typeof MOVED)[] {
  const reader = new ReplyReader(bytes)
  const read: (Reply | typeof MOVED)[] = []
  while (!reader.isAtEnd) read.push(reader.next())
  return read
}

describe('replies arrive as they were sent', () => {
  test('of every kind, in their order, in batches', () => {
    fc.assert(
      fc.property(fc.array(fc.array(reply, { maxLength: 8 }), { maxLength: 3 }), (batches) => {
        const writer = new ReplyWriter()
        const taken = batches.map((batch) => {
          for (const one of batch) writer.reply(one)
          return writer.take()
        })
        for (const [i, bytes] of taken.entries()) {
          expect(readAll(bytes)).toStrictEqual(batches[i]!.map(arrived))
        }
      }),
    )
  })

  test('large values as bytes, between small ones', () => {
    fc.assert(
      fc.property(large, byteStringOf(40), fc.boolean(), (value, text, isText) => {
        const given = isText ? byteString(value) : value
        const [first, second, third] = sent(text, [1, given, 2], text)
        expect([first, third]).toEqual([text, text])
        const [, found] = second as readonly Reply[]
        expect(typeof found).toBe(value.length < LARGE_VALUE_BYTES ? 'string' : 'object')
        expect(byteString(found as string) === byteString(value)).toBe(true)
      }),
      { numRuns: 20 },
    )
  })

  test('numbers at the borders of 32 bits, and zero below zero', () => {
    const borders = [2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 2 ** 32 - 1, -1, 0, -0, Number.NaN]
    const read = sent(...borders)
    for (const [i, value] of borders.entries()) expect(Object.is(read[i], value)).toBe(true)
  })

  test('a slot that has gone, in its place among the others', () => {
    expect(sent(1, MOVED, null, MOVED, err('no'))).toEqual([1, MOVED, null, MOVED, err('no')])
  })
})

test('the short ways of a shard write what the long way writes', () => {
  const writer = new ReplyWriter()
  writer.null()
  writer.ok()
  writer.number(-0)
  writer.number(2 ** 40)
  const text = 'x'.repeat(2000)
  for (const value of ['', 'abc', text]) {
    const place = writer.bulk(value.length)
    place.bytes.set(Buffer.from(value), place.offset)
  }
  expect(readAll(writer.take())).toStrictEqual([null, OK, -0, 2 ** 40, '', 'abc', text])
})

test('what is read is the reader’s own', () => {
  const writer = new ReplyWriter()
  writer.reply(new Uint8Array(100_000).fill(7))
  const batch = writer.take()
  const value = new ReplyReader(batch).next() as Uint8Array
  batch.fill(0)
  expect(value.every((byte) => byte === 7)).toBe(true)
  expect(value.buffer.byteLength).toBe(100_000)
})

test('a batch of something else is refused', () => {
  expect(() => new ReplyReader(Uint8Array.of(200)).next()).toThrow('a tag that is known: 200')
})
