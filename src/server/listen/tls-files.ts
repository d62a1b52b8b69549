/**
 * Reads what TLS needs from files, and says what is wrong with them.
 *
 * The main thread reads and checks, and the threads get the texts: so all of them use the same certificate,
 * also while a file is replaced. What is wrong is found here, one thing at a time and by the name of its
 * parameter, since OpenSSL would say `error:0480006C` of any of them. No error carries a passphrase or a line
 * of a key.
 *
 * Tests: test/server/listen/tls-files.test.ts
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createSecureContext, type SecureVersion } from 'node:tls'
import { type Clock, type ShardloomError, systemClock } from '../../base/index.ts'
import { CIPHERS_HINT, ciphersOf } from './tls-ciphers.ts'
import { unusable } from './tls-unusable.ts'

/** Settings, by the names of parameters. */
export interface TlsSettings {
  /** `tls-cert-file`: PEM, the certificate of the server first, then those between it and its CA. */
  readonly certFile: string
  /** `tls-key-file`: PEM. */
  readonly keyFile: string
  /** `tls-key-file-pass`; empty: none. */
  readonly keyPassphrase?: string
  /** `tls-ca-cert-file`: who signs certificates of clients, PEM; empty: none. */
  readonly caFile?: string
  /** `tls-ca-cert-dir`: a folder of such files; empty: none. */
  readonly caDir?: string
  /** `tls-auth-clients`. Default: `yes`, as in Redis. */
  readonly clientCertificates?: 'no' | 'optional' | 'yes'
  /** `tls-protocols`, as `TLSv1.2`. Default: 1.2 and 1.3. */
  readonly protocols?: readonly string[]
  /** `tls-ciphers`, for TLS 1.2; empty: those of Node. */
  readonly ciphers?: string
  /** `tls-ciphersuites`, for TLS 1.3; empty: those of Node. */
  readonly cipherSuites?: string
  /** `tls-prefer-server-ciphers`. Default: no. */
  readonly preferServerCiphers?: boolean
}

/** What the threads get: plain data. It holds secrets: never log it. */
export interface TlsMaterial {
  readonly cert: string
  readonly key: string
  readonly passphrase: string | undefined
  readonly ca: readonly string[] | undefined
  readonly clientCertificates: 'no' | 'optional' | 'yes'
  readonly minVersion: SecureVersion
  readonly maxVersion: SecureVersion
  readonly ciphers: string
  readonly honorCipherOrder: boolean
}

/** What was found, for the log and for INFO; and what should be mended. */
export interface TlsReport {
  readonly subject: string
  readonly fingerprint256: string
  readonly expiresWallMs: number
  readonly warnings: readonly string[]
}

const VERSIONS: readonly SecureVersion[] = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']
const DEFAULT_VERSIONS = ['TLSv1.2', 'TLSv1.3']
const CERTIFICATES = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g
/** A certificate that ends within this time is warned about. */
const SOON_MS = 14 * 24 * 3600 * 1000
const READABLE_BY_OTHERS = 0o004

/**
 * Reads and checks everything.
 *
 * @throws SHL_TLS_UNUSABLE with the parameter, the file, what is wrong, and what to do
 */
export function readTlsFiles(
  settings: TlsSettings,
  { clock = systemClock() }: { readonly clock?: Clock } = {},
): { readonly material: TlsMaterial; readonly report: TlsReport } {
  const { keyPassphrase = '', clientCertificates = 'yes' } = settings
  const warnings: string[] = []
  const cert = readNamed('tls-cert-file', settings.certFile)
  const certificate = parseCertificates('tls-cert-file', settings.certFile, cert)[0] as X509Certificate
  const key = readNamed('tls-key-file', settings.keyFile)
  const parsedKey = parseKey(settings.keyFile, key, keyPassphrase)
  if (!certificate.checkPrivateKey(parsedKey)) {
    const hint = 'give the key that belongs to the first certificate of tls-cert-file'
    throw unusable('tls-key-file', settings.keyFile, 'the key belongs to another certificate', hint)
  }
  if (((statSync(settings.keyFile, { throwIfNoEntry: false })?.mode ?? 0) & READABLE_BY_OTHERS) !== 0) {
    warnings.push(`tls-key-file=${settings.keyFile} can be read by every user: chmod 600`)
  }
  const expiresWallMs = checkTimes(settings.certFile, certificate, clock, warnings)
  const ca = readAuthorities(settings)
  if (clientCertificates !== 'no' && ca === undefined) {
    const hint = 'give tls-ca-cert-file or tls-ca-cert-dir, or set tls-auth-clients no'
    throw unusable('tls-auth-clients', clientCertificates, 'nobody is known who signs them', hint)
  }
  const material: TlsMaterial = {
    cert,
    key,
    passphrase: keyPassphrase === '' ? undefined : keyPassphrase,
    ca,
    clientCertificates,
    ...versionsOf(settings.protocols ?? []),
    ciphers: ciphersOf(settings, warnings),
    honorCipherOrder: settings.preferServerCiphers ?? false,
  }
  checkContext(settings, material)
  const subject = certificate.subject.replaceAll('\n', ', ')
  const { fingerprint256 } = certificate
  return { material, report: { subject, fingerprint256, expiresWallMs, warnings } }
}

function readNamed(option: string, file: string): string {
  if (file === '') throw unusable(option, '-', 'it is not set', `TLS needs it: set ${option}`)
  try {
    return readFileSync(file, 'latin1')
  } catch (error) {
    throw unreadable(option, file, error)
  }
}

