/**
 * A gate that lets readers through together and writers one at a time, in the order in which they came.
 *
 * A plain FIFO: whoever waits is overtaken by nobody, so that neither side starves, and so that the order of
 * arrival is the order of passing for any two that conflict. Counters tell at once whether the gate is free;
 * only who has to wait is in a list, and leaves it at once when it gives up. Nothing blocks: who comes in
 * later is told through a callback.
 *
 * Invariants
 *   1. Inside are only shared tickets, or one exclusive one.
 *   2. The first of those who wait conflicts with somebody inside.
 *   3. Nobody passes who came after one that waits.
 *
 * Cost: constant per ticket, whatever the length of the queue.
 * Tests: test/keyspace/transactions/fair-gate.prop.test.ts
 */
import { assert } from '../../base/index.ts'

/** One who is inside or waits. */
export interface GateTicket<Owner> {
  readonly owner: Owner
  readonly isExclusive: boolean
  isInside: boolean
  /** Among those who wait. */
  before: GateTicket<Owner> | undefined
  after: GateTicket<Owner> | undefined
}

/** One gate. */
export class FairGate<Owner> {
  /** Tickets that are inside or wait, by kind. */
  sharedCount = 0
  exclusiveCount = 0
  #insideShared = 0
  #insideExclusive = 0
  #first: GateTicket<Owner> | undefined
  #last: GateTicket<Owner> | undefined

  get isEmpty(): boolean {
    return this.sharedCount + this.exclusiveCount === 0
  }

  /** Whether somebody is inside or waits who conflicts with a newcomer. */
  isContended(isExclusive: boolean): boolean {
    return this.exclusiveCount > 0 || (isExclusive && this.sharedCount > 0)
  }

  /** Goes in, or to the end of the queue: see `isInside` of the ticket. */
  enter(owner: Owner, isExclusive: boolean): GateTicket<Owner> {
    const ticket: GateTicket<Owner> = {
      owner,
      isExclusive,
      isInside: false,
      before: undefined,
      after: undefined,
    }
    if (isExclusive) this.exclusiveCount++
    else this.sharedCount++
    if (this.#first === undefined && this.#hasRoomFor(ticket)) {
      this.#letIn(ticket)
      return ticket
    }
    ticket.before = this.#last
    if (this.#last === undefined) this.#first = ticket
    else this.#last.after = ticket
    this.#last = ticket
    return ticket
  }

  /** Goes out, or gives up waiting. `admitted` is told of each one that comes in because of that. */
  leave(ticket: GateTicket<Owner>, admitted: (owner: Owner) => void): void {
    if (ticket.isExclusive) this.exclusiveCount--
    else this.sharedCount--
    if (!ticket.isInside) this.#unlink(ticket)
    else if (ticket.isExclusive) this.#insideExclusive--
    else this.#insideShared--
    ticket.isInside = false
    assert(this.#insideExclusive >= 0 && this.#insideShared >= 0, 'a ticket leaves once')
    for (let next = this.#first; next !== undefined && this.#hasRoomFor(next); next = this.#first) {
      this.#unlink(next)
      this.#letIn(next)
      admitted(next.owner)
    }
  }

  /** Those who wait, the first in front. */
  waiting(): Owner[] {
    const owners: Owner[] = []
    for (let ticket = this.#first; ticket !== undefined; ticket = ticket.after) owners.push(ticket.owner)
    return owners
  }

  /** Throws unless the invariants hold. For tests: walks the queue. */
  check(): void {
    const waiting = { shared: 0, exclusive: 0 }
    for (let ticket = this.#first; ticket !== undefined; ticket = ticket.after) {
      waiting[ticket.isExclusive ? 'exclusive' : 'shared']++
      assert(!ticket.isInside, 'who waits is not inside')
      assert(ticket.after !== undefined || ticket === this.#last, 'the list ends with the last')
    }
    assert(waiting.shared + this.#insideShared === this.sharedCount, 'shared tickets are counted')
    assert(waiting.exclusive + this.#insideExclusive === this.exclusiveCount, 'exclusive tickets are counted')
    assert(this.#insideExclusive <= 1, 'one exclusive ticket is inside')
    assert(this.#insideExclusive === 0 || this.#insideShared === 0, 'an exclusive ticket is alone')
    assert(this.#first === undefined || !this.#hasRoomFor(this.#first), 'nobody waits without a reason')
  }

  #hasRoomFor({ isExclusive }: GateTicket<Owner>): boolean {
    return this.#insideExclusive === 0 && (!isExclusive || this.#insideShared === 0)
  }

  #letIn(ticket: GateTicket<Owner>): void {
    ticket.isInside = true
    if (ticket.isExclusive) this.#insideExclusive++
    else this.#insideShared++
  }

  #unlink(ticket: GateTicket<Owner>): void {
    if (ticket.before === undefined) this.#first = ticket.after
    else ticket.before.after = ticket.after
    if (ticket.after === undefined) this.#last = ticket.before
    else ticket.after.before = ticket.before
    ticket.before = undefined
    ticket.after = undefined
  }
}
