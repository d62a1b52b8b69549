/** A mailbox against a plain list: lanes, priorities, order, removal. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Envelope, Mailbox } from '../../src/actor/mailbox.ts'

type Step =
  | { do: 'push'; priority: number }
  | { do: 'pushFront'; priority: number }
  | { do: 'signal' }
  | { do: 'shift' }
  | { do: 'dropOldest' }
  | { do: 'remove'; nth: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('push' as const), priority: fc.nat(3) }),
  fc.record({ do: fc.constant('pushFront' as const), priority: fc.nat(3) }),
  fc.constant({ do: 'signal' as const }),
  fc.constant({ do: 'shift' as const }),
  fc.constant({ do: 'dropOldest' as const }),
  fc.record({ do: fc.constant('remove' as const), nth: fc.nat(20) }),
)

test('behaves like sorted lists', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const mailbox = new Mailbox()
      // Index 0 holds signals, 1 to 4 the priorities.
      const model: Envelope[][] = [[], [], [], [], []]
      let made = 0
      const envelope = (priority: number): Envelope => {
        const one = new Envelope(2, String(made), undefined)
        one.priority = priority
        one.askThread = 0
        one.askSlot = made++
        return one
      }
      for (const one of steps) {
        if (one.do === 'push' || one.do === 'pushFront') {
          const item = envelope(one.priority)
          mailbox[one.do](item)
          if (one.do === 'push') model[one.priority + 1]!.push(item)
          else model[one.priority + 1]!.unshift(item)
        } else if (one.do === 'signal') {
          const item = envelope(1)
          item.places = 0
          mailbox.pushSignal(item, { thread: 9, slot: 9, generation: 9 })
          model[0]!.push(item)
        } else if (one.do === 'shift') {
          expect(mailbox.shift()).toBe(model.find((lane) => lane.length > 0)?.shift())
        } else if (one.do === 'dropOldest') {
          const lane = model.slice(1).findLast((candidate) => candidate.length > 0)
          expect(mailbox.dropOldest()).toBe(lane?.shift())
        } else {
          const lane = model.slice(1).find((candidate) => candidate.some((item) => item.askSlot === one.nth))
          const index = lane?.findIndex((item) => item.askSlot === one.nth) ?? -1
          const expected = index === -1 ? undefined : lane!.splice(index, 1)[0]
          expect(mailbox.removeAsk(0, one.nth, 0)).toBe(expected)
        }
        expect(mailbox.length).toBe(model.flat().length)
      }
    }),
  )
})
