/** TLS with real clients: who is let in, who is told to whom, and who is not. */
import { connect as connectPlain, createServer, type Server, type Socket } from 'node:net'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { onceClosed } from '../../../src/server/listen/adopt-socket.ts'
import { type PeerCertificateFacts, TlsAcceptor } from '../../../src/server/listen/tls-acceptor.ts'
import type { TlsMaterial } from '../../../src/server/listen/tls-files.ts'
import { makeCertificate } from '../../support/certificates.ts'

const authority = makeCertificate({ commonName: 'Test CA', isAuthority: true })
const stranger = makeCertificate({ commonName: 'Other CA', isAuthority: true })
const ours = makeCertificate({ commonName: 'server', issuer: authority, names: ['DNS:localhost'] })
const alice = makeCertificate({
  commonName: 'alice',
  issuer: authority,
  names: ['URI:spiffe://example/alice', 'DNS:alice.example'],
})
const mallory = makeCertificate({ commonName: 'alice', issuer: stranger })

function materialOf(change: Partial<TlsMaterial> = {}): TlsMaterial {
  return {
    cert: ours.cert,
    key: ours.key,
    passphrase: undefined,
    ca: [authority.cert],
    clientCertificates: 'yes',
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    ciphers: 'TLS_AES_256_GCM_SHA384:ECDHE-ECDSA-AES128-GCM-SHA256',
    honorCipherOrder: false,
    ...change,
  }
}

let acceptor: TlsAcceptor
let server: Server
let open = 0
const secured: (PeerCertificateFacts | undefined)[] = []
const failed: string[] = []

function use(material: TlsMaterial, handshakeMs = 5000): void {
  acceptor = new TlsAcceptor(material, {
    handshakeMs,
    onSecure(socket, certificate) {
      secured.push(certificate)
      socket.on('error', () => undefined)
      socket.on('data', (chunk: Buffer) => socket.write(chunk))
      socket.write(`hello ${certificate?.commonName ?? 'nobody'}`)
    },
    onFailed: (reason) => failed.push(reason),
  })
}

beforeAll(async () => {
  server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => {
    open++
    onceClosed(socket, () => open--)
    acceptor.accept(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterAll(() => server.close())
beforeEach(() => {
  secured.length = 0
  failed.length = 0
})

const where = (): { port: number; host: string } => ({
  port: (server.address() as { port: number }).port,
  host: '127.0.0.1',
})

/** What a client is told: the greeting, or how it was refused. */
function greeting(options: ConnectionOptions): Promise<string> {
  return new Promise((resolve) => {
    const client = connect({ ...where(), ca: authority.cert, servername: 'localhost', ...options })
    client.on('data', (chunk: Buffer) => {
      resolve(chunk.toString())
      client.destroy()
    })
    client.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    client.on('close', () => resolve('closed'))
  })
}

function as({ cert, key }: { cert: string; key: string }): ConnectionOptions {
  return { cert, key }
}

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'a client with a certificate of ours is let in, and is known by it: %s',
  async (version) => {
    use(materialOf())
    expect(await greeting({ ...as(alice), minVersion: version, maxVersion: version })).toBe('hello alice')
    expect(secured).toEqual([
      {
        commonName: 'alice',
        subjectAltName: 'URI:spiffe://example/alice, DNS:alice.example',
        fingerprint256: expect.stringMatching(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/),
      },
    ])
    await expect.poll(() => open).toBe(0)
  },
)

test('without a certificate, or with one that a stranger has signed, nobody is let in', async () => {
  use(materialOf())
  expect(await greeting({})).not.toMatch(/^hello/)
  expect(await greeting(as(mallory))).not.toMatch(/^hello/)
  await expect.poll(() => failed.length).toBe(2)
  expect(failed[0]).toBe('ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE')
  expect(failed[1]).toMatch(/^certificate refused: \w+/)
  expect(secured).toEqual([])
  await expect.poll(() => open).toBe(0)
})

test('where certificates are optional, none is let in as nobody, and a bad one is refused', async () => {
  use(materialOf({ clientCertificates: 'optional' }))
  expect(await greeting({})).toBe('hello nobody')
  expect(await greeting(as(alice))).toBe('hello alice')
  expect(await greeting(as(mallory))).not.toMatch(/^hello/)
  expect(failed).toEqual([expect.stringMatching(/^certificate refused: /)])
  expect(secured.map((one) => one?.commonName)).toEqual([undefined, 'alice'])
})

test('where certificates are off, none is asked for', async () => {
  use(materialOf({ clientCertificates: 'no', ca: undefined }))
  expect(await greeting(as(alice))).toBe('hello nobody')
})

test('bytes pass both ways, many at a time', async () => {
  use(materialOf())
  const client: TLSSocket = connect({ ...where(), ...as(alice), ca: authority.cert, servername: 'localhost' })
  const sent = Buffer.alloc(1_000_000, 'abcdefg')
  const chunks: Buffer[] = []
  client.write(sent)
  await new Promise<void>((resolve) => {
    let count = 0
    client.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      count += chunk.length
      if (count === sent.length + 'hello alice'.length) resolve()
    })
  })
  expect(Buffer.concat(chunks).subarray('hello alice'.length).equals(sent)).toBe(true)
  client.destroy()
  await expect.poll(() => open).toBe(0)
})

test('versions and ciphers that are not offered are refused', async () => {
  use(materialOf({ minVersion: 'TLSv1.3' }))
  expect(await greeting({ ...as(alice), maxVersion: 'TLSv1.2' })).toMatch(/^ERR_SSL/)
  await expect.poll(() => failed.length).toBe(1)
})

test('who says nothing, or no TLS, is closed: the one in time, the other at once', async () => {
  use(materialOf(), 50)
  const silent: Socket = connectPlain(where())
  silent.on('error', () => undefined)
  await new Promise((resolve) => silent.on('close', resolve))
  expect(failed).toEqual(['ERR_TLS_HANDSHAKE_TIMEOUT'])
  use(materialOf())
  const plain: Socket = connectPlain(where())
  plain.on('error', () => undefined)
  plain.write('PING\r\n')
  plain.resume()
  await new Promise((resolve) => plain.on('close', resolve))
  await expect.poll(() => failed.length).toBe(2)
  expect(failed[1]).toMatch(/^ERR_SSL/)
  const gone: Socket = connectPlain(where(), () => gone.destroy())
  await expect.poll(() => failed.length).toBe(3)
  expect(failed[2]).toBe('closed during the handshake')
  await expect.poll(() => open).toBe(0)
})

test('new material is for the next connections, and those that exist go on', async () => {
  use(materialOf())
  const fingerprintOf = (client: TLSSocket): string => client.getPeerCertificate().fingerprint256
  const connected = (): Promise<TLSSocket> =>
    new Promise((resolve) => {
      const client: TLSSocket = connect(
        { ...where(), ...as(alice), ca: authority.cert, servername: 'localhost' },
        () => resolve(client),
      )
    })
  const first = await connected()
  const renewed = makeCertificate({ commonName: 'server', issuer: authority, names: ['DNS:localhost'] })
  acceptor.replace(materialOf({ cert: renewed.cert, key: renewed.key }))
  const second = await connected()
  expect(fingerprintOf(second)).not.toBe(fingerprintOf(first))
  const texts: string[] = []
  first.on('data', (chunk: Buffer) => texts.push(chunk.toString()))
  first.write('still here')
  await expect.poll(() => texts.join('')).toContain('still here')
  first.destroy()
  second.destroy()
})
