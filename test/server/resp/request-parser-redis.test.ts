/** What a real Redis answers to requests that are right and wrong, byte for byte, and whether it closes. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Random, seededRandom } from '../../../src/base/index.ts'
import { byteString, err, OK, StatusReply } from '../../../src/keyspace/engine/index.ts'
import {
  MORE,
  REQUEST,
  REQUEST_LIMITS,
  ReplyWriter,
  RequestParser,
  strangerLimits,
} from '../../../src/server/resp/index.ts'
import { type RawAnswer, rawAnswer } from '../../support/redis/raw-connection.ts'
import { type RedisServer, startRedis } from '../../support/redis/redis-server.ts'
import { bytesOf, encode } from '../../support/resp/request-lab.ts'

const MUTANTS = process.env['SHL_SOAK'] ? 20_000 : 150
const ARGUMENTS_SHOWN_CHARS = 128

/** Redis takes counts up to the largest integer; the rest is the same. */
const LIMITS = { ...REQUEST_LIMITS, argumentsMax: 2 ** 31 - 1 }

let redis: RedisServer | undefined

beforeAll(async () => {
  redis = await startRedis()
})

afterAll(() => redis?.stop())

/** The same two commands that Redis is asked for, and its words for all others. */
function ourAnswer(pieces: readonly Uint8Array[], isStranger: boolean): RawAnswer {
  const parser = new RequestParser(isStranger ? strangerLimits(LIMITS) : LIMITS)
  const writer = new ReplyWriter()
  let isClosed = false
  for (const piece of pieces) {
    parser.feed(piece, 0, piece.length)
    for (let outcome = parser.next(); outcome !== MORE && !isClosed; outcome = parser.next()) {
      if (outcome === REQUEST) answer(parser, writer, isStranger)
      else {
        writer.reply(parser.failure!)
        isClosed = true
      }
    }
    if (isClosed) break
  }
  return { text: Buffer.concat(writer.take()).toString('latin1'), isClosed }
}

function answer(parser: RequestParser, writer: ReplyWriter, isStranger: boolean): void {
  if (parser.count === 0) return
  const argv = Array.from({ length: parser.count }, (_, i) => byteString(parser.argument(i, 1 << 16)))
  const [name = '', ...rest] = argv
  const command = name.toLowerCase()
  const wrongCount = err(`wrong number of arguments for '${command}' command`)
  if (command !== 'ping' && command !== 'echo') return writer.reply(unknownCommand(name, rest))
  if (command === 'echo' ? rest.length !== 1 : rest.length > 1) return writer.reply(wrongCount)
  if (isStranger) return writer.reply(err('Authentication required.'))
  if (rest.length === 1) return writer.reply(rest[0]!)
  writer.reply(new StatusReply('PONG'))
}

/** Redis prints both as C strings: they end at the first NUL, of which there is none here. */
function unknownCommand(name: string, rest: readonly string[]) {
  let shown = ''
  for (const word of rest) {
    if (shown.length >= ARGUMENTS_SHOWN_CHARS) break
    shown += `'${word.slice(0, ARGUMENTS_SHOWN_CHARS - shown.length)}' `
  }
  const called = name.slice(0, ARGUMENTS_SHOWN_CHARS)
  return err(`unknown command '${called}', with args beginning with: ${shown}`)
}

/** `-NOAUTH` is the server's, not the protocol's. */
function compared({ text, isClosed }: RawAnswer): RawAnswer {
  return { text: text.replaceAll('-NOAUTH ', '-ERR '), isClosed }
}

async function compare(pieces: readonly Uint8Array[], isStranger = false): Promise<void> {
  const theirs = compared(await rawAnswer(redis!, pieces))
  const ours = ourAnswer(pieces, isStranger)
  expect(ours, JSON.stringify(Buffer.concat(pieces).toString('latin1').slice(0, 300))).toEqual(theirs)
}

