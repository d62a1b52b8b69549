/** Words of `bind`, and how addresses are written. */
import { expect, test } from 'vitest'
import {
  addressText,
  hostOf,
  listenFailed,
  mayBeMissing,
  tcpAddresses,
} from '../../../src/server/listen/listen-address.ts'

test('a minus before an address says that it may be missing', () => {
  const [first, second] = tcpAddresses(['127.0.0.1', '-::1'], 6379, 511, 'tls')
  expect(first).toEqual({
    type: 'tcp',
    host: '127.0.0.1',
    port: 6379,
    backlog: 511,
    isOptional: false,
    label: 'tls',
  })
  expect(second).toMatchObject({ host: '::1', isOptional: true })
  expect(mayBeMissing(first!, 'EADDRNOTAVAIL')).toBe(false)
  expect(mayBeMissing(second!, 'EADDRNOTAVAIL')).toBe(true)
  expect(mayBeMissing(second!, 'EADDRINUSE')).toBe(false)
})

test('a family of addresses that the machine has not is passed over in any case', () => {
  const [address] = tcpAddresses(['::1'], 1, 1)
  expect(mayBeMissing(address!, 'EAFNOSUPPORT')).toBe(true)
  expect(mayBeMissing({ type: 'unix', path: '/x', backlog: 1 }, 'EAFNOSUPPORT')).toBe(false)
})

test('stars stand for all addresses of a family', () => {
  expect(['*', '::*', '::1', 'localhost'].map(hostOf)).toEqual(['0.0.0.0', '::', '::1', 'localhost'])
})

test('addresses are written as people write them', () => {
  const [v4, v6] = tcpAddresses(['127.0.0.1', '::1'], 6379, 511)
  expect([v4!, v6!].map(addressText)).toEqual(['127.0.0.1:6379', '[::1]:6379'])
  expect(addressText({ type: 'unix', path: '/run/x.sock', backlog: 1 })).toBe('/run/x.sock')
})

test('an error says what is wrong and what to do, also for a code that is not known', () => {
  const [address] = tcpAddresses(['127.0.0.1'], 80, 511)
  expect(listenFailed(address!, 'EACCES').message).toBe(
    'cannot listen: address=127.0.0.1:80: this user may not listen there (EACCES); ' +
      'a port below 1024 needs a privilege, a path needs a folder that this user may write to',
  )
  expect(listenFailed(address!, 'EODD').message).toContain(': EODD; choose another address')
})
