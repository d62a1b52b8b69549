import { expect, test } from 'vitest'
import { boundedBy, leastMs } from '../../src/client/call-limits.ts'

test('the shorter deadline holds, whoever has given it', () => {
  expect(leastMs(100, 200)).toBe(100)
  expect(leastMs(undefined, 200)).toBe(200)
  expect(leastMs(undefined, undefined)).toBeUndefined()
  expect(boundedBy({ timeoutMs: 100 }, { timeoutMs: 200 }).options).toEqual({ timeoutMs: 100 })
  expect(boundedBy({ timeoutMs: 100 }, { timeoutMs: 50 }).options).toEqual({ timeoutMs: 50 })
  expect(boundedBy({}, {}).options).toEqual({})
})

test('either signal ends a call', () => {
  const [keyspace, call] = [new AbortController(), new AbortController()]
  const { options } = boundedBy({ signal: keyspace.signal }, { signal: call.signal, timeoutMs: undefined })
  keyspace.abort('keyspace')
  expect(options.signal).toMatchObject({ aborted: true, reason: 'keyspace' })
})
