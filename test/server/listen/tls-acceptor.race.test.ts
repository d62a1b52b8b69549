/** A server with a port for TLS: what keeps it from starting or changing, and who may fill its log. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { makeCertificate } from '../../support/certificates.ts'
import { RespClient } from '../../support/redis/resp-client.ts'
import { exchange, testServer } from '../../support/server.ts'

const folder = mkdtempSync(join(tmpdir(), 'shl-tls-port-'))
const { cert, key } = makeCertificate({ commonName: 'localhost' })
writeFileSync(join(folder, 'cert.pem'), cert)
writeFileSync(join(folder, 'key.pem'), key, { mode: 0o600 })
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
}

const logged: { readonly event: string; readonly details: object | undefined }[] = []

async function start(more: object = {}): ReturnType<typeof testServer> {
  const files = { tlsCertFile: join(folder, 'cert.pem'), tlsKeyFile: join(folder, 'key.pem') }
  const serve = {
    port: await freePort(),
    tlsPort: await freePort(),
    ...files,
    tlsAuthClients: 'no',
    ...more,
  } as const
  const onLog = (_: unknown, event: string, details: object | undefined): void => {
    logged.push({ event, details })
  }
  return testServer({ threads: 1, keyspace: { shards: 1 }, serve: { ...serve, onLog } })
}

test('a suite that is none keeps it from starting, and from being changed, by name', async () => {
  const suites = 'TLS_AES_128_GCM_SHA256:NOPE'
  await expect(start({ tlsCiphersuites: suites })).rejects.toThrow('TLS 1.3 has no suite NOPE')
  const server = await start()
  const client = await RespClient.connect(server.port)
  expect(await client.call('CONFIG', 'SET', 'tls-ciphersuites', suites)).toMatch(
    /^-ERR CONFIG SET failed .*'tls-ciphersuites'\) - Unable to update TLS configuration. Check server logs/,
  )
  expect(JSON.stringify(logged.at(-1))).toContain('TLS 1.3 has no suite NOPE')
  expect(await client.call('CONFIG', 'GET', 'tls-ciphersuites')).not.toContain('NOPE')
  client.close()
  await server.close()
})

test('two ports that are one are refused as such', async () => {
  const port = await freePort()
  await expect(start({ port, tlsPort: port })).rejects.toThrow(
    `serve.tlsPort=${port} allowed=another port than that of port`,
  )
})

test('who does not speak TLS fills no log', async () => {
  const tlsPort = await freePort()
  const server = await start({ tlsPort })
  logged.length = 0
  const noise = Buffer.from('GET / HTTP/1.1\r\n\r\n')
  for (let i = 0; i < 40; i++) await exchange(tlsPort, [noise]).catch(() => undefined)
  const client = await RespClient.connect(server.port)
  expect(await client.call('INFO', 'stats')).toContain('rejected_connections:40\r\n')
  // How many more there were is told a minute later: see limited-lines.test.ts.
  const told = logged.filter(({ event }) => event === 'a connection did not come to speak TLS')
  expect(told).toHaveLength(10)
  client.close()
  await server.close()
})
