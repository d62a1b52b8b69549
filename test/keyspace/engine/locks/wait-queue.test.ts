/** The queue of a lock. */
import { expect, test } from 'vitest'
import { Place, WaitQueue } from '../../../../src/keyspace/engine/locks/wait-queue.ts'

function queueOf(...members: string[]): [WaitQueue<string>, Place<string>[]] {
  const queue = new WaitQueue<string>()
  const places = members.map((member) => new Place(member))
  for (const place of places) queue.add(place)
  return [queue, places]
}

test('members come out in the order in which they came', () => {
  const [queue, places] = queueOf('a', 'b', 'c')
  expect([...queue]).toEqual(['a', 'b', 'c'])
  for (const [i, place] of places.entries()) {
    expect(queue.head).toBe('abc'[i])
    queue.remove(place)
  }
  expect(queue.head).toBeUndefined()
  expect(queue.length).toBe(0)
})

test.each([0, 1, 2])('one may leave from place %i, and come again at the end', (index) => {
  const [queue, places] = queueOf('a', 'b', 'c')
  const rest = ['a', 'b', 'c'].filter((_, i) => i !== index)
  queue.remove(places[index]!)
  expect([...queue]).toEqual(rest)
  queue.add(places[index]!)
  expect([...queue]).toEqual([...rest, 'abc'[index]])
  expect(queue.length).toBe(3)
})

test('a place is in one queue, and leaves it once', () => {
  const [queue, places] = queueOf('a', 'b')
  expect(() => queue.add(places[1]!)).toThrow('one queue')
  queue.remove(places[1]!)
  expect(() => queue.remove(places[1]!)).toThrow('is in it')
})
