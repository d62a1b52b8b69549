/**
 * Which ciphers TLS may use: those for 1.2 and the suites of 1.3 are two lists in Redis and in OpenSSL, and
 * one in Node.
 *
 * Node sorts the words of its list by how they begin, so that a word in the wrong one would be taken for the
 * other kind, or silently for none. OpenSSL itself passes over a word that it does not know, as long as it
 * knows another. A suite is a name and nothing else: one that is unknown is an error, since whoever restricts
 * suites must not get the default. Ciphers are expressions, which may well leave out what is not there
 * (`!RC4`): a plain name that is unknown is warned about.
 *
 * Tests: test/server/listen/tls-files.test.ts
 * Source: openssl-ciphers(1), "CIPHER LIST FORMAT".
 */
import { createSecureContext, DEFAULT_CIPHERS } from 'node:tls'
import { unusable } from './tls-unusable.ts'

/** What to compare with. */
export const CIPHERS_HINT = 'compare with: openssl ciphers -v'

/** See `TlsSettings`. */
interface CipherSettings {
  readonly ciphers?: string
  readonly cipherSuites?: string
}

/** The list for Node; what is only to be warned about is added to `warnings`. @throws SHL_TLS_UNUSABLE */
export function ciphersOf({ ciphers = '', cipherSuites = '' }: CipherSettings, warnings: string[]): string {
  const defaults = DEFAULT_CIPHERS.split(':')
  const suites = cipherSuites === '' ? defaults.filter(isSuite) : suitesOf(cipherSuites)
  const older = ciphers === '' ? defaults.filter((name) => !isSuite(name)) : olderOf(ciphers, warnings)
  return [...suites, ...older].join(':')
}

/** Node's own way of telling them apart. */
function isSuite(name: string): boolean {
  return name.startsWith('TLS_')
}

function suitesOf(list: string): string[] {
  const option = 'tls-ciphersuites'
  const words = wordsOf(list, ':')
  const unknown = words.find((word) => !isSuite(word) || !isTaken(word))
  if (unknown === undefined && words.length > 0) return words
  throw unusable(option, list, `TLS 1.3 has no suite ${unknown ?? list}`, CIPHERS_HINT)
}

function olderOf(list: string, warnings: string[]): string[] {
  const option = 'tls-ciphers'
  const words = wordsOf(list, /[:, ;]/)
  const suite = words.find(isSuite)
  if (suite !== undefined) throw unusable(option, list, `${suite} is for tls-ciphersuites`, CIPHERS_HINT)
  // What begins with an operator is about those that are there.
  const unknown = words.filter((word) => !/^[-+!@]/.test(word) && !isTaken(word))
  if (unknown.length === words.length) {
    throw unusable(option, list, 'OpenSSL knows none of them', CIPHERS_HINT)
  }
  if (unknown.length > 0) warnings.push(`${option}: OpenSSL knows no ${unknown.join(', ')}: left out`)
  return words
}

function wordsOf(list: string, separator: string | RegExp): string[] {
  return list
    .split(separator)
    .map((word) => word.trim())
    .filter((word) => word !== '')
}

/** Whether OpenSSL knows it, alone. */
function isTaken(word: string): boolean {
  try {
    createSecureContext({ ciphers: word })
    return true
  } catch {
    return false
  }
}
