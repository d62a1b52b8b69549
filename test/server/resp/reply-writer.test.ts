/** Replies as bytes of either protocol: each form, and the chunks that they come in. */
import { expect, onTestFinished, test } from 'vitest'
import {
  DoubleReply,
  ErrorReply,
  err,
  LARGE_VALUE_BYTES,
  MapReply,
  NULL_ARRAY,
  OK,
  SetReply,
  StatusReply,
} from '../../../src/keyspace/engine/index.ts'
import {
  AttributeReply,
  BigNumberReply,
  BooleanReply,
  PushReply,
  ReplyWriter,
  type ServerReply,
  SlabPool,
  VerbatimReply,
} from '../../../src/server/resp/index.ts'
import { SLAB_BYTES } from '../../../src/server/resp/slab-pool.ts'

function textOf(chunks: readonly Uint8Array[]): string {
  return Buffer.concat(chunks).toString('latin1')
}

function written(reply: ServerReply, resp: 2 | 3): string {
  const writer = new ReplyWriter()
  writer.resp = resp
  writer.reply(reply)
  return textOf(writer.take())
}

const map = new MapReply(['a', 1, 'b', new SetReply(['x'])])

test.each<[ServerReply, string, string]>([
  [OK, '+OK', '+OK'],
  [new StatusReply('PONG'), '+PONG', '+PONG'],
  ['', '$0|', '$0|'],
  ['héllo\0', '$6|héllo\0', '$6|héllo\0'],
  ['x'.repeat(30), `$30|${'x'.repeat(30)}`, `$30|${'x'.repeat(30)}`],
  [new Uint8Array([255, 0]), '$2|\xff\0', '$2|\xff\0'],
  [null, '$-1', '_'],
  [NULL_ARRAY, '*-1', '_'],
  [err('no such key'), '-ERR no such key', '-ERR no such key'],
  [new ErrorReply('ERR', "got '\r' or \r\n or \n"), "-ERR got ' ' or    or  ", "-ERR got ' ' or    or  "],
  [new DoubleReply(1.5), '$3|1.5', ',1.5'],
  [new DoubleReply(3), '$1|3', ',3'],
  [new DoubleReply(-0), '$2|-0', ',-0'],
  [new DoubleReply(0.1), '$3|0.1', ',0.1'],
  [new DoubleReply(1e100), '$6|1e+100', ',1e+100'],
  [new DoubleReply(Number.POSITIVE_INFINITY), '$3|inf', ',inf'],
  [new DoubleReply(Number.NEGATIVE_INFINITY), '$4|-inf', ',-inf'],
  [new DoubleReply(Number.NaN), '$3|nan', ',nan'],
  [[], '*0', '*0'],
  [['a', 1, null, [OK, NULL_ARRAY]], '*4|$1|a|:1|$-1|*2|+OK|*-1', '*4|$1|a|:1|_|*2|+OK|_'],
  [map, '*4|$1|a|:1|$1|b|*1|$1|x', '%2|$1|a|:1|$1|b|~1|$1|x'],
  [new MapReply([]), '*0', '%0'],
  [new SetReply(['a', 'b']), '*2|$1|a|$1|b', '~2|$1|a|$1|b'],
  [new PushReply(['message', 'c', 'm']), '*3|$7|message|$1|c|$1|m', '>3|$7|message|$1|c|$1|m'],
  [new VerbatimReply('two\nlines'), '$9|two\nlines', '=13|txt:two\nlines'],
  [new VerbatimReply('# a', 'mkd'), '$3|# a', '=7|mkd:# a'],
  [new BooleanReply(true), ':1', '#t'],
  [new BooleanReply(false), ':0', '#f'],
  [new BigNumberReply(2n ** 70n), '$22|1180591620717411303424', '(1180591620717411303424'],
  [2n ** 63n - 1n, ':9223372036854775807', ':9223372036854775807'],
  [-(2n ** 63n), ':-9223372036854775808', ':-9223372036854775808'],
  [2n ** 63n, '$19|9223372036854775808', '(9223372036854775808'],
  [new AttributeReply(['ttl', 9], 'value'), '$5|value', '|1|$3|ttl|:9|$5|value'],
  [[new VerbatimReply('a'), [new BooleanReply(true)]], '*2|$1|a|*1|:1', '*2|=5|txt:a|*1|#t'],
])('a reply in either protocol: %#', (reply, resp2, resp3) => {
  // A bar that is not the type of an attribute is the end of a line.
  const wire = (text: string): string => `${text.replaceAll(/(?!^)\|/g, '\r\n')}\r\n`
  expect(written(reply, 2)).toBe(wire(resp2))
  expect(written(reply, 3)).toBe(wire(resp3))
})

