import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { hashOfPassword, isOneOf, isPasswordHash } from '../../../src/server/acl/password.ts'

describe('passwords', () => {
  test('are kept as the SHA-256 of their bytes, however they came', () => {
    const bytes = Buffer.from('pä\xff\0w', 'latin1')
    const hash = createHash('sha256').update(bytes).digest('hex')
    expect(hashOfPassword(bytes.toString('latin1'))).toBe(hash)
    expect(hashOfPassword(new Uint8Array(bytes))).toBe(hash)
    expect(isPasswordHash(hash)).toBe(true)
  })

  test('a hash has 64 digits, in lower case', () => {
    const hash = hashOfPassword('x')
    for (const wrong of [
      hash.slice(1),
      `${hash}0`,
      hash.toUpperCase(),
      `${hash}\n`,
      `${hash.slice(1)}g`,
      '',
    ]) {
      expect(isPasswordHash(wrong)).toBe(false)
    }
  })

  test('any one of several will do', () => {
    const hashes = ['a', 'b', 'c'].map(hashOfPassword)
    for (const password of ['a', 'b', 'c']) expect(isOneOf(hashes, password)).toBe(true)
    for (const password of ['', 'd', hashes[0]!]) expect(isOneOf(hashes, password)).toBe(false)
  })

  test('where there is none, none is right', () => {
    expect(isOneOf([], '')).toBe(false)
    expect(isOneOf([], '0'.repeat(64))).toBe(false)
  })
})
