/** Greetings and passwords, as Redis answers them with the same password. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RedisServer, startRedis } from '../../support/redis/redis-server.ts'
import { RespClient } from '../../support/redis/resp-client.ts'
import { exchange, request, type TestServer, testServer } from '../../support/server.ts'

const PASSWORD = 's3cret'

let redis: RedisServer | undefined
let ours: TestServer

beforeAll(async () => {
  redis = await startRedis()
  await redis?.client.call('CONFIG', 'SET', 'requirepass', PASSWORD)
  ours = await testServer({ serve: { requirePass: PASSWORD, bind: ['127.0.0.1'] } })
})
afterAll(async () => {
  await redis?.stop()
  await ours?.close()
})

const CONVERSATIONS: readonly (readonly (readonly (string | number)[])[])[] = [
  [['PING'], ['GET', 'a'], ['NOPE'], ['SELECT'], ['EXEC'], ['QUIT']],
  [['AUTH', 'wrong'], ['AUTH', 'default', 'wrong'], ['AUTH', 'nobody', PASSWORD], ['PING'], ['QUIT']],
  [['AUTH', PASSWORD], ['PING'], ['AUTH', 'a', 'b', 'c'], ['AUTH'], ['PING', 'x', 'y'], ['QUIT']],
  [['HELLO'], ['HELLO', 3], ['HELLO', 3, 'AUTH', 'default', 'wrong'], ['HELLO', 'x'], ['HELLO', 9], ['QUIT']],
  [['HELLO', 2, 'AUTH', 'default'], ['HELLO', 2, 'SETNAME', 'a b'], ['HELLO', 2, 'NOPE'], ['QUIT']],
  [
    ['AUTH', PASSWORD],
    ['SELECT', 3],
    ['SET', 'k', 'v'],
    ['RESET'],
    ['GET', 'k'],
    ['AUTH', PASSWORD],
    ['QUIT'],
  ],
  [
    ['AUTH', 'default', PASSWORD],
    ['SELECT', 3],
    ['GET', 'k'],
    ['SELECT', 0],
    ['GET', 'k'],
    ['SELECT', -1],
    ['QUIT'],
  ],
  [
    ['AUTH', PASSWORD],
    ['CLIENT', 'SETNAME', 'me'],
    ['CLIENT', 'GETNAME'],
    ['ECHO', 'x'],
    ['ECHO'],
    ['QUIT', 'now'],
  ],
]

test.for(
  CONVERSATIONS.map(
    (conversation) => [conversation.map((argv) => argv.join(' ')).join(' · '), conversation] as const,
  ),
)('%s', async ([, conversation], { skip }) => {
  if (redis === undefined) return skip()
  const bytes = [Buffer.concat(conversation.map((argv) => request(...argv)))]
  expect(await exchange(ours.port, bytes)).toBe(await exchange(redis.port, bytes))
})

test('a greeting with a password says who answers, in the version that was asked for', async () => {
  const bytes = await exchange(ours.port, [
    Buffer.concat([
      request('HELLO', 3, 'AUTH', 'default', PASSWORD, 'SETNAME', 'me'),
      request('CLIENT', 'GETNAME'),
      request('QUIT'),
    ]),
  ])
  const lines = bytes.split('\r\n').filter((line) => !/^[$%*]/.test(line))
  expect(lines.filter((line) => !/^:\d+$|^7\./.test(line)).join(' ')).toBe(
    'server redis version proto id mode standalone role master modules me +OK ',
  )
  expect(bytes.startsWith('%7\r\n')).toBe(true)
})

test('who is not known may send little, and is told why', async () => {
  const many = Array.from({ length: 20 }, (_, i) => `k${i}`)
  expect(await exchange(ours.port, [request('MGET', ...many)])).toBe(
    '-ERR Protocol error: unauthenticated multibulk length\r\n',
  )
  expect(await exchange(ours.port, [Buffer.from('*2\r\n$3\r\nGET\r\n$20000\r\n')])).toBe(
    '-ERR Protocol error: unauthenticated bulk length\r\n',
  )
  const client = await RespClient.connect(ours.port)
  expect(await client.call('AUTH', PASSWORD)).toBe('+OK')
  expect(await client.call('MGET', ...many)).toHaveLength(20)
  client.close()
})
