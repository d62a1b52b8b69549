/**
 * Passwords: kept as SHA-256 in hexadecimal, as Redis keeps them, and compared in constant time.
 *
 * A slow hash would be better for passwords that people choose; it is not used, since files and rules of
 * Redis hold SHA-256, and since AUTH would become a way to keep a thread busy. So: long, random passwords
 * (`ACL GENPASS`), and a limit on attempts outside.
 *
 * Invariants: (1) nothing keeps a password; what is given is hashed and forgotten. (2) How long a comparison
 * takes depends on how many passwords a user has, and on nothing that a stranger could learn from: neither on
 * which one matched, nor on whether the user exists.
 * Cost: some 2 µs.
 * Tests: test/server/acl/password.test.ts
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Argument, ByteString } from '../../keyspace/engine/index.ts'

const HASH = /^[0-9a-f]{64}$/
/** Compared with where there is nothing to compare with. */
const OF_NOBODY: readonly string[] = ['0'.repeat(64)]

/** How a password is kept. */
export function hashOfPassword(password: Argument): string {
  return digestOf(password).toString('hex')
}

/** Whether text is what `hashOfPassword` makes. */
export function isPasswordHash(text: ByteString): boolean {
  return HASH.test(text)
}

/** Whether one of these is the hash of a password. All are looked at. */
export function isOneOf(hashes: readonly string[], password: Argument): boolean {
  const given = digestOf(password)
  let found = false
  for (const hash of hashes.length === 0 ? OF_NOBODY : hashes) {
    // The comparison stands first: it is made also when one has matched.
    found = timingSafeEqual(given, Buffer.from(hash, 'hex')) || found
  }
  return found && hashes.length > 0
}

function digestOf(password: Argument): Buffer {
  const hash = createHash('sha256')
  return (typeof password === 'string' ? hash.update(password, 'latin1') : hash.update(password)).digest()
}
