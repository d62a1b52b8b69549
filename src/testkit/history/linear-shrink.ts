/**
 * Makes a history that has no order smaller, without changing what is wrong with it.
 *
 * Leaving operations out can make a failure out of nothing: without the write that it saw, any read is wrong.
 * So an operation may go only if the rest stays wrong *whatever became of it*:
 *
 *     a read          goes if the rest has no order: a read changes nothing
 *     anything else   goes if the rest has no order even when everything that went, this one too, may take
 *                     effect at any time or never, and if the rest is still fine but for the answer that
 *                     cannot be placed
 *
 * Pieces of halved size are tried, then single operations. A search that would take too long keeps its piece.
 *
 * Source: Zeller and Hildebrandt's delta debugging (2002). Tests: test/testkit/history/linear-shrink.test.ts
 */
import { type Budget, type Optional, searchOrder } from './linear-search.ts'
import { asPending, type Model, type Operation, UNKNOWN } from './operation.ts'

/** Of one trial. */
const TRIAL_STEPS_MAX = 20_000

/** What is wrong with a history, as early as it shows. */
export interface Cut<Call, Output> {
  /** As far as the return of `stuck`; later answers are unknown. */
  readonly operations: readonly Operation<Call, Output>[]
  /** Without its answer `operations` has an order. */
  readonly stuck: Operation<Call, Output>
}

/**
 * Cuts a wrong history where it goes wrong. `reached` is the return that the search did not get past; since
 * the search knows the answers of all that is open, the answer that is really too much may be one of those.
 */
export function cutHistory<State, Call, Output>(
  model: Model<State, Call, Output>,
  operations: readonly Operation<Call, Output>[],
  reached: Operation<Call, Output>,
  budget: Budget,
): Cut<Call, Output> {
  const byReturn = operations
    .filter(({ pending }) => pending !== true)
    .sort((a, b) => a.returnAt! - b.returnAt! || a.callAt - b.callAt)
  for (let i = byReturn.indexOf(reached); i < byReturn.length; i++) {
    const stuck = byReturn[i]!
    const later = new Set(byReturn.slice(i + 1))
    const cut = operations
      .filter(({ callAt }) => callAt <= stuck.returnAt!)
      .map((operation) => (later.has(operation) ? asPending(operation) : operation))
    if (searchOrder(model, cut, budget).verdict === 'not linearizable') return { operations: cut, stuck }
  }
  return { operations, stuck: reached }
}

/** Few operations that have no order, `stuck` among them. */
export function shrinkHistory<State, Call, Output>(
  model: Model<State, Call, Output>,
  operations: readonly Operation<Call, Output>[],
  stuck: Operation<Call, Output>,
  budget: Budget,
): readonly Operation<Call, Output>[] {
  type Op = Operation<Call, Output>
  const search = (kept: readonly Op[], optional?: Optional<Call, Output>) => {
    const given = Math.min(TRIAL_STEPS_MAX, budget.left)
    const trial = { left: given }
    const { verdict } = searchOrder(model, kept, trial, optional)
    budget.left -= given - trial.left
    return verdict
  }
  /** Placing them any number of times is the more lenient, and mostly the shorter search. */
  const isWrongWithout = (rest: readonly Op[], operations: ReadonlySet<Op>) =>
    search(rest, { operations, isRepeatable: true }) === 'not linearizable' ||
    search(rest, { operations, isRepeatable: false }) === 'not linearizable'
  const isRead = ({ call, output, pending }: Op) =>
    model.isRead?.(call, pending === true ? UNKNOWN : (output as Output)) === true
  let kept = withoutPieces(
    operations,
    (operation) => operation !== stuck && isRead(operation),
    (rest) => search(rest) === 'not linearizable',
  )
  const gone = new Set<Op>()
  kept = withoutPieces(
    kept,
    (operation) => operation !== stuck && !isRead(operation),
    (rest, piece) => {
      const isFineBefore = search(
        rest.map((operation) => (operation === stuck ? asPending(stuck) : operation)),
      )
      if (isFineBefore !== 'linearizable') return false
      if (!isWrongWithout(rest, new Set([...gone, ...piece]))) return false
      for (const operation of piece) gone.add(operation)
      return true
    },
  )
  return kept
}

/** What is left of a list when pieces of those that `mayGo` go for which `isNeedless` holds. */
function withoutPieces<T>(
  list: readonly T[],
  mayGo: (item: T) => boolean,
  isNeedless: (rest: readonly T[], piece: readonly T[]) => boolean,
): readonly T[] {
  let kept = list
  for (let size = Math.ceil(list.length / 2); size >= 1; size = Math.floor(size / 2)) {
    const candidates = kept.filter(mayGo)
    for (let from = 0; from < candidates.length; from += size) {
      const piece = candidates.slice(from, from + size)
      const rest = kept.filter((item) => !piece.includes(item))
      if (isNeedless(rest, piece)) kept = rest
    }
  }
  return kept
}