test('integers of every size', () => {
  const sizes = Array.from({ length: 16 }, (_, i) => 10 ** i)
  const around = sizes.flatMap((size) => [size - 1, size, size + 1, -size, 1 - size, -size - 1])
  const edges = [2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 2 ** 32, Number.MAX_SAFE_INTEGER]
  for (const value of [...around, ...edges]) {
    expect(written(value, 2)).toBe(`:${value === 0 ? 0 : value}\r\n`)
    const writer = new ReplyWriter()
    writer.integer(value)
    expect(textOf(writer.take())).toBe(`:${value === 0 ? 0 : value}\r\n`)
  }
  expect(written(-0, 3)).toBe(':0\r\n')
  expect(written(2 ** 62, 3)).toBe(':4611686018427387904\r\n')
  expect(() => written(1.5, 2)).toThrow('an integer reply is an integer')
})

test('a bulk string is written where its place is', () => {
  const writer = new ReplyWriter()
  writer.ok()
  for (const text of ['', 'hello', 'y'.repeat(LARGE_VALUE_BYTES)]) {
    const { bytes, offset } = writer.bulk(text.length)
    Buffer.from(bytes.buffer, bytes.byteOffset).write(text, offset, 'latin1')
  }
  writer.null()
  writer.integer(7)
  const large = `$65536\r\n${'y'.repeat(LARGE_VALUE_BYTES)}\r\n`
  expect(textOf(writer.take())).toBe(`+OK\r\n$0\r\n\r\n$5\r\nhello\r\n${large}$-1\r\n:7\r\n`)
})

test('what is written follows in one chunk, until it is taken', () => {
  const writer = new ReplyWriter()
  expect(writer.take()).toEqual([])
  for (let i = 0; i < 1000; i++) writer.reply(OK)
  expect(writer.sizeBytes).toBe(5000)
  const [chunk, ...more] = writer.take()
  expect(more).toEqual([])
  expect(textOf([chunk!])).toBe('+OK\r\n'.repeat(1000))
  expect(writer.sizeBytes).toBe(0)
  writer.reply('next')
  expect(textOf(writer.take())).toBe('$4\r\nnext\r\n')
  expect(textOf([chunk!])).toBe('+OK\r\n'.repeat(1000))
})

test('large bytes are chunks of their own, which are not copied', () => {
  const writer = new ReplyWriter()
  const large = new Uint8Array(LARGE_VALUE_BYTES).fill(65)
  writer.reply(['a', large, 'b'])
  expect(writer.sizeBytes).toBe(11 + 8 + large.length + 9)
  const chunks = writer.take()
  expect(chunks.length).toBe(3)
  expect(chunks[1]).toBe(large)
  expect(textOf([chunks[0]!, chunks[2]!])).toBe('*3\r\n$1\r\na\r\n$65536\r\n\r\n$1\r\nb\r\n')
  const encoded = Buffer.from('+PONG\r\n')
  writer.encoded(encoded)
  writer.encoded(large)
  const [first, second] = writer.take()
  expect(textOf([first!])).toBe('+PONG\r\n')
  expect(second).toBe(large)
})

