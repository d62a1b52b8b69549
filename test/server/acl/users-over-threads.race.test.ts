/** Users over two threads of a server that speaks TLS: rates, failed logins, and certificates. */
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeCertificate } from '../../support/certificates.ts'
import { freePort } from '../../support/redis/redis-server.ts'
import { WireClient, WireClients } from '../../support/robust/wire-client.ts'
import { type TestServer, testServer } from '../../support/server.ts'

const authority = makeCertificate({ commonName: 'CA', isAuthority: true })
const ours = makeCertificate({ commonName: 'server', issuer: authority, names: ['DNS:localhost'] })
const [first, second] = ['one', 'two'].map((commonName) =>
  makeCertificate({ commonName, issuer: authority, names: [`URI:spiffe://example/${commonName}`] }),
) as [typeof ours, typeof ours]
const fingerprint = new X509Certificate(first.cert).fingerprint256

let dir: string
let server: TestServer
let clients: WireClients
let admin: WireClient
let tlsPort: number
const logged: { readonly event: string; readonly details: object | undefined }[] = []

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'shl-users-'))
  for (const [name, text] of Object.entries({ ca: authority.cert, cert: ours.cert, key: ours.key })) {
    writeFileSync(join(dir, name), text)
  }
  tlsPort = await freePort()
  server = await testServer({
    serve: {
      ...{ port: await freePort(), tlsPort, tlsCaCertFile: join(dir, 'ca') },
      ...{ tlsCertFile: join(dir, 'cert'), tlsKeyFile: join(dir, 'key') },
      tlsAuthClientsMap: `SHA256:${fingerprint} mapped`,
      onLog: (_level, event, details) => logged.push({ event, details }),
    },
  })
  clients = new WireClients(server.port)
  admin = await clients.one()
  await admin.call('ACL', 'SETUSER', 'mapped', 'on', '~*', '+@all')
})
afterAll(async () => {
  clients.close()
  await server.close()
  rmSync(dir, { recursive: true })
})

/** Who a client with this certificate is. */
async function whoIs({ cert, key }: typeof ours): Promise<unknown> {
  const socket = connect({
    port: tlsPort,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: authority.cert,
    cert,
    key,
  })
  const client = new WireClient(socket)
  const name = await client.call('ACL', 'WHOAMI')
  client.destroy()
  return name
}

test('a rate holds for all connections of a user together, wherever they are', async () => {
  await admin.call('ACL', 'SETUSER', 'bob', 'on', 'nopass', '~*', '+@all', 'rate:40/10000')
  const all = await clients.several(8)
  for (const client of all) await client.call('AUTH', 'bob', 'x')
  for (const client of all) client.send(...Array.from({ length: 20 }, () => ['PING']))
  const replies = (await Promise.all(all.map((client) => client.take(20)))).flat()
  expect(replies.filter((reply) => reply === 'PONG')).toHaveLength(40)
  // Made again with the same rule it is where it was.
  await admin.call('ACL', 'DELUSER', 'bob')
  await admin.call('ACL', 'SETUSER', 'bob', 'on', 'nopass', '~*', '+@all', 'rate:40/10000')
  const again = await clients.one()
  await again.call('AUTH', 'bob', 'x')
  expect(await again.call('PING')).toMatch(/^-LIMITED/)
})

test('logins that fail are told so many a second, and what is told of a client is cut', async () => {
  const [client] = await clients.several(1)
  const long = 'n'.repeat(100_000)
  await client!.call('CLIENT', 'SETNAME', long)
  client!.send(...Array.from({ length: 200 }, () => ['AUTH', long, 'wrong']))
  expect(new Set(await client!.take(200)).size).toBe(1)
  const lines = logged.filter(({ event }) => event === 'authentication failed')
  expect(lines.length).toBeGreaterThanOrEqual(10)
  expect(lines.length).toBeLessThan(30)
  expect(JSON.stringify(lines).length).toBeLessThan(10_000)
  const [entry] = (await admin.call('ACL', 'LOG')) as [unknown[]]
  expect(JSON.stringify(entry).length).toBeLessThan(4000)
  expect(JSON.stringify(entry)).toContain(`name=${'n'.repeat(128)} `)
})

test('certificates stand for whom the map says, and the map may be changed', async () => {
  expect(await whoIs(first)).toBe('mapped')
  expect(await whoIs(second)).toBe('default')
  await admin.call('CONFIG', 'SET', 'tls-auth-clients-map', 'URI:spiffe://example/two mapped')
  expect([await whoIs(first), await whoIs(second)]).toEqual(['default', 'mapped'])
  await admin.call('ACL', 'SETUSER', 'one', 'on', '~*', '+@all')
  await admin.call('CONFIG', 'SET', 'tls-auth-clients-user', 'CN')
  expect([await whoIs(first), await whoIs(second)]).toEqual(['one', 'mapped'])
  expect(await admin.call('CONFIG', 'SET', 'tls-auth-clients-map', 'x mapped')).toMatch(
    /^-ERR CONFIG SET failed \(possibly related to argument 'tls-auth-clients-map'\) - a certificate is/,
  )
  expect(await admin.call('CONFIG', 'GET', 'tls-auth-clients-map')).toEqual([
    ...['tls-auth-clients-map', 'URI:spiffe://example/two mapped'],
  ])
})

test('what CONFIG SET cannot do as a whole it does not do at all', async () => {
  const pairs = ['maxclients', '77', 'tls-cert-file', join(dir, 'none'), 'requirepass', 'secret']
  expect(await admin.call('CONFIG', 'SET', ...pairs)).toBe(
    "-ERR CONFIG SET failed (possibly related to argument 'tls-cert-file') - " +
      'Unable to update TLS configuration. Check server logs.',
  )
  expect(await admin.call('CONFIG', 'GET', 'maxclients', 'requirepass', 'tls-cert-file')).toEqual([
    ...['maxclients', '10000', 'requirepass', '', 'tls-cert-file', join(dir, 'cert')],
  ])
  expect(await whoIs(second)).toBe('mapped')
})
