/** A reading of a real Redis: what it has, and what it does not have. */
import { type AddressInfo, createServer } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addressDefaults } from '../../../src/cli/connection/address-options.ts'
import { RespConnection } from '../../../src/cli/connection/resp-connection.ts'
import { numberOf } from '../../../src/cli/top/info.ts'
import { type Sample, Sampler, TOP_NAME } from '../../../src/cli/top/sample.ts'
import { type PortedRedis, startPorted } from '../prompt/captured-cli.ts'

let redis: PortedRedis | undefined

beforeAll(async () => {
  redis = await startPorted(['--slowlog-log-slower-than', '0'])
})

afterAll(() => redis?.server.stop())

test.for([2, 3] as const)('everything that Redis has is read, over RESP%i', async (resp, { skip }) => {
  if (redis === undefined) return skip()
  const { client } = redis.server
  await client.call('SET', 'two words', 'x')
  await client.call('CONFIG', 'RESETSTAT')
  for (let i = 0; i < 5; i++) await client.call('GET', 'two words')
  const connection = await RespConnection.connect({ ...addressDefaults({}), port: redis.port })
  await connection.call(['HELLO', String(resp)])
  const sampler = new Sampler(connection, () => 77)
  const sample = (await sampler.read(true)) as Sample
  expect(sample.atMs).toBe(77)
  expect(numberOf(sample.info, 'connected_clients')).toBe(2)
  expect(sample.slow).toMatchObject({
    rows: expect.arrayContaining([expect.objectContaining({ argv: ['GET', 'two words'] })]),
  })
  const get = 'missing' in sample.latency ? undefined : sample.latency.histograms.get('get')
  expect(get?.calls).toBe(5)
  expect(get?.buckets.at(-1)?.[1]).toBe(5)
  expect('rows' in sample.clients ? sample.clients.rows.map((row) => row.get('db')) : []).toEqual(['0', '0'])
  expect(sample.hotKeys).toEqual({ missing: 'this server has no SHARDLOOM.HOTKEYS' })
  expect(sample.locks).toEqual({ missing: 'this server has no LOCK.LIST' })
  // What is missing is asked for once.
  await sampler.read(true)
  const refused = String(await client.call('INFO', 'errorstats'))
  expect(refused).toContain('errorstat_ERR:count=2')
  // Nor is what it asks itself among what is slow.
  await connection.call(['CLIENT', 'SETNAME', TOP_NAME])
  await client.call('SLOWLOG', 'RESET')
  await sampler.read(true)
  expect(await sampler.read(true)).toMatchObject({ slow: { rows: [{ argv: ['SLOWLOG', 'RESET'] }] } })
  connection.close()
})

test('a refusal and a loss are told', async ({ skip }) => {
  if (redis === undefined) return skip()
  await redis.server.client.call('ACL', 'SETUSER', 'low', 'on', 'nopass', '+info', '+slowlog', '~*')
  const connection = await RespConnection.connect({ ...addressDefaults({}), port: redis.port })
  await connection.call(['AUTH', 'low', 'x'])
  const sampler = new Sampler(connection, () => 0)
  expect(await sampler.read(true)).toMatchObject({
    slow: { rows: expect.anything() },
    clients: { missing: expect.stringMatching(/^CLIENT LIST: NOPERM/) },
  })
  connection.close()
  expect(await sampler.read(true)).toBeUndefined()
})

test('locks and hot keys are read of a server that has them', async () => {
  const replies: Readonly<Record<string, string>> = {
    INFO: '$2\r\n#x\r\n',
    SLOWLOG: '*0\r\n',
    LATENCY: '*0\r\n',
    CLIENT: '$0\r\n\r\n',
    'SHARDLOOM.HOTKEYS':
      '*1\r\n%3\r\n$3\r\nkey\r\n$1\r\nk\r\n$2\r\ndb\r\n:1\r\n$19\r\ncommands-per-second\r\n:9\r\n',
    'LOCK.LIST': '*1\r\n$1\r\nl\r\n',
    'LOCK.INFO':
      '%4\r\n$4\r\nmode\r\n$9\r\nexclusive\r\n$10\r\nlast-token\r\n:7\r\n' +
      '$7\r\nholders\r\n*1\r\n%3\r\n$5\r\nowner\r\n$2\r\nme\r\n' +
      '$5\r\ntoken\r\n:7\r\n$12\r\nremaining-ms\r\n:50\r\n' +
      '$7\r\nwaiters\r\n*1\r\n%1\r\n$10\r\nwaiting-ms\r\n:12\r\n',
  }
  const server = createServer((socket) => {
    socket.on('data', (bytes) => {
      // Names of commands are all that matters here.
      for (const [, name = ''] of bytes.toString().matchAll(/\*\d+\r\n\$\d+\r\n([A-Z.]+)/g)) {
        socket.write(replies[name] ?? '-ERR unknown command\r\n')
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const connection = await RespConnection.connect({ ...addressDefaults({}), port })
  const sample = await new Sampler(connection, () => 0).read(true)
  expect(sample).toMatchObject({
    hotKeys: { rows: [{ key: 'k', db: 1, callsPerSecond: 9, shard: undefined }] },
    locks: {
      rows: [
        { key: 'l', mode: 'exclusive', owner: 'me', token: 7, remainingMs: 50, waiters: 1, waitingMs: 12 },
      ],
    },
  })
  connection.close()
  server.close()
})
