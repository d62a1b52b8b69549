/** A gate against a plain list of those who came. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FairGate, type GateTicket } from '../../../src/keyspace/transactions/fair-gate.ts'

const step = fc.record({ enters: fc.boolean(), isExclusive: fc.boolean(), nth: fc.nat(30) })

/** Who is inside: each one with whom nobody before it conflicts. */
function insideOf(list: readonly GateTicket<number>[]): number[] {
  return list
    .filter(({ isExclusive }, i) => !list.slice(0, i).some((before) => isExclusive || before.isExclusive))
    .map(({ owner }) => owner)
}

test('lets in exactly those with whom nobody before them conflicts', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const gate = new FairGate<number>()
      const list: GateTicket<number>[] = []
      let made = 0
      for (const { enters, isExclusive, nth } of steps) {
        const before = insideOf(list)
        if (enters || list.length === 0) {
          const isContended = list.some((other) => other.isExclusive || isExclusive)
          expect(gate.isContended(isExclusive)).toBe(isContended)
          const ticket = gate.enter(made++, isExclusive)
          list.push(ticket)
          expect(ticket.isInside).toBe(!isContended)
        } else {
          const [gone] = list.splice(nth % list.length, 1)
          const admitted: number[] = []
          gate.leave(gone!, (owner) => admitted.push(owner))
          expect(admitted).toEqual(insideOf(list).filter((owner) => !before.includes(owner)))
        }
        gate.check()
        const inside = insideOf(list)
        expect(list.filter((ticket) => ticket.isInside).map(({ owner }) => owner)).toEqual(inside)
        expect(gate.waiting()).toEqual(
          list.filter(({ owner }) => !inside.includes(owner)).map(({ owner }) => owner),
        )
        expect(gate.isEmpty).toBe(list.length === 0)
      }
    }),
  )
})
