/** What the writer writes the decoder reads, in both protocols, in pieces of any size. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  DoubleReply,
  ErrorReply,
  formatScoreShortest,
  LARGE_VALUE_BYTES,
  MapReply,
  NULL_ARRAY,
  NullArrayReply,
  SetReply,
  StatusReply,
} from '../../../src/keyspace/engine/index.ts'
import {
  AttributeReply,
  BigNumberReply,
  BooleanReply,
  PushReply,
  ReplyDecoder,
  ReplyWriter,
  type RespValue,
  type ServerReply,
  VerbatimReply,
} from '../../../src/server/resp/index.ts'

const RUNS = process.env['SHL_SOAK'] ? 50_000 : 400

const text = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1'))
const line = fc.string({ maxLength: 20 }).map((text) => text.replaceAll(/[^ -~]/g, '.'))
const large = fc
  .constantFrom(LARGE_VALUE_BYTES - 1, LARGE_VALUE_BYTES, 100_000)
  .map((size) => 'x'.repeat(size))

const leaf: fc.Arbitrary<ServerReply> = fc.oneof(
  { weight: 4, arbitrary: fc.oneof(text, line, fc.constant('')) },
  { weight: 1, arbitrary: large },
  { weight: 1, arbitrary: large.map((text) => new Uint8Array(Buffer.from(text))) },
  { weight: 2, arbitrary: text.map((text) => new Uint8Array(Buffer.from(text, 'latin1'))) },
  { weight: 3, arbitrary: fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.nat(12)) },
  { weight: 2, arbitrary: fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.constant(0n)) },
  { weight: 2, arbitrary: fc.constantFrom<ServerReply>(null, NULL_ARRAY) },
  { weight: 2, arbitrary: line.map((text) => new StatusReply(text)) },
  { weight: 2, arbitrary: fc.tuple(line, line).map(([code, message]) => new ErrorReply(code, message)) },
  { weight: 2, arbitrary: fc.double().map((value) => new DoubleReply(value)) },
  { weight: 1, arbitrary: text.map((text) => new VerbatimReply(text)) },
  { weight: 1, arbitrary: fc.boolean().map((value) => new BooleanReply(value)) },
  { weight: 1, arbitrary: fc.bigInt().map((value) => new BigNumberReply(value)) },
)

const { reply } = fc.letrec<{ reply: ServerReply; flat: ServerReply[] }>((tie) => ({
  reply: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie('reply'), { maxLength: 6 }),
    // The engine's classes hold its own replies, which tells nothing apart here.
    tie('flat').map((flat) => new MapReply(flat as never)),
    fc.array(tie('reply'), { maxLength: 4 }).map((items) => new SetReply(items as never)),
    fc.array(tie('reply'), { maxLength: 4 }).map((items) => new PushReply(items)),
    fc.tuple(tie('flat'), leaf).map(([flat, reply]) => new AttributeReply(flat, reply)),
  ),
  flat: fc.array(fc.tuple(leaf, tie('reply')), { maxLength: 3 }).map((pairs) => pairs.flat()),
}))

const string = (text: string): RespValue => ({ type: 'string', text })
const array = (items: readonly ServerReply[]): RespValue => ({ type: 'array', items: items.map(resp2) })

/** What a client of RESP2 should see. */
function resp2(reply: ServerReply): RespValue {
  if (Array.isArray(reply)) return array(reply)
  if (reply === null) return { type: 'null', of: 'string' }
  if (reply instanceof NullArrayReply) return { type: 'null', of: 'array' }
  if (reply instanceof MapReply) return array(reply.flat)
  if (reply instanceof SetReply) return array(reply.members)
  if (reply instanceof PushReply) return array(reply.items)
  if (reply instanceof AttributeReply) return resp2(reply.reply)
  if (reply instanceof DoubleReply) return string(doubleText(reply.value))
  if (reply instanceof VerbatimReply) return string(reply.text)
  if (reply instanceof BooleanReply) return { type: 'integer', value: Number(reply.value) }
  if (reply instanceof BigNumberReply) return string(String(reply.value))
  return common(reply as never)
}

/** What a client of RESP3 should see. */
function resp3(reply: ServerReply): RespValue {
  if (Array.isArray(reply)) return { type: 'array', items: reply.map(resp3) }
  if (reply === null || reply instanceof NullArrayReply) return { type: 'null', of: 'any' }
  if (reply instanceof MapReply) return { type: 'map', flat: reply.flat.map(resp3) }
  if (reply instanceof SetReply) return { type: 'set', items: reply.members.map(resp3) }
  if (reply instanceof PushReply) return { type: 'push', items: reply.items.map(resp3) }
  if (reply instanceof AttributeReply) {
    return { type: 'attribute', flat: reply.flat.map(resp3), reply: resp3(reply.reply) }
  }
  if (reply instanceof DoubleReply)
    return { type: 'double', value: reply.value, text: doubleText(reply.value) }
  if (reply instanceof VerbatimReply) return { type: 'verbatim', format: reply.format, text: reply.text }
  if (reply instanceof BooleanReply) return { type: 'boolean', value: reply.value }
  if (reply instanceof BigNumberReply) return { type: 'bigNumber', value: reply.value }
  return common(reply as never)
}

function common(reply: string | Uint8Array | number | bigint | StatusReply | ErrorReply): RespValue {
  if (typeof reply === 'string') return string(reply)
  if (reply instanceof Uint8Array) return string(Buffer.from(reply).toString('latin1'))
  if (reply instanceof StatusReply) return { type: 'status', text: reply.text }
  if (reply instanceof ErrorReply) return { type: 'error', text: reply.text }
  const isSafe = Number.isSafeInteger(Number(reply))
  return { type: 'integer', value: isSafe ? Number(reply) + 0 : BigInt(reply) }
}

function doubleText(value: number): string {
  return Number.isNaN(value) ? 'nan' : formatScoreShortest(value)
}

test('the decoder reads what the writer wrote', () => {
  fc.assert(
    fc.property(
      fc.array(reply, { maxLength: 5 }),
      fc.constantFrom(2 as const, 3 as const),
      fc.nat(),
      (replies, resp, n) => {
        const writer = new ReplyWriter()
        writer.resp = resp
        for (const one of replies) writer.reply(one)
        const sizeBytes = writer.sizeBytes
        const bytes = Buffer.concat(writer.take())
        expect(bytes.length).toBe(sizeBytes)
        const decoder = new ReplyDecoder()
        const step = (n % (bytes.length + 1)) + 1
        const found: RespValue[] = []
        for (let at = 0; at < bytes.length; at += step) {
          decoder.feed(bytes.subarray(at, at + step))
          for (let value = decoder.next(); value !== undefined; value = decoder.next()) found.push(value)
        }
        expect(decoder.failure).toBeUndefined()
        expect(decoder.pendingBytes).toBe(0)
        expect(found).toEqual(replies.map(resp === 2 ? resp2 : resp3))
      },
    ),
    { numRuns: RUNS },
  )
})