const LONG = 'A'.repeat(65_535)
const STREAMS = [
  'PING\r\n',
  encode(['PING']),
  encode(['ECHO', '']),
  encode(['ECHO', '\r\n\xff']),
  'PING\r\n*1\r\nX\r\nPING\r\n',
  ...['X', '', '\n', '\xff', ' ', ':1', '*1', '4'].map((line) => `*1\r\n${line}\r\n`),
  ...['', 'x', '-0', '+1', '01', '00', '-', '1x', ' 1', '1 ', '--1', '2147483648'].map((n) => `*${n}\r\n`),
  ...['9223372036854775807', '9223372036854775808', '99999999999999999999999'].map(
    (n) => `*${n}\r\nPING\r\n`,
  ),
  ...['0', '-1', '-5', '-9223372036854775808', '-9223372036854775809'].map((n) => `*${n}\r\nPING\r\n`),
  ...['', '-1', '-0', '+4', '04', 'blabla', '4x', '536870913', '2000000000', '9223372036854775808'].map(
    (n) => `*1\r\n$${n}\r\nPING\r\n`,
  ),
  ...[
    '*2147483647\r\n',
    '*1\r\n$536870912\r\n',
    '*',
    '*1',
    '*1\r',
    '*1\r\n',
    '*1\r\n$4\r\nPIN',
    '*1\r\n$4\r\nPING\r',
  ],
  '*1\rX$4\rYPINGzzPING\r\n',
  '*1\n$4\nPING\n',
  '*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n',
  '*1\r\nfoo\r\n',
  '$4\r\nPING\r\n',
  '\r\n\n  \r\nPING\n',
  'set """test-key""" test-value\r\n',
  ...[
    '"a',
    '"a"b',
    "'a",
    "'a'b",
    '"a\\"',
    '"a""b"',
    'a"b"',
    "a'b'",
    '"\\x41\\xzz\\n\\q\\\\"',
    "'a\\'b\\n'",
  ].map((word) => `ECHO ${word}\r\nPING\r\n`),
  ...['a\\x41', 'a\vb', '\va', 'a\rb', '"a"\v', '"" ', '"a b" '].map((word) => `ECHO ${word}\r\n`),
  '"PING"\r\n',
  '""\r\n',
  LONG,
  `${LONG}AA`,
  `*${LONG}`,
  `*${LONG}A`,
  `*1\r\n$${LONG}`,
  `*1\r\n$${LONG}A`,
  `*1\r\n${LONG}AA`,
  `*2\r\n$4\r\nECHO\r\n$100000\r\n${'v'.repeat(100_000)}\r\nPING\r\n`,
]

test('a table of requests, right and wrong', async ({ skip }) => {
  if (redis === undefined) return skip()
  for (const text of STREAMS) await compare([bytesOf(text)])
})

test('streams that are changed at random, in pieces', async ({ skip }) => {
  if (redis === undefined) return skip()
  const random = seededRandom(7)
  for (let i = 0; i < MUTANTS; i++) {
    const bytes = bytesOf(mutant(random))
    const cut = random.below(bytes.length + 1)
    await compare([bytes.subarray(0, cut), bytes.subarray(cut)].filter((piece) => piece.length > 0))
  }
})

test('strangers', async ({ skip }) => {
  if (redis === undefined) return skip()
  expect(await redis.client.call('CONFIG', 'SET', 'requirepass', 'secret')).toBe(`+${OK.text}`)
  try {
    const counts = ['10', '11', '2147483648', '-1'].map((n) => `*${n}\r\n`)
    const lengths = ['16384', '16385', '536870913', '-1'].map((n) => `*1\r\n$${n}\r\n`)
    for (const text of ['PING\r\n', ...counts, ...lengths]) await compare([bytesOf(text)], true)
  } finally {
    await redis.client.call('CONFIG', 'SET', 'requirepass', '')
  }
})

const PARTS = [
  '*1\r\n',
  '*2\r\n',
  '$4\r\nPING\r\n',
  '$4\r\nECHO\r\n',
  '$2\r\nhi\r\n',
  'PING\r\n',
  'ECHO "a"\r\n',
]
const BYTES = '*$:-+0123459\r\n "\'\\xaA\xff'

function mutant(random: Random): string {
  let text = ''
  for (let i = random.below(5) + 1; i > 0; i--) text += PARTS[random.below(PARTS.length)]
  for (let i = random.below(4); i > 0; i--) {
    const at = random.below(text.length)
    const byte = BYTES[random.below(BYTES.length)]!
    text = text.slice(0, at) + byte + text.slice(at + random.below(3))
  }
  return text
}
