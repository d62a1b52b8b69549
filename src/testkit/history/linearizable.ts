/**
 * Whether a history is linearizable: as if each operation had happened at one moment between its call and its
 * return, in an order with which the model agrees.
 *
 * Histories of different keys are judged apart (linearizability is local: Herlihy and Wing), which is what
 * makes long histories of a store feasible. The search is exponential in the worst case, hence a budget of
 * steps; running out of it is an outcome of its own, and not `ok`.
 *
 * A failure says the longest prefix that has an order, what could not be placed, and draws the fewest
 * operations that show it (`linear-shrink.ts`).
 *
 * Cost: below a microsecond a step; 20,000 operations of 8 clients on one key in 0.2 s where all is fine. To
 * be sure of a failure all that came before it is tried as well: keep the histories of a key to some thousand
 * operations, and lists with many appends that overlap and are not read in between to `checkSerializable`.
 * Tests: test/testkit/history/linearizable.test.ts, linearizable.prop.test.ts
 * Source: Wing and Gong (1993), Lowe (2017); partitions as in Horn and Kroening, "Faster linearizability
 * checking via P-compositionality" (2015).
 */
import { checkKnownOptions, invalidOption, numberOption } from '../../base/index.ts'
import { type Budget, searchOrder } from './linear-search.ts'
import { cutHistory, shrinkHistory } from './linear-shrink.ts'
import { asPending, checkTimes, type Model, type Operation, operationText, valueText } from './operation.ts'
import { drawTimeline } from './timeline.ts'

/** Options of `checkLinearizable`. */
export interface LinearizableOptions {
  /** Steps of the model before the search gives up, over all keys. Default 2,000,000. */
  readonly stepsMax?: number
  /** Steps to make a counterexample smaller. Default 500,000; 0 leaves it as it is. */
  readonly shrinkStepsMax?: number
}

/** Why a history is not linearizable. */
export interface NotLinearizable<Call, Output> {
  readonly ok: false
  readonly key: string | undefined
  /** Fewest operations that show it; answers that are not needed for it are left out. */
  readonly operations: readonly Operation<Call, Output>[]
  /** The one of `operations` whose answer fits nowhere, when all others do. */
  readonly stuck: Operation<Call, Output>
  /** The longest prefix of the history (of this key) that has an order, in that order. */
  readonly prefix: readonly Operation<Call, Output>[]
  /** For people: what is wrong, with a timeline. */
  readonly text: string
}

/** What `checkLinearizable` has found. */
export type LinearizableOutcome<Call, Output> =
  | { readonly ok: true; readonly text: string }
  | NotLinearizable<Call, Output>
  /** Nobody knows: the budget was too small. */
  | { readonly ok: undefined; readonly unknown: true; readonly reason: string; readonly text: string }

const STEPS_MAX = 2_000_000
const SHRINK_STEPS_MAX = 500_000
/** The last of a prefix that are named in the text. */
const PREFIX_NAMED_MAX = 8
/** A drawing of more than this says nothing. */
const DRAWN_MAX = 12

/**
 * Judges a history. With keys, each key is an object of its own that begins as `model.init()`.
 *
 * @throws SHL_OPTION_INVALID for times that make no sense, or keys on some operations only;
 * SHL_OPTION_UNKNOWN
 * @example
 * ```ts
 * import { checkLinearizable, registerModel } from 'shardloom/testing'
 *
 * const history = [
 *   { process: 1, key: 'x', call: { type: 'set', value: 'a' }, callAt: 1, returnAt: 4 },
 *   { process: 2, key: 'x', call: { type: 'get' }, output: 'a', callAt: 2, returnAt: 3 },
 *   { process: 1, key: 'x', call: { type: 'set', value: 'b' }, callAt: 5, pending: true },
 * ] as const
 * const outcome = checkLinearizable(history, registerModel())
 * if (outcome.ok !== true) throw new Error(outcome.text)
 * ```
 */