function parseCertificates(option: string, file: string, text: string): X509Certificate[] {
  const blocks = text.match(CERTIFICATES) ?? []
  const hint = 'it begins with -----BEGIN CERTIFICATE-----; from DER: openssl x509 -inform der'
  if (blocks.length === 0) throw unusable(option, file, 'it holds no certificate in PEM', hint)
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block)
    } catch {
      throw unusable(option, file, `certificate ${index + 1} of ${blocks.length} is damaged`, hint)
    }
  })
}

/** OpenSSL's own words are left out: some of its errors quote what they have read. */
function parseKey(file: string, text: string, passphrase: string): KeyObject {
  const option = 'tls-key-file'
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    const hint = 'it begins with -----BEGIN PRIVATE KEY-----; from DER: openssl pkey -inform der'
    throw unusable(option, file, 'it holds no private key in PEM', hint)
  }
  const isEncrypted = text.includes('ENCRYPTED')
  if (isEncrypted && passphrase === '') {
    const hint = 'set tls-key-file-pass, or store the key without: openssl pkey'
    throw unusable(option, file, 'it is encrypted, and no passphrase is given', hint)
  }
  try {
    return createPrivateKey({ key: text, ...(isEncrypted ? { passphrase } : {}) })
  } catch {
    if (!isEncrypted) throw unusable(option, file, 'the key is damaged', 'compare with: openssl pkey -check')
    throw unusable(
      option,
      file,
      'the passphrase does not fit, or the key is damaged',
      'check tls-key-file-pass',
    )
  }
}

function checkTimes(file: string, certificate: X509Certificate, clock: Clock, warnings: string[]): number {
  const nowMs = clock.wallMs()
  const fromMs = Date.parse(certificate.validFrom)
  const expiresWallMs = Date.parse(certificate.validTo)
  if (fromMs > nowMs) warnings.push(`tls-cert-file=${file} is not valid before ${certificate.validFrom}`)
  if (expiresWallMs < nowMs) warnings.push(`tls-cert-file=${file} has expired: ${certificate.validTo}`)
  else if (expiresWallMs - nowMs < SOON_MS) {
    warnings.push(`tls-cert-file=${file} expires soon: ${certificate.validTo}`)
  }
  return expiresWallMs
}

/** All certificates of the file and of the folder; undefined when neither is set. */
function readAuthorities({ caFile = '', caDir = '' }: TlsSettings): string[] | undefined {
  if (caFile === '' && caDir === '') return undefined
  const ca: string[] = []
  if (caFile !== '') {
    const text = readNamed('tls-ca-cert-file', caFile)
    parseCertificates('tls-ca-cert-file', caFile, text)
    ca.push(text)
  }
  if (caDir !== '') ca.push(...readFolder(caDir))
  return ca
}

/** Files of a folder that hold certificates; others, such as lists of revoked ones, are passed over. */
function readFolder(folder: string): string[] {
  const option = 'tls-ca-cert-dir'
  let names: string[]
  try {
    names = readdirSync(folder).sort()
  } catch (error) {
    throw unreadable(option, folder, error)
  }
  const found: string[] = []
  for (const name of names) {
    const file = join(folder, name)
    if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) continue
    const text = readNamed(option, file)
    if (text.match(CERTIFICATES) === null) continue
    parseCertificates(option, file, text)
    found.push(text)
  }
  if (found.length === 0) {
    throw unusable(option, folder, 'no file in it holds a certificate in PEM', 'put the CA there')
  }
  return found
}

/** The least and the greatest version; a gap cannot be expressed. */
function versionsOf(protocols: readonly string[]): Pick<TlsMaterial, 'minVersion' | 'maxVersion'> {
  const option = 'tls-protocols'
  const wanted = protocols.length === 0 ? DEFAULT_VERSIONS : protocols
  const places = wanted.map((name) => {
    const place = VERSIONS.findIndex((version) => version.toLowerCase() === name.toLowerCase())
    if (place >= 0) return place
    throw unusable(option, name, 'it is no version', `choose of: ${VERSIONS.join(' ')}`)
  })
  const min = Math.min(...places)
  const max = Math.max(...places)
  if (new Set(places).size !== max - min + 1) {
    throw unusable(option, wanted.join(' '), 'a version between others is missing', 'give all between them')
  }
  return { minVersion: VERSIONS[min] as SecureVersion, maxVersion: VERSIONS[max] as SecureVersion }
}

/** Whether OpenSSL takes all of it together. */
function checkContext(settings: TlsSettings, material: TlsMaterial): void {
  const { cert, key, passphrase } = material
  const { minVersion, maxVersion, ciphers } = material
  try {
    createSecureContext({ minVersion, maxVersion, ciphers })
  } catch {
    throw unusable('tls-ciphers', settings.ciphers ?? '', 'OpenSSL does not take them', CIPHERS_HINT)
  }
  try {
    createSecureContext({ cert, key, passphrase, ca: material.ca?.slice() })
  } catch (error) {
    // A code as ERR_OSSL_X509_..._TOO_SMALL: the words of OpenSSL's errors may quote what was read.
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
    const hint = 'a key of 2048 bits (RSA) or 256 bits (EC), signed with SHA-256, is taken'
    throw unusable('tls-cert-file', settings.certFile, `OpenSSL refuses it: ${code}`, hint)
  }
}

function unreadable(option: string, file: string, error: unknown): ShardloomError {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
  const reasons: Record<string, string> = {
    ENOENT: 'there is no such file',
    EACCES: 'this user may not read it',
    EISDIR: 'it is a folder',
    ENOTDIR: 'it is no folder',
  }
  return unusable(
    option,
    file,
    `${reasons[code] ?? 'it cannot be read'} (${code})`,
    'check the path and its mode',
  )
}
