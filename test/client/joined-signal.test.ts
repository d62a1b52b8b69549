import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { joinSignals } from '../../src/client/joined-signal.ts'

test('the first of several signals gives its reason', () => {
  const [one, other] = [new AbortController(), new AbortController()]
  const { signal } = joinSignals(one.signal, undefined, other.signal)
  expect(signal?.aborted).toBe(false)
  other.abort(new Error('other'))
  one.abort(new Error('one'))
  expect(signal?.reason).toMatchObject({ message: 'other' })
})

test('one that has aborted before is the first', () => {
  const { signal } = joinSignals(new AbortController().signal, AbortSignal.abort('before'))
  expect(signal).toMatchObject({ aborted: true, reason: 'before' })
})

test('one alone stands for itself, and none for none', () => {
  const { signal } = new AbortController()
  expect(joinSignals(undefined, signal).signal).toBe(signal)
  expect(joinSignals(undefined, undefined).signal).toBeUndefined()
})

test('what is forgotten leaves nothing on the signals', () => {
  const [one, other] = [new AbortController(), new AbortController()]
  const joined = joinSignals(one.signal, other.signal)
  expect(getEventListeners(one.signal, 'abort')).toHaveLength(1)
  joined.forget()
  expect(getEventListeners(one.signal, 'abort')).toHaveLength(0)
  one.abort()
  expect(joined.signal?.aborted).toBe(false)
})
