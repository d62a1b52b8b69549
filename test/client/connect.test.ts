/** `connect` over what a URL can name: TCP, TLS, sockets of the machine, users. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { connect } from '../../src/client/index.ts'
import { makeCertificate } from '../support/certificates.ts'
import { failureOf } from '../support/client-lab.ts'
import { freePort, type RedisServer, startRedis } from '../support/redis/redis-server.ts'

const folder = mkdtempSync(join(tmpdir(), 'shl-connect-'))
const socket = join(folder, 'redis.sock')
const authority = makeCertificate({ commonName: 'authority', isAuthority: true })
const server = makeCertificate({ commonName: 'localhost', issuer: authority, names: ['DNS:localhost'] })
const client = makeCertificate({ commonName: 'client', issuer: authority })
let redis: RedisServer | undefined
let tlsPort = 0

beforeAll(async () => {
  for (const [name, text] of Object.entries({ ca: authority.cert, cert: server.cert, key: server.key })) {
    writeFileSync(join(folder, `${name}.pem`), text)
  }
  tlsPort = await freePort()
  redis = await startRedis([
    ...['--unixsocket', socket, '--tls-port', String(tlsPort), '--tls-auth-clients', 'yes'],
    ...['--tls-cert-file', join(folder, 'cert.pem'), '--tls-key-file', join(folder, 'key.pem')],
    ...['--tls-ca-cert-file', join(folder, 'ca.pem')],
  ])
  await redis?.client.call('ACL', 'SETUSER', 'ann', 'on', '>p@ss:1', '~*', '&*', '+@all')
})

afterAll(async () => {
  await redis?.stop()
  rmSync(folder, { recursive: true, force: true })
})

beforeEach(({ skip }) => {
  if (redis === undefined) skip()
})

test('a user with a password, and a database', async () => {
  const port = redis!.port
  await using keyspace = connect(`shardloom://ann:p%40ss%3A1@127.0.0.1:${port}/5?name=mine&connections=1`)
  await keyspace.set('where', 'five')
  expect(await keyspace.command('ACL', 'WHOAMI')).toBe('ann')
  expect(String(await keyspace.command('CLIENT', 'INFO'))).toMatch(/ name=mine .* db=5 /)
  const other = connect(`redis://127.0.0.1:${port}`)
  expect(await other.get('where')).toBeUndefined()
  await other.close()
})

test('a socket of the machine', async () => {
  await using keyspace = connect(`unix:${socket}?db=2`)
  await keyspace.set('where', 'here')
  expect(await keyspace.get('where')).toBe('here')
  await using ann = connect(`unix://ann:p%40ss%3A1@${socket}?db=2`)
  expect(await ann.get('where')).toBe('here')
})

test('TLS, with certificates that are looked at from both ends', async () => {
  const url = `shardlooms://localhost:${tlsPort}`
  await using keyspace = connect(url, {
    tls: { ca: authority.cert, cert: client.cert, key: client.key },
  })
  await keyspace.set('tls', 'yes')
  expect(await keyspace.get('tls')).toBe('yes')
  await using stranger = connect(url, { timeoutMs: 300 })
  expect(await failureOf(stranger.get('tls'))).toMatchObject({ code: 'SHL_CONNECTION_FAILED' })
})
