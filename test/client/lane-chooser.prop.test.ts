import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LaneChooser } from '../../src/client/lane-chooser.ts'

/** A call: the slots of its keys; none: any key. Or an answer on a lane. */
const step = fc.oneof(
  fc.record({ slots: fc.array(fc.nat(5), { maxLength: 3 }) }),
  fc.record({ answer: fc.nat(2) }),
)

interface Call {
  readonly number: number
  readonly slots: readonly number[]
}

const isRelated = (one: Call, other: Call): boolean =>
  one.slots.length === 0 || other.slots.length === 0 || one.slots.some((slot) => other.slots.includes(slot))

test('calls that share a key are on one connection, in order, or one of them is answered', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 3 }), (steps, count) => {
      const lanes = Array.from({ length: count }, () => ({ calls: [] as Call[], pending: 0 }))
      const chooser = new LaneChooser(lanes)
      let held: Call[] = []
      let number = 0
      const assign = (call: Call): boolean => {
        const at = chooser.choose(call.slots)
        if (at === undefined) return false
        for (const [i, lane] of lanes.entries()) {
          if (i !== at) expect(lane.calls.filter((other) => isRelated(call, other))).toEqual([])
        }
        lanes[at]!.calls.push(call)
        lanes[at]!.pending++
        return true
      }
      const goOn = (): void => {
        while (held.length > 0 && assign(held[0]!)) held = held.slice(1)
      }
      const answer = (at: number): void => {
        const lane = lanes[at % count]!
        if (lane.calls.shift() === undefined) return
        lane.pending--
        if (lane.pending === 0) goOn()
      }
      for (const one of steps) {
        if ('answer' in one) answer(one.answer)
        else {
          const call = { number: number++, slots: one.slots }
          if (held.length > 0 || !assign(call)) held.push(call)
        }
      }
      // Nothing is held for ever.
      for (let i = 0; i < 1000 && lanes.some(({ pending }) => pending > 0); i++) answer(i)
      expect(held).toEqual([])
    }),
  )
})
