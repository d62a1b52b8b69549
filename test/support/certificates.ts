/**
 * Certificates for tests, made anew by each run: no program is needed, and none expires in the repository.
 *
 * X.509 is a tree of tag, length and value (DER), and a signature over it. This writes the few kinds that a
 * server, a client and their authority need, with keys of the curve P-256.
 */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

/** A certificate and its key, both PEM. */
export interface TestCertificate {
  readonly cert: string
  readonly key: string
  readonly commonName: string
  readonly privateKey: KeyObject
}

export interface CertificateRequest {
  readonly commonName: string
  /** Who signs. Default: itself. */
  readonly issuer?: TestCertificate
  readonly isAuthority?: boolean
  /** Alternative names: `DNS:localhost`, `URI:spiffe://a/b`, `IP:127.0.0.1`. */
  readonly names?: readonly string[]
  /** Days from now, from and to. Default: yesterday, and in a year. */
  readonly days?: readonly [from: number, to: number]
}

const DAY_MS = 24 * 3600 * 1000
const ECDSA_SHA256 = sequence(oid('1.2.840.10045.4.3.2'))

/** Makes a certificate and its key. */
export function makeCertificate(request: CertificateRequest): TestCertificate {
  const { commonName, issuer, isAuthority = false, names = [], days = [-1, 365] } = request
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const extensions = [
    extension('2.5.29.19', true, sequence(...(isAuthority ? [tagged(0x01, Buffer.of(0xff))] : []))),
    ...(names.length === 0 ? [] : [extension('2.5.29.17', false, sequence(...names.map(generalName)))]),
  ]
  const body = sequence(
    tagged(0xa0, integer(2)),
    tagged(0x02, Buffer.concat([Buffer.of(1), randomBytes(15)])),
    ECDSA_SHA256,
    distinguishedName(issuer?.commonName ?? commonName),
    sequence(...days.map((day) => time(Date.now() + day * DAY_MS))),
    distinguishedName(commonName),
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...extensions)),
  )
  const signature = sign('sha256', body, issuer?.privateKey ?? privateKey)
  const der = sequence(body, ECDSA_SHA256, bits(signature))
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  return { cert: pem(der), key, commonName, privateKey }
}

/** The key of a certificate, encrypted. */
export function encryptedKey({ privateKey }: TestCertificate, passphrase: string): string {
  const cipher = 'aes-256-cbc'
  return privateKey.export({ type: 'pkcs8', format: 'pem', cipher, passphrase }) as string
}

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

function tagged(tag: number, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content)
  if (body.length < 0x80) return Buffer.concat([Buffer.of(tag, body.length), body])
  const length = Buffer.of(body.length >> 8, body.length & 0xff)
  return Buffer.concat([Buffer.of(tag, 0x82), length, body])
}

function sequence(...content: Buffer[]): Buffer {
  return tagged(0x30, ...content)
}

function integer(value: number): Buffer {
  return tagged(0x02, Buffer.of(value))
}

function bits(content: Buffer): Buffer {
  return tagged(0x03, Buffer.of(0), content)
}

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number)
  const bytes = [first * 40 + second]
  for (const arc of rest) {
    const groups = [arc & 0x7f]
    for (let left = arc >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80)
    bytes.push(...groups)
  }
  return tagged(0x06, Buffer.from(bytes))
}

function distinguishedName(commonName: string): Buffer {
  const text = tagged(0x0c, Buffer.from(commonName))
  return sequence(tagged(0x31, sequence(oid('2.5.4.3'), text)))
}

/** `20260131120000Z`: with four digits of the year, as from 2050 on. */
function time(ms: number): Buffer {
  const text = `${new Date(ms).toISOString().replace(/[-:T]|\.\d+Z/g, '')}Z`
  return tagged(0x18, Buffer.from(text))
}

function extension(id: string, isCritical: boolean, value: Buffer): Buffer {
  const critical = isCritical ? [tagged(0x01, Buffer.of(0xff))] : []
  return sequence(oid(id), ...critical, tagged(0x04, value))
}

function generalName(name: string): Buffer {
  const [kind, ...rest] = name.split(':')
  const value = rest.join(':')
  if (kind === 'DNS') return tagged(0x82, Buffer.from(value))
  if (kind === 'URI') return tagged(0x86, Buffer.from(value))
  return tagged(0x87, Buffer.from(value.split('.').map(Number)))
}