test('more than a slab is several chunks, and a long string has one of its own', () => {
  const writer = new ReplyWriter()
  const text = 'z'.repeat(40_000)
  for (let i = 0; i < 5; i++) writer.reply(text)
  writer.reply('w'.repeat(300_000))
  const chunks = writer.take()
  const bulk = `$40000\r\n${text}\r\n`
  expect(textOf(chunks)).toBe(`${bulk.repeat(5)}$300000\r\n${'w'.repeat(300_000)}\r\n`)
  expect(chunks.find((chunk) => chunk.length === 300_000)!.buffer.byteLength).toBe(300_000)
})

test('writers of a thread share slabs, and none writes where another did', () => {
  // What is joined comes from Node's own pool, which has the size of a slab in some versions.
  const { poolSize } = Buffer
  Buffer.poolSize = SLAB_BYTES / 2
  onTestFinished(() => {
    Buffer.poolSize = poolSize
  })
  for (let bytes = 0; bytes <= poolSize; bytes += 1000) Buffer.allocUnsafe(1000)
  const slabs = new SlabPool()
  const writers = Array.from({ length: 12 }, () => new ReplyWriter(slabs))
  const taken: Uint8Array[][] = writers.map(() => [])
  for (let round = 0; round < 400; round++) {
    for (const [i, writer] of writers.entries()) {
      writer.reply(`${i}:${round}`)
      if ((round + i) % (i + 1) === 0) taken[i]!.push(...writer.take())
    }
  }
  for (const [i, writer] of writers.entries()) {
    taken[i]!.push(...writer.take())
    const expected = Array.from({ length: 400 }, (_, round) => `${i}:${round}`)
    expect(textOf(taken[i]!)).toBe(expected.map((text) => `$${text.length}\r\n${text}\r\n`).join(''))
  }
  // What several wrote by turns is joined: else there would be as many chunks as replies.
  expect(taken.flat().length).toBeLessThan(2000)
  const slabsUsed = new Set(taken.flat().map((chunk) => chunk.buffer))
  expect([...slabsUsed].filter((slab) => slab.byteLength === SLAB_BYTES).length).toBeLessThanOrEqual(2)
})

test('a string that finds no room in the slab has memory of its own, and the slab goes on', () => {
  const slabs = new SlabPool()
  const writer = new ReplyWriter(slabs)
  for (let i = 0; i < 4; i++) writer.reply('a'.repeat(15_000))
  const bytes = new Uint8Array(15_000).fill(66)
  writer.reply(bytes)
  writer.reply(OK)
  const chunks = writer.take()
  expect(chunks.map((chunk) => chunk.buffer.byteLength)).toEqual([SLAB_BYTES, 15_000, SLAB_BYTES])
  expect(textOf(chunks)).toBe(
    `${`$15000\r\n${'a'.repeat(15_000)}\r\n`.repeat(4)}$15000\r\n${'B'.repeat(15_000)}\r\n+OK\r\n`,
  )
})

test('a writer that has nothing to say keeps no slab', () => {
  const slabs = new SlabPool()
  const one = new ReplyWriter(slabs)
  const other = new ReplyWriter(slabs)
  one.reply('first')
  const [first] = one.take()
  other.reply('second')
  const [second] = other.take()
  expect(second!.buffer).toBe(first!.buffer)
})

test('what cannot be sent yet is joined, so that it does not keep the slabs of others', () => {
  const slabs = new SlabPool()
  const [stuck, busy] = [new ReplyWriter(slabs), new ReplyWriter(slabs)]
  for (let i = 0; i < 100; i++) {
    stuck.reply(i)
    busy.string('x'.repeat(2000))
    busy.take()
    stuck.compact()
  }
  const { sizeBytes } = stuck
  const chunks = stuck.take()
  expect(chunks.length).toBeLessThan(40)
  expect(textOf(chunks)).toBe(Array.from({ length: 100 }, (_, i) => `:${i}\r\n`).join(''))
  expect(sizeBytes).toBe(textOf(chunks).length)
})
