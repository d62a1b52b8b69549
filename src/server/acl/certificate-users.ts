/**
 * Which user a client's certificate stands for.
 *
 * Two ways, the closer first: `tls-auth-clients-map`, which names certificates by fingerprint, alternative
 * name or common name;
 * and `tls-auth-clients-user CN`, by which the common name is the user's name, as in later Redis. A
 * certificate that says nothing clearly (two common names, a name that is quoted) stands for nobody.
 *
 * What is asked here must have been verified before: a certificate is whatever its client wrote.
 *
 * Tests: test/server/acl/certificate-users.test.ts
 */
import { type ByteString, bytesOfText } from '../../keyspace/engine/index.ts'

/** What of a verified certificate is looked at, as Node gives it. */
export interface ClientCertificate {
  /** `subject.CN`: several, where the certificate has several. */
  readonly commonName?: string | readonly string[] | undefined
  /** `subjectaltname`: `DNS:a.example, URI:spiffe://b`. */
  readonly subjectAltName?: string | undefined
  /** `fingerprint256`: `AB:CD:…`. */
  readonly fingerprint256?: string | undefined
}

/** How certificates become users. */
export interface CertificateUsersOptions {
  /** `tls-auth-clients-user`: whether the common name is a user's name. */
  readonly clientsUser?: 'off' | 'CN'
  /**
   * `tls-auth-clients-map`: a certificate, its user, the next certificate, and so on. A certificate is
   * `SHA256:AB:CD…` or bare hexadecimal for a fingerprint, `CN:name`, or an alternative name as it stands
   * there: `DNS:name`, `URI:…`, `email:…`.
   */
  readonly users?: readonly string[]
}

const FINGERPRINT = /^(?:SHA256:)?((?:[0-9a-f]{2}:?){32})$/i

/** The names of users, by certificate. */
export class CertificateUsers {
  readonly #isByCommonName: boolean
  readonly #users = new Map<string, ByteString>()

  constructor({ clientsUser = 'off', users = [] }: CertificateUsersOptions = {}) {
    this.#isByCommonName = clientsUser === 'CN'
    for (let i = 0; i + 1 < users.length; i += 2) {
      this.#users.set(keyOf(users[i]!), bytesOfText(users[i + 1]!))
    }
  }

  /** Whether no certificate stands for anybody. */
  get isEmpty(): boolean {
    return !this.#isByCommonName && this.#users.size === 0
  }

  /** The name of the user; undefined: the certificate stands for none. */
  nameOf({ commonName, subjectAltName, fingerprint256 }: ClientCertificate): ByteString | undefined {
    const common = typeof commonName === 'string' && commonName !== '' ? commonName : undefined
    const names = [
      ...(fingerprint256 === undefined ? [] : [keyOf(fingerprint256)]),
      ...alternativeNames(subjectAltName),
      ...(common === undefined ? [] : [`CN:${common}`]),
    ]
    for (const name of names) {
      const user = this.#users.get(name)
      if (user !== undefined) return user
    }
    return this.#isByCommonName && common !== undefined ? bytesOfText(common) : undefined
  }
}

/** Fingerprints in one spelling, names as they are. */
function keyOf(certificate: string): string {
  const fingerprint = FINGERPRINT.exec(certificate)?.[1]
  return fingerprint === undefined ? certificate : fingerprint.replaceAll(':', '').toLowerCase()
}

/** Names in quotation marks hold what would look like further names: they are left out. */
function alternativeNames(text: string | undefined): readonly string[] {
  if (text === undefined) return []
  const withoutQuoted = text.replace(/[^,"]*"(?:[^"\\]|\\.)*"/g, '')
  return withoutQuoted.split(', ').filter((name) => name.includes(':'))
}
