/** A connection to a server: a real one, one over TLS, and some that misbehave. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AddressOptions, addressDefaults } from '../../../src/cli/connection/address-options.ts'
import { reasonText } from '../../../src/cli/connection/reason-text.ts'
import { addressText, greet, RespConnection } from '../../../src/cli/connection/resp-connection.ts'
import type { RespValue } from '../../../src/server/resp/index.ts'
import { makeCertificate } from '../../support/certificates.ts'
import { closedPort, type PortedRedis, startPorted } from '../prompt/captured-cli.ts'

let redis: PortedRedis | undefined
const folder = mkdtempSync(join(tmpdir(), 'shardloom-connection-'))
const servers: Server[] = []

beforeAll(async () => {
  redis = await startPorted()
  await redis?.server.client.call('CONFIG', 'SET', 'requirepass', 'secret')
}, 30_000)

afterAll(async () => {
  await redis?.server.stop()
  for (const server of servers) server.close()
  rmSync(folder, { recursive: true, force: true })
})

const local = (port: number, more: Partial<AddressOptions> = {}): AddressOptions => ({
  ...addressDefaults({}),
  port,
  ...more,
})

/** A server that does with a socket what it is told. */
function listen(server: Server): Promise<number> {
  servers.push(server)
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

test('replies come in the order of the commands, and pushes belong to none', async () => {
  const port = await listen(
    createServer((socket: Socket) => {
      socket.once('data', () => {
        socket.write('+one\r\n>2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\na\r\n:2\r')
        setImmediate(() => socket.write('\n'))
      })
    }),
  )
  const connection = await RespConnection.connect(local(port))
  const pushed: RespValue[] = []
  connection.onPush = (value) => pushed.push(value)
  const replies = await Promise.all([connection.call(['one']), connection.call(['two'])])
  expect(replies).toEqual([
    { type: 'status', text: 'one' },
    { type: 'integer', value: 2 },
  ])
  expect(pushed).toMatchObject([{ type: 'push' }])
  connection.close()
})

test('a loss answers those who wait, and those who come later', async () => {
  const port = await listen(createServer((socket) => socket.once('data', () => socket.destroy())))
  const connection = await RespConnection.connect(local(port))
  let losses = 0
  connection.onLost = () => {
    losses++
  }
  expect(await Promise.all([connection.call(['a']), connection.call(['b'])])).toEqual([undefined, undefined])
  expect(await connection.call(['c'])).toBeUndefined()
  connection.close()
  expect(losses).toBe(1)
})

test('what is not the protocol ends the connection', async () => {
  const port = await listen(createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')))
  const connection = await RespConnection.connect(local(port))
  expect(await connection.call(['ping'])).toBeUndefined()
  expect(connection.failure).toContain('not the protocol of Redis')
})

test('a greeting says who we are, and gives back what was said against it', async ({ skip }) => {
  if (redis === undefined) return skip()
  const { port } = redis
  const greeted = async (more: Partial<AddressOptions>) => {
    const connection = await RespConnection.connect(local(port))
    const { complaints } = await greet(connection, local(port, more))
    const reply = await connection.call(['CLIENT', 'INFO'])
    connection.close()
    return { complaints, reply }
  }
  const { complaints, reply } = await greeted({ password: 'secret', resp: 3, db: 2 })
  expect(complaints).toEqual([])
  expect(reply).toMatchObject({ type: 'verbatim', text: expect.stringMatching(/ db=2 .* resp=3/) })
  expect((await greeted({ password: 'wrong' })).complaints).toEqual([
    expect.stringMatching(/^AUTH failed: WRONGPASS/),
  ])
  expect((await greeted({ db: 1 })).complaints).toEqual([expect.stringMatching(/^SELECT 1 failed: NOAUTH/)])
  expect((await greeted({ user: 'default', password: 'secret', db: 99 })).complaints).toEqual([
    'SELECT 99 failed: ERR DB index is out of range',
  ])
})

test('a server over TLS is checked, unless that is refused', async () => {
  const { key, cert } = makeCertificate({
    commonName: 'localhost',
    isAuthority: true,
    names: ['DNS:localhost'],
  })
  const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  writeFileSync(keyFile, key)
  writeFileSync(certFile, cert)
  const names: unknown[] = []
  const port = await listen(
    createTlsServer(
      {
        key,
        cert,
        requestCert: true,
        rejectUnauthorized: false,
      },
      (socket) => {
        names.push([socket.servername, socket.getPeerCertificate().subject?.CN])
        socket.on('data', () => socket.write('+PONG\r\n'))
      },
    ),
  )
  const ping = async (more: Partial<AddressOptions>): Promise<string> => {
    try {
      const connection = await RespConnection.connect(local(port, { isTls: true, ...more }))
      const reply = await connection.call(['PING'])
      connection.close()
      return reply?.type === 'status' ? reply.text : 'nothing'
    } catch (error) {
      return reasonText(error)
    }
  }
  expect(await ping({})).toMatch(/self.signed certificate/)
  expect(await ping({ isInsecure: true })).toBe('PONG')
  expect(await ping({ host: 'localhost', caFile: certFile })).toBe('PONG')
  expect(await ping({ serverName: 'localhost', caFile: certFile, certFile, keyFile })).toBe('PONG')
  expect(await ping({ caFile: join(folder, 'none.pem') })).toBe('no such file or directory')
  const plain = await listen(createServer((socket) => socket.end('-ERR what?\r\n')))
  expect(await ping({ port: plain })).toBe('no TLS is spoken there')
  expect(names).toEqual([
    [false, undefined],
    ['localhost', undefined],
    ['localhost', 'localhost'],
  ])
})

test('why there is no connection is said in words', async () => {
  const failed = await RespConnection.connect(local(await closedPort())).catch((error: unknown) =>
    reasonText(error),
  )
  expect(failed).toBe('connection refused')
  const nowhere = local(0, { path: join(folder, 'none.sock') })
  expect(await RespConnection.connect(nowhere).catch((error: unknown) => reasonText(error))).toBe(
    'no such file or directory',
  )
  expect(reasonText(undefined)).toBe('undefined')
})

test('an address as it is shown', () => {
  expect(addressText(local(1))).toBe('127.0.0.1:1')
  expect(addressText(local(1, { host: '::1' }))).toBe('[::1]:1')
  expect(addressText(local(1, { path: '/run/s.sock' }))).toBe('/run/s.sock')
})
