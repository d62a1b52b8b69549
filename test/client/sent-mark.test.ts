import { expect, test } from 'vitest'
import { SentMark } from '../../src/client/sent-mark.ts'

test('a command is sent when its listener is taken back, and not before', () => {
  const mark = new SentMark(() => false)
  expect(mark.isSent).toBe(false)
  mark.addEventListener('abort', () => undefined)
  expect(mark.isSent).toBe(false)
  mark.removeEventListener()
  expect(mark.isSent).toBe(true)
  expect(mark.recall()).toBe(false)
  expect(mark.aborted).toBe(false)
})

test('what was not written when the connection ended was not sent', () => {
  let isOver = false
  const mark = new SentMark(() => isOver)
  mark.addEventListener('abort', () => undefined)
  isOver = true
  mark.removeEventListener()
  expect(mark.isSent).toBe(false)
})

test('a command that is taken back is never sent, and its library is told once', () => {
  const told: string[] = []
  const mark = new SentMark(() => false)
  mark.addEventListener('abort', () => {
    told.push('abort')
    mark.removeEventListener()
  })
  expect(mark.recall()).toBe(true)
  expect(mark.recall()).toBe(true)
  expect(told).toEqual(['abort'])
  expect(mark.aborted).toBe(true)
  expect(mark.isSent).toBe(false)
})
