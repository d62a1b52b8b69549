/** A reply of each type as a real Redis writes it, in both protocols: ours has the same bytes. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DoubleReply, MapReply, SetReply } from '../../../src/keyspace/engine/index.ts'
import {
  AttributeReply,
  BigNumberReply,
  BooleanReply,
  PushReply,
  ReplyDecoder,
  ReplyWriter,
  type ServerReply,
  VerbatimReply,
} from '../../../src/server/resp/index.ts'
import { rawAnswer } from '../../support/redis/raw-connection.ts'
import { type RedisServer, startRedis } from '../../support/redis/redis-server.ts'

let redis: RedisServer | undefined

beforeAll(async () => {
  redis = await startRedis(['--enable-debug-command', 'yes'])
})

afterAll(() => redis?.stop())

const flags = [0, 1, 2].map((i) => new BooleanReply(i === 1))

/** What `DEBUG PROTOCOL` answers. */
const REPLIES: Readonly<Record<string, ServerReply>> = {
  string: 'Hello World',
  integer: 12_345,
  // biome-ignore lint/suspicious/noApproximativeNumericConstant: Redis answers just this.
  double: new DoubleReply(3.141),
  null: null,
  array: [0, 1, 2],
  set: new SetReply([0, 1, 2]),
  map: new MapReply(flags.flatMap((flag, i) => [i, flag]) as never),
  attrib: new AttributeReply(['key-popularity', ['key:123', 90]], 'Some real reply following the attribute'),
  verbatim: new VerbatimReply('This is a verbatim\nstring'),
  true: new BooleanReply(true),
  false: new BooleanReply(false),
  bignum: new BigNumberReply(1_234_567_999_999_999_999_999_999_999_999_999_999n),
}

const PUSH = [new PushReply(['server-cpu-usage', 42]), 'Some real reply following the push reply']

async function theirs(name: string, resp: 2 | 3): Promise<string> {
  const hello = `HELLO ${resp}\r\n`
  const { text } = await rawAnswer(redis!, [Buffer.from(`${hello}DEBUG PROTOCOL ${name}\r\n`)])
  const decoder = new ReplyDecoder()
  decoder.feed(Buffer.from(text, 'latin1'))
  expect(decoder.next()).toMatchObject({ type: resp === 3 ? 'map' : 'array' })
  return text.slice(text.length - decoder.pendingBytes)
}

function ours(resp: 2 | 3, replies: readonly ServerReply[]): string {
  const writer = new ReplyWriter()
  writer.resp = resp
  for (const reply of replies) writer.reply(reply)
  return Buffer.concat(writer.take()).toString('latin1')
}

test.for(Object.keys(REPLIES))('%s', async (name, { skip }) => {
  if (redis === undefined) return skip()
  expect(ours(3, [REPLIES[name]!])).toBe(await theirs(name, 3))
  // Redis refuses to send them to a client that could not read them.
  if (name !== 'attrib') expect(ours(2, [REPLIES[name]!])).toBe(await theirs(name, 2))
})

test('a push, and a reply behind it', async ({ skip }) => {
  if (redis === undefined) return skip()
  expect(ours(3, PUSH)).toBe(await theirs('push', 3))
})
