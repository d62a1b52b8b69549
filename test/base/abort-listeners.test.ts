/** One listener for all who wait for a signal. */
import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { addAbortListener } from '../../src/base/index.ts'

test('all who wait are told once, in order, by one listener', () => {
  const controller = new AbortController()
  const told: number[] = []
  const removals = Array.from({ length: 20 }, (_, i) =>
    addAbortListener(controller.signal, () => void told.push(i)),
  )
  expect(getEventListeners(controller.signal, 'abort').length).toBe(1)
  removals[3]!()
  controller.abort()
  expect(told).toEqual(removals.map((_, i) => i).filter((i) => i !== 3))
  for (const remove of removals) remove()
  expect(getEventListeners(controller.signal, 'abort')).toEqual([])
})

test('the listener goes with the last one, and comes again', () => {
  const { signal } = new AbortController()
  const [a, b] = [() => undefined, () => undefined]
  for (let i = 0; i < 3; i++) {
    const removeA = addAbortListener(signal, a)
    const removeB = addAbortListener(signal, b)
    removeA()
    removeA()
    expect(getEventListeners(signal, 'abort').length).toBe(1)
    removeB()
    expect(getEventListeners(signal, 'abort')).toEqual([])
  }
})

test('one that another removes when its signal is aborted is not told', () => {
  const controller = new AbortController()
  const { signal } = controller
  const told: string[] = []
  addAbortListener(signal, () => {
    told.push('first')
    removeSecond()
  })
  const removeSecond = addAbortListener(signal, () => void told.push('second'))
  controller.abort()
  expect(told).toEqual(['first'])
})