export function checkLinearizable<State, Call, Output>(
  history: readonly Operation<Call, Output>[],
  model: Model<State, Call, Output>,
  options: LinearizableOptions = {},
): LinearizableOutcome<Call, Output> {
  checkKnownOptions('checkLinearizable', options, ['stepsMax', 'shrinkStepsMax'])
  const range = { min: 0, max: 2 ** 53, integer: true }
  const stepsMax = numberOption('stepsMax', options.stepsMax, STEPS_MAX, range)
  const shrinkStepsMax = numberOption('shrinkStepsMax', options.shrinkStepsMax, SHRINK_STEPS_MAX, range)
  for (const [i, operation] of history.entries()) checkTimes(`history[${i}]`, operation)
  const budget: Budget = { left: stepsMax }
  const undecided: string[] = []
  for (const [key, operations] of byKey(history)) {
    const { verdict, stuck } = searchOrder(model, operations, budget)
    if (verdict === 'unknown') undecided.push(key === undefined ? 'the history' : `key ${valueText(key)}`)
    if (stuck !== undefined) return failure(model, key, operations, stuck, { left: shrinkStepsMax })
  }
  if (undecided.length === 0) return { ok: true, text: `${history.length} operations are linearizable` }
  const reason = `no order found for ${undecided.slice(0, 3).join(', ')} within stepsMax=${stepsMax}`
  return { ok: undefined, unknown: true, reason, text: reason }
}

/** Small histories first: they are cheap, and they share the budget. */
function byKey<Call, Output>(
  history: readonly Operation<Call, Output>[],
): [string | undefined, Operation<Call, Output>[]][] {
  const groups = new Map<string | undefined, Operation<Call, Output>[]>()
  for (const operation of history) {
    const group = groups.get(operation.key)
    if (group === undefined) groups.set(operation.key, [operation])
    else group.push(operation)
  }
  if (groups.size > 1 && groups.has(undefined))
    invalidOption('history', 'some operations without a key', 'a key on each operation, or on none')
  return [...groups].sort(([, a], [, b]) => a.length - b.length)
}

function failure<State, Call, Output>(
  model: Model<State, Call, Output>,
  key: string | undefined,
  operations: readonly Operation<Call, Output>[],
  reached: Operation<Call, Output>,
  budget: Budget,
): NotLinearizable<Call, Output> {
  const cut = cutHistory(model, operations, reached, { left: STEPS_MAX })
  const { stuck } = cut
  const waiting = cut.operations.map((operation) => (operation === stuck ? asPending(stuck) : operation))
  const { order: prefix } = searchOrder(model, waiting, { left: STEPS_MAX })
  const few = shrinkHistory(model, cut.operations, stuck, budget)
  const text = failureText(key, operations.length, few, stuck, prefix)
  return { ok: false, key, operations: few, stuck, prefix, text }
}

function failureText(
  key: string | undefined,
  count: number,
  few: readonly Operation[],
  stuck: Operation,
  prefix: readonly Operation[],
): string {
  const what = key === undefined ? 'the history' : `key ${valueText(key)}`
  const others = few.filter((operation) => operation !== stuck).sort((a, b) => a.callAt - b.callAt)
  const drawn = few.length <= DRAWN_MAX ? few : [...others.slice(1 - DRAWN_MAX), stuck]
  const named = prefix.slice(-PREFIX_NAMED_MAX).map(operationText)
  const omitted = prefix.length > named.length ? '…, ' : ''
  return [
    `${what} is not linearizable: ${few.length} of its ${count} operations show it`,
    '',
    drawTimeline(drawn, new Set([stuck])),
    ...(drawn.length < few.length ? [`(${few.length - drawn.length} more are not drawn)`] : []),
    '',
    `cannot be placed: ${operationText(stuck)} of process ${stuck.process}, ` +
      `called at ${stuck.callAt}, returned at ${stuck.returnAt}`,
    `longest prefix that can (${prefix.length}): ${omitted}${named.join(', ') || 'nothing'}`,
  ].join('\n')
}
