/** Refusals at the asker: most at once, some only after the event loop has turned. */
import { expect, test } from 'vitest'
import { RefusalPace } from '../../src/actor/refusal-pace.ts'
import { systemScheduler } from '../../src/transport/index.ts'

test('one refusal in 32 waits for a turn of the event loop', () => {
  const later: (() => void)[] = []
  const atNextTurn = (task: () => void): number => later.push(task)
  const pace = new RefusalPace({ ...systemScheduler, atNextTurn })
  const told: number[] = []
  for (let i = 1; i <= 64; i++) pace.tell(() => told.push(i))
  expect(told).toHaveLength(62)
  expect(later).toHaveLength(2)
  for (const task of later) task()
  expect(told.slice(-2)).toEqual([32, 64])
})
