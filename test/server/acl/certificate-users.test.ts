import { describe, expect, test } from 'vitest'
import { CertificateUsers } from '../../../src/server/acl/certificate-users.ts'
import { makeStore } from '../../support/acl/acl-lab.ts'

const FINGERPRINT = Array.from({ length: 32 }, (_, i) => (i + 160).toString(16).padStart(2, '0')).join(':')

describe('a certificate', () => {
  test('stands for nobody, unless it is said so', () => {
    const users = new CertificateUsers()
    expect(users.isEmpty).toBe(true)
    expect(users.nameOf({ commonName: 'alice' })).toBeUndefined()
  })

  test('stands for the user of its common name', () => {
    const users = new CertificateUsers({ clientsUser: 'CN' })
    expect(users.nameOf({ commonName: 'alice' })).toBe('alice')
    expect(users.nameOf({ commonName: 'é' })).toBe('\xc3\xa9')
    for (const commonName of [undefined, '', ['alice', 'bob']]) {
      expect(users.nameOf({ commonName })).toBeUndefined()
    }
  })

  test('stands for whom the map says, the closest name first', () => {
    const users = new CertificateUsers({
      clientsUser: 'CN',
      users: [
        ...[`SHA256:${FINGERPRINT.toUpperCase()}`, 'by-fingerprint'],
        ...['DNS:a.example', 'by-name'],
        ...['CN:carol', 'by-common-name'],
      ],
    })
    const certificate = { commonName: 'carol', subjectAltName: 'email:x@y, DNS:a.example' }
    expect(users.nameOf({ ...certificate, fingerprint256: FINGERPRINT })).toBe('by-fingerprint')
    expect(users.nameOf({ ...certificate, fingerprint256: 'AB' })).toBe('by-name')
    expect(users.nameOf({ commonName: 'carol' })).toBe('by-common-name')
    expect(users.nameOf({ commonName: 'dave' })).toBe('dave')
    const bare = new CertificateUsers({ users: [FINGERPRINT.replaceAll(':', ''), 'bare'] })
    expect(bare.nameOf({ fingerprint256: FINGERPRINT.toUpperCase() })).toBe('bare')
  })

  test('does not stand for whom a name within a name names', () => {
    const users = new CertificateUsers({ users: ['DNS:admin.example', 'admin'] })
    for (const subjectAltName of [
      'DNS:"x, DNS:admin.example"',
      'URI:"http://a/, DNS:admin.example, \\" DNS:b"',
    ]) {
      expect(users.nameOf({ subjectAltName })).toBeUndefined()
    }
    expect(users.nameOf({ subjectAltName: 'DNS:"x, y", DNS:admin.example' })).toBe('admin')
  })

  test('logs in only a user that there is and that is on', () => {
    const store = makeStore({ certificates: { clientsUser: 'CN' } })
    store.setUser('alice', ['on'])
    store.setUser('bob', ['off'])
    expect(store.userOfCertificate({ commonName: 'alice' })?.name).toBe('alice')
    expect(store.userOfCertificate({ commonName: 'bob' })).toBeUndefined()
    expect(store.userOfCertificate({ commonName: 'carol' })).toBeUndefined()
    expect(store.userOfCertificate({})).toBeUndefined()
  })
})
