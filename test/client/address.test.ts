import { expect, test } from 'vitest'
import { parseAddress } from '../../src/client/address.ts'

test('a URL says where the server is, and who asks', () => {
  const { address, options } = parseAddress('shardloom://ann:p%40ss@db.example:7000/3?timeoutMs=200&name=app')
  expect(address).toEqual({
    host: 'db.example',
    port: 7000,
    path: undefined,
    isTls: false,
    username: 'ann',
    password: 'p@ss',
    db: 3,
    shown: 'db.example:7000',
  })
  expect(options).toEqual({ timeoutMs: '200', name: 'app' })
})

test('everything but the host has a default', () => {
  const { address } = parseAddress('shardlooms://[::1]')
  expect(address).toMatchObject({ host: '::1', port: 6379, isTls: true, db: 0, shown: '[::1]:6379' })
  expect(address).toMatchObject({ username: undefined, password: undefined })
  expect(parseAddress('redis://h?db=4').address).toMatchObject({ isTls: false, db: 4 })
  expect(parseAddress('rediss://:secret@h').address).toMatchObject({ isTls: true, password: 'secret' })
})

test('a socket of the machine has a path', () => {
  const one = parseAddress('unix:/run/a%20b.sock?db=2').address
  expect(one).toMatchObject({ path: '/run/a b.sock', db: 2, shown: 'unix:/run/a b.sock' })
  const two = parseAddress('unix://ann:secret@/run/s.sock').address
  expect(two).toMatchObject({ path: '/run/s.sock', username: 'ann', password: 'secret', db: 0 })
})

test('an object of URL is taken as its text', () => {
  const text = 'redis://ann:p%40ss@db.example:7000/3?timeoutMs=200'
  expect(parseAddress(new URL(text))).toEqual(parseAddress(text))
  expect(parseAddress(new URL('shardloom://h')).address).toMatchObject({ host: 'h', port: 6379 })
  expect(parseAddress(new URL('unix:/run/s.sock?db=2')).address).toMatchObject({ path: '/run/s.sock', db: 2 })
})

test.each([
  'localhost:6379',
  'http://localhost',
  'shardloom://',
  'shardloom://h/abc',
  'shardloom://h/65536',
  'shardloom://h/-1',
  'unix:',
  'unix:relative.sock',
  'shardloom://h#x',
  'shardloom://%zz',
])('%s is refused', (url) => {
  expect(() => parseAddress(url)).toThrowError(/SHL_OPTION_INVALID|invalid option/)
})

test('a refusal does not show a password', () => {
  const failure = (url: string): string => {
    try {
      parseAddress(url)
      return ''
    } catch (error) {
      return String(error)
    }
  }
  expect(failure('http://ann:secret@host')).toMatch(/invalid option/)
  expect(failure('http://ann:secret@host')).not.toMatch(/secret/)
  expect(failure('unix://ann:sec/ret@x')).not.toMatch(/ret@/)
})
