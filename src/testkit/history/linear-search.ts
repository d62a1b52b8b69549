/**
 * The search for an order: is there a way to put the operations one after another, each between its call and
 * its return, such that the model agrees with every answer?
 *
 *     returns   ──r0──────r1────r2──────────▶   time; one event for each answered operation
 *     open at r1: every operation called by r1 whose own return is r1 or later, pending ones included
 *
 * Wing and Gong's search with Lowe's improvements. It walks the returns. At a return whose operation has been
 * placed it goes on; otherwise it places one of the open operations, the one that returns first, and if this
 * leads nowhere others before it. So nothing is placed before it must be (just in time), and pending
 * operations are placed only when an answer needs them. A configuration (the return reached, which of the
 * open operations are placed, the state) that has failed once is not tried again. Operations that the model
 * calls reads are placed as soon as they fit: nothing is lost, since they change nothing. Of pending
 * operations with equal calls only the first is tried: it may do whatever the later ones may.
 *
 * An exhaustive search over permutations lost: it is the reference of the tests. Breadth first (Knossos'
 * `linear`) lost as well: it pays for every configuration even if the history is fine.
 *
 * Invariants: (1) everything that returned before the event reached is placed; (2) the return reached last by
 * any configuration ends the shortest prefix that has no order.
 * Cost: one `step` per placement that is tried, at most `stepsMax`; memory: one string per configuration.
 * Tests: test/testkit/history/linearizable.test.ts, linearizable.prop.test.ts
 * Source: Wing and Gong, "Testing and verifying concurrent objects" (1993); Lowe, "Testing for
 * linearizability" (2017); the programs Knossos and Porcupine.
 */
import { type Model, type Operation, UNKNOWN, valueText } from './operation.ts'

/** Steps that are left, over several searches. */
export interface Budget {
  left: number
}

/** What a search has found. */
export interface Found<Call, Output> {
  readonly verdict: 'linearizable' | 'not linearizable' | 'unknown'
  /** The order, when there is one. */
  readonly order: readonly Operation<Call, Output>[]
  /** The operation whose return no configuration got past, when there is no order. */
  readonly stuck: Operation<Call, Output> | undefined
}

/** One configuration on the way, and what has been tried from it. */
interface Frame<State> {
  readonly state: State
  /** Index of the return to get past. */
  readonly event: number
  /** Operations placed on the way from the frame before to this one, in order. */
  readonly placed: readonly number[]
  /** The next candidate: 0 is the operation that returns first, others follow. */
  next: number
}

/**
 * Operations that may be left out, and placed at any time: what a smaller counterexample does not want to
 * depend on.
 */
export interface Optional<Call, Output> {
  readonly operations: ReadonlySet<Operation<Call, Output>>
  /**
   * Each any number of times. Then they need no place in a configuration, which makes the search short where
   * there are few states. Where there are many it is given up soon, as unknown.
   */
  readonly isRepeatable: boolean
}

/** Searches for an order of `operations` and, as far as they help, of those that are optional. */
export function searchOrder<State, Call, Output>(
  model: Model<State, Call, Output>,
  operations: readonly Operation<Call, Output>[],
  budget: Budget,
  optional: Optional<Call, Output> = { operations: new Set(), isRepeatable: false },
): Found<Call, Output> {
  return new OrderSearch(model, [...operations, ...optional.operations], budget, optional).run()
}

class OrderSearch<State, Call, Output> {
  readonly #model: Model<State, Call, Output>
  readonly #operations: readonly Operation<Call, Output>[]
  readonly #budget: Budget
  /** Operations by the time of their return. */
  readonly #returns: readonly number[]
  /** Per return the open operations. */
  readonly #open: readonly (readonly number[])[]
  readonly #outputs: readonly (Output | typeof UNKNOWN)[]
  readonly #isRead: readonly boolean[]
  /** The operation that must be placed before this one because it can do the same, or -1. */
  readonly #twin: Int32Array
  readonly #isPlaced: Uint8Array
  readonly #isRepeatable: readonly boolean[]
  readonly #seen = new Set<string>()
  readonly #isAnyRepeatable: boolean
  /** Deeper than this, the same operation is repeated without end. */
  readonly #framesMax: number
  #reached = 0

  constructor(
    model: Model<State, Call, Output>,
    operations: readonly Operation<Call, Output>[],
    budget: Budget,
    { operations: optional, isRepeatable }: Optional<Call, Output>,
  ) {
    this.#model = model
    this.#budget = budget
    const isUnknown = (operation: Operation) => operation.pending === true
    const isFree = (operation: Operation<Call, Output>) => isUnknown(operation) || optional.has(operation)
    // A read that nobody waits for constrains nothing.
    const kept = [...operations]
      .filter((operation) => !isFree(operation) || model.isRead?.(operation.call, UNKNOWN) !== true)
      .sort((a, b) => a.callAt - b.callAt)
    this.#operations = kept
    this.#outputs = kept.map((operation) => (isFree(operation) ? UNKNOWN : (operation.output as Output)))
    this.#isRead = kept.map(
      (operation, i) => model.isRead?.(operation.call, this.#outputs[i] as Output) === true,
    )
    this.#returns = kept
      .map((_, i) => i)
      .filter((i) => !isFree(kept[i]!))
      .sort((a, b) => kept[a]!.returnAt! - kept[b]!.returnAt!)
    this.#isPlaced = new Uint8Array(kept.length)
    this.#isRepeatable = kept.map((operation) => isRepeatable && optional.has(operation))
    this.#isAnyRepeatable = this.#isRepeatable.includes(true)
    this.#framesMax = 16 + 2 * kept.length
    this.#open = openAtReturns(kept, this.#returns, optional)
    this.#twin = twinsOf(kept, isFree, optional)
  }

