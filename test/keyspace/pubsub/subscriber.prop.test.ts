/** A subscriber's queue against a plain list. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Subscriber } from '../../../src/keyspace/pubsub/subscriber.ts'

const BYTES = 67

test('it keeps the newest messages within its limits, and counts what it drops where it is missing', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 120 }),
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 200, max: 5000 }),
      (steps, queueMax, queueBytesMax) => {
        const subscriber = new Subscriber({
          queueMax,
          queueBytesMax,
          whenSlow: 'drop',
        })
        let sent = 0
        let given = 0
        for (const pushes of steps) {
          for (let i = 0; i < pushes; i++)
            subscriber.push({ channel: 'c', message: String(sent++ % 90).padStart(2) })
          expect(subscriber.count).toBeLessThanOrEqual(queueMax)
          expect(subscriber.bytes).toBe(subscriber.count * BYTES)
          expect(subscriber.bytes <= queueBytesMax || subscriber.count === 1).toBe(true)
          if (!subscriber.isReady) continue
          const { lost, messages } = subscriber.take()
          given += lost
          for (const { message } of messages) expect(message).toBe(String(given++ % 90).padStart(2))
        }
        while (subscriber.isReady) {
          const { lost, messages } = subscriber.take()
          given += lost + messages.length
        }
        expect(given).toBe(sent)
      },
    ),
  )
})

test('it ends at the first message that it would drop, when that was asked for', () => {
  const request = {
    queueMax: 2,
    queueBytesMax: 1e6,
    whenSlow: 'cut',
  } as const
  const subscriber = new Subscriber(request)
  subscriber.push({ channel: 'c', message: '1' })
  subscriber.push({ channel: 'c', message: '2' })
  expect(subscriber.take().messages).toHaveLength(2)
  for (const message of ['3', '4', '5', '6']) subscriber.push({ channel: 'c', message })
  expect(subscriber.count).toBe(0)
  expect(() => subscriber.take()).toThrow('too slow')
})
