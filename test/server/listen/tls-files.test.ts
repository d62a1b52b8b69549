/** Files of TLS: what is wrong with them is said by name, and no secret is. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import { afterAll, expect, test } from 'vitest'
import { readTlsFiles, type TlsSettings } from '../../../src/server/listen/tls-files.ts'
import { encryptedKey, makeCertificate } from '../../support/certificates.ts'

const folder = mkdtempSync(join(tmpdir(), 'shl-tls-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const PASSPHRASE = 'correct horse battery'
const authority = makeCertificate({ commonName: 'Test CA', isAuthority: true })
const server = makeCertificate({ commonName: 'server', issuer: authority, names: ['DNS:localhost'] })
const other = makeCertificate({ commonName: 'other', issuer: authority })

function put(name: string, text: string | Buffer, mode = 0o600): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  chmodSync(file, mode)
  return file
}

const certFile = put('server.crt', server.cert)
const keyFile = put('server.key', server.key)
const caFile = put('ca.crt', authority.cert)
const damaged = server.key.replace(/\n.{20}/, '\nAAAAAAAAAAAAAAAAAAAA')

function read(settings: Partial<TlsSettings>): ReturnType<typeof readTlsFiles> {
  return readTlsFiles({ certFile, keyFile, caFile, ...settings })
}

test('what is right is read, and said again without secrets', () => {
  const { material, report } = read({ certFile: put('chain.crt', server.cert + authority.cert) })
  expect(material).toMatchObject({
    clientCertificates: 'yes',
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    honorCipherOrder: false,
    passphrase: undefined,
  })
  expect(report).toMatchObject({ subject: 'CN=server', warnings: [] })
  expect(report.fingerprint256).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/)
  expect(report.expiresWallMs).toBeGreaterThan(Date.now())
  expect(JSON.stringify(report)).not.toContain('PRIVATE')
  expect(structuredClone(material)).toEqual(material)
})

test.each<[string, Partial<TlsSettings>, string]>([
  ['no certificate', { certFile: '' }, 'tls-cert-file=-: it is not set; TLS needs it: set tls-cert-file'],
  [
    'a missing file',
    { certFile: '/no/such/file' },
    'tls-cert-file=/no/such/file: there is no such file (ENOENT)',
  ],
  ['a folder', { keyFile: folder }, 'it is a folder (EISDIR)'],
  ['a key in place of the certificate', { certFile: keyFile }, 'it holds no certificate in PEM'],
  ['a certificate in place of the key', { keyFile: certFile }, 'it holds no private key in PEM'],
  ['DER', { certFile: put('der.crt', Buffer.of(0x30, 0x82, 1, 2)) }, 'it holds no certificate in PEM'],
  [
    'a damaged certificate',
    { certFile: put('bad.crt', server.cert.replace(/\n.{30}/, '\n')) },
    'certificate 1 of 1 is damaged',
  ],
  ['a damaged key', { keyFile: put('bad.key', damaged) }, 'the key is damaged'],
  [
    'a key of another certificate',
    { keyFile: put('other.key', other.key) },
    'the key belongs to another certificate',
  ],
  [
    'no passphrase',
    { keyFile: put('enc.key', encryptedKey(server, PASSPHRASE)) },
    'it is encrypted, and no passphrase is given',
  ],
  [
    'a wrong passphrase',
    { keyFile: join(folder, 'enc.key'), keyPassphrase: 'wrong horse' },
    'the passphrase does not fit',
  ],
  ['a file of a CA without any', { caFile: keyFile }, 'tls-ca-cert-file='],
  ['a folder of CAs that is none', { caDir: certFile }, 'it is no folder (ENOTDIR)'],
  [
    'certificates asked for, and nobody who signs them',
    { caFile: '' },
    'tls-auth-clients=yes: nobody is known who signs them',
  ],
  [
    'a version that is none',
    { protocols: ['TLSv1.2', 'SSLv3'] },
    'tls-protocols=SSLv3: it is no version; choose of: TLSv1',
  ],
  ['a gap between versions', { protocols: ['TLSv1.1', 'TLSv1.3'] }, 'a version between others is missing'],
  ['ciphers that are none', { ciphers: 'NO-SUCH-CIPHER' }, 'tls-ciphers=NO-SUCH-CIPHER: OpenSSL knows none'],
  ['suites that are none', { cipherSuites: 'TLS_NO_SUCH_SUITE' }, 'tls-ciphersuites=TLS_NO_SUCH_SUITE'],
  [
    'a suite that does not begin as one',
    { cipherSuites: 'NOPE' },
    '=NOPE: TLS 1.3 has no suite NOPE; compare',
  ],
  [
    'a cipher among the suites',
    { cipherSuites: 'TLS_AES_128_GCM_SHA256:ECDHE-RSA-AES128-SHA' },
    'TLS 1.3 has no suite ECDHE-RSA-AES128-SHA;',
  ],
  [
    'a suite that is none among others',
    { cipherSuites: 'TLS_AES_128_GCM_SHA256:TLS_NOPE' },
    'TLS 1.3 has no suite TLS_NOPE;',
  ],
  ['no suite at all', { cipherSuites: ':' }, 'tls-ciphersuites=:: TLS 1.3 has no suite'],
  [
    'a suite among the ciphers',
    { ciphers: 'AES128-SHA:TLS_AES_128_GCM_SHA256' },
    'TLS_AES_128_GCM_SHA256 is for tls-ciphersuites',
  ],
  ['a rule that is none', { ciphers: 'HIGH:@NOPE' }, 'tls-ciphers=HIGH:@NOPE: OpenSSL does not take them'],
  ['what leaves out and names none', { ciphers: '!RC4' }, 'tls-ciphers=!RC4: OpenSSL does not take them'],
])('%s is refused by name', (_, settings, text) => {
  let message = ''
  try {
    read(settings)
  } catch (error) {
    const { code } = error as { code: string }
    expect(code).toBe('SHL_TLS_UNUSABLE')
    message = String((error as Error).stack) + JSON.stringify(error)
  }
  expect(message).toContain(text)
  for (const secret of [PASSPHRASE, 'wrong horse', server.key.slice(60, 90)]) {
    expect(message).not.toContain(secret)
  }
})

test('an encrypted key is used with its passphrase', () => {
  const { material } = read({
    keyFile: put('enc2.key', encryptedKey(server, PASSPHRASE)),
    keyPassphrase: PASSPHRASE,
  })
  const { cert, key, passphrase } = material
  expect(() => createSecureContext({ cert, key, passphrase })).not.toThrow()
})

test('a key that everybody can read, and times that are not right, are warned about', () => {
  const old = makeCertificate({ commonName: 'old', days: [-10, -1] })
  const soon = makeCertificate({ commonName: 'soon', days: [-10, 5] })
  const early = makeCertificate({ commonName: 'early', days: [3, 300] })
  const warningsOf = (name: string, { cert, key }: { cert: string; key: string }, mode = 0o600): string =>
    read({
      certFile: put(`${name}.crt`, cert),
      keyFile: put(`${name}.key`, key, mode),
    }).report.warnings.join()
  expect(warningsOf('open', server, 0o644)).toMatch(/open\.key can be read by every user: chmod 600$/)
  expect(warningsOf('group', server, 0o640)).toBe('')
  expect(warningsOf('old', old)).toContain('has expired')
  expect(warningsOf('soon', soon)).toContain('expires soon')
  expect(warningsOf('early', early)).toContain('is not valid before')
})

test('a folder of CAs is read, whatever else lies there', () => {
  const caDir = join(folder, 'authorities')
  mkdirSync(join(caDir, 'sub'), { recursive: true })
  expect(() => read({ caFile: '', caDir })).toThrow('no file in it holds a certificate')
  put('authorities/a.pem', authority.cert)
  put('authorities/notes.txt', 'nothing')
  expect(read({ caFile: '', caDir }).material.ca).toEqual([authority.cert])
  expect(read({ caDir }).material.ca).toHaveLength(2)
  expect(read({ caFile: '', clientCertificates: 'no' }).material.ca).toBeUndefined()
})

test('ciphers of one kind leave those of the other as they are', () => {
  const { ciphers } = read({ ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }).material
  expect(ciphers).toContain('TLS_AES_256_GCM_SHA384')
  expect(ciphers).toMatch(/:ECDHE-ECDSA-AES128-GCM-SHA256$/)
  const suites = read({ cipherSuites: 'TLS_AES_128_GCM_SHA256' }).material.ciphers
  expect(suites).toMatch(/^TLS_AES_128_GCM_SHA256:ECDHE/)
  expect(read({ cipherSuites: ' TLS_AES_128_GCM_SHA256 ::TLS_AES_256_GCM_SHA384' }).material.ciphers).toMatch(
    /^TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:ECDHE/,
  )
  expect(read({ protocols: ['tlsv1.3'] }).material).toMatchObject({
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
  })
})

test('a cipher that is unknown among others is left out, as in Redis, and warned about', () => {
  const { material, report } = read({ ciphers: 'ECDHE-RSA-AES128-SHA NOPE,HIGH:!RC4:@STRENGTH' })
  expect(material.ciphers).toMatch(/:ECDHE-RSA-AES128-SHA:NOPE:HIGH:!RC4:@STRENGTH$/)
  expect(report.warnings).toEqual(['tls-ciphers: OpenSSL knows no NOPE: left out'])
  expect(read({ ciphers: 'HIGH:!NOPE:-RC4:+SHA1' }).report.warnings).toEqual([])
})