  run(): Found<Call, Output> {
    const first = this.#frameAfter(this.#model.init(), 0, [])
    const frames: Frame<State>[] = [first]
    for (;;) {
      const frame = frames.at(-1)
      if (frame === undefined) return this.#failed()
      if (frame.event === this.#returns.length) {
        const order = frames.flatMap(({ placed }) => placed.map((i) => this.#operations[i]!))
        return { verdict: 'linearizable', order, stuck: undefined }
      }
      if (this.#budget.left <= 0) return { verdict: 'unknown', order: [], stuck: undefined }
      const deeper = this.#tryNext(frame)
      if (deeper === 'none left') {
        frames.pop()
        for (const i of frame.placed) this.#isPlaced[i] = 0
      } else if (deeper !== 'no') frames.push(deeper)
      if (this.#isAnyRepeatable && frames.length > this.#framesMax)
        return { verdict: 'unknown', order: [], stuck: undefined }
    }
  }

  #failed(): Found<Call, Output> {
    const stuck = this.#operations[this.#returns[this.#reached]!]
    return { verdict: 'not linearizable', order: [], stuck }
  }

  /** Tries one more operation from a configuration. */
  #tryNext(frame: Frame<State>): Frame<State> | 'no' | 'none left' {
    const due = this.#returns[frame.event]!
    const open = this.#open[frame.event]!
    const position = frame.next++
    if (position > open.length) return 'none left'
    const i = position === 0 ? due : open[position - 1]!
    if (position > 0 && i === due) return 'no'
    // A read that fits has been placed with the frame; any other does not fit here.
    if (this.#isPlaced[i] === 1 || this.#isRead[i]) return 'no'
    const twin = this.#twin[i]!
    if (twin !== -1 && this.#isPlaced[twin] === 0) return 'no'
    this.#budget.left--
    const state = this.#model.step(frame.state, this.#operations[i]!.call, this.#outputs[i]!)
    if (state === undefined) return 'no'
    if (!this.#isRepeatable[i]) this.#isPlaced[i] = 1
    const deeper = this.#frameAfter(state, frame.event, [i])
    if (this.#isNew(deeper)) return deeper
    for (const placed of deeper.placed) this.#isPlaced[placed] = 0
    return 'no'
  }

  /** Goes on past returns of what is placed, and places the reads that fit. */
  #frameAfter(state: State, from: number, placed: number[]): Frame<State> {
    let event = from
    for (; event < this.#returns.length; event++) {
      this.#placeReads(state, event, placed)
      if (this.#isPlaced[this.#returns[event]!] === 0) break
    }
    if (event > this.#reached) this.#reached = event
    return { state, event, placed, next: 0 }
  }

  #placeReads(state: State, event: number, placed: number[]): void {
    for (const i of this.#open[event]!) {
      if (!this.#isRead[i] || this.#isPlaced[i] === 1) continue
      this.#budget.left--
      if (this.#model.step(state, this.#operations[i]!.call, this.#outputs[i]!) === undefined) continue
      this.#isPlaced[i] = 1
      placed.push(i)
    }
  }

  /** Whether the configuration is met for the first time. The set is a bitset over what is open. */
  #isNew(frame: Frame<State>): boolean {
    if (frame.event === this.#returns.length) return true
    const open = this.#open[frame.event]!
    let bits = ''
    for (let from = 0; from < open.length; from += 16) {
      let word = 0
      for (let bit = 0; bit < 16 && from + bit < open.length; bit++)
        word |= this.#isPlaced[open[from + bit]!]! << bit
      bits += String.fromCharCode(word)
    }
    const key = `${frame.event}:${bits}:${this.#model.key(frame.state)}`
    if (this.#seen.has(key)) return false
    this.#seen.add(key)
    return true
  }
}

/** Per return: the operations called by then that have not returned before. */
function openAtReturns<Call, Output>(
  operations: readonly Operation<Call, Output>[],
  returns: readonly number[],
  optional: ReadonlySet<Operation<Call, Output>>,
): number[][] {
  const open = new Set([...operations.keys()].filter((i) => optional.has(operations[i]!)))
  let called = 0
  return returns.map((due) => {
    const at = operations[due]!.returnAt!
    for (; called < operations.length && operations[called]!.callAt <= at; called++) open.add(called)
    const atReturn = [...open]
    open.delete(due)
    return atReturn
  })
}

/** Per free operation the one before it with the same call and the same freedom. */
function twinsOf<Call, Output>(
  operations: readonly Operation<Call, Output>[],
  isFree: (operation: Operation<Call, Output>) => boolean,
  optional: ReadonlySet<Operation<Call, Output>>,
): Int32Array {
  const last = new Map<string, number>()
  return Int32Array.from(operations, (operation, i) => {
    if (!isFree(operation)) return -1
    const text = `${optional.has(operation)} ${valueText(operation.call)}`
    const twin = last.get(text) ?? -1
    last.set(text, i)
    return twin
  })
}
