/**
 * What a history consists of: operations with the time of their call and of their return, and the model that
 * says what a correct object would have answered.
 *
 * Times are logical sequence numbers or monotonic milliseconds. One operation is before another when it
 * returned at a smaller time than the other was called; equal times mean concurrent, so that a coarse clock
 * never accuses a correct object.
 *
 * An operation whose outcome nobody knows (its client was lost, its deadline passed) is pending: it may take
 * effect at any time after its call, or never. One that is known to have had no effect is left out.
 *
 * Source: Herlihy and Wing, "Linearizability" (1990). Tests: test/testkit/history/linearizable.test.ts
 */
import { invalidOption } from '../../base/index.ts'

/** Stands for the output of a pending operation. */
export const UNKNOWN: unique symbol = Symbol.for('shardloom.testing.unknown')

/** One operation of a history. */
export interface Operation<Call = unknown, Output = unknown> {
  /** Who called. Only the drawing uses it: the order is that of the times. */
  readonly process: number | string
  /** Operations on different keys are checked apart. All of a history have a key, or none. */
  readonly key?: string
  readonly call: Call
  readonly output?: Output
  /** The outcome is unknown: `output` and `returnAt` do not count. */
  readonly pending?: boolean
  readonly callAt: number
  /** Must be there unless the operation is pending. */
  readonly returnAt?: number
}

/** A sequential object: what each operation does to it, and which answers are right. */
export interface Model<State, Call, Output> {
  init(): State
  /**
   * The state after the operation, or undefined when its output is wrong in this state. With `UNKNOWN` any
   * output will do. Never changes `state` itself.
   */
  step(state: State, call: Call, output: Output | typeof UNKNOWN): State | undefined
  /** States that behave alike have the same key. */
  key(state: State): string
  /**
   * Whether the operation changes nothing in any state in which its output is right. Such operations are
   * placed as soon as they fit, and this makes the search much shorter. Default: none is a read.
   */
  isRead?(call: Call, output: Output | typeof UNKNOWN): boolean
}

/** Throws `SHL_OPTION_INVALID` for an operation that cannot be put in order. */
export function checkTimes(
  where: string,
  operation: { readonly callAt: number; readonly returnAt?: number; readonly pending?: boolean },
): void {
  const { callAt, returnAt } = operation
  if (!Number.isFinite(callAt)) invalidOption(`${where}.callAt`, callAt, 'a finite number')
  if (operation.pending === true) return
  if (returnAt === undefined || !(returnAt >= callAt) || !Number.isFinite(returnAt))
    invalidOption(`${where}.returnAt`, returnAt, `a number >= callAt (${callAt}), or pending: true`)
}

/** The operation without its outcome. */
export function asPending<Call, Output>(operation: Operation<Call, Output>): Operation<Call, Output> {
  const { output: _output, returnAt: _returnAt, ...rest } = operation
  return { ...rest, pending: true }
}

/** `set "a" → true`: the call's type, its other fields, and the answer. */
export function operationText(operation: Operation): string {
  const call = callText(operation.call)
  if (operation.pending === true) return `${call} → ?`
  return operation.output === undefined && !/^(?:get|read|dequeue|acquire)\b/.test(call)
    ? call
    : `${call} → ${valueText(operation.output)}`
}

/** The call for people: its type and the values of its fields. */
function callText(call: unknown): string {
  if (typeof call !== 'object' || call === null || !('type' in call)) return valueText(call)
  const { type, ...rest } = call
  return [String(type), ...Object.values(rest).map(valueText)].join(' ')
}

/** Any value on one line; different plain data give different texts. */
export function valueText(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`
  if (Array.isArray(value)) return `[${value.map(valueText).join(', ')}]`
  if (value instanceof Set || value instanceof Map) return valueText([...value])
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .map(([name, field]) => `${name}: ${valueText(field)}`)
      .join(', ')}}`
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}
