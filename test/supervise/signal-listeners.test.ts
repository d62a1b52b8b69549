/** One listener for all who wait for a signal. */
import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { SignalListeners } from '../../src/supervise/signal-listeners.ts'

test('all who wait are told once, in order, by one listener', () => {
  const listeners = new SignalListeners()
  const controller = new AbortController()
  const told: number[] = []
  const callbacks = Array.from({ length: 20 }, (_, i) => () => void told.push(i))
  for (const onAbort of callbacks) listeners.add(controller.signal, onAbort)
  expect(getEventListeners(controller.signal, 'abort').length).toBe(1)
  listeners.remove(controller.signal, callbacks[3]!)
  controller.abort()
  expect(told).toEqual(callbacks.map((_, i) => i).filter((i) => i !== 3))
  for (const onAbort of callbacks) listeners.remove(controller.signal, onAbort)
  expect(getEventListeners(controller.signal, 'abort')).toEqual([])
})

test('the listener goes with the last one, and comes again', () => {
  const listeners = new SignalListeners()
  const { signal } = new AbortController()
  const [a, b] = [() => undefined, () => undefined]
  for (let i = 0; i < 3; i++) {
    listeners.add(signal, a)
    listeners.add(signal, b)
    listeners.remove(signal, a)
    listeners.remove(signal, a)
    expect(getEventListeners(signal, 'abort').length).toBe(1)
    listeners.remove(signal, b)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  }
})
