/**
 * The definitions, word by word: some order of all that was answered, and of any of what was not, that agrees
 * with the clock and with every answer.
 */
import { type Model, type Operation, type Transaction, UNKNOWN } from '../../../src/testkit/index.ts'

export function isLinearizable<State, Call, Output>(
  history: readonly Operation<Call, Output>[],
  model: Model<State, Call, Output>,
): boolean {
  const place = (state: State, left: readonly Operation<Call, Output>[]): boolean => {
    if (left.every(({ pending }) => pending === true)) return true
    return left.some((operation, i) => {
      const isFirst = left.every((other) => other.pending === true || other.returnAt! >= operation.callAt)
      if (!isFirst) return false
      const output = operation.pending === true ? UNKNOWN : (operation.output as Output)
      const next = model.step(state, operation.call, output)
      return next !== undefined && place(next, left.toSpliced(i, 1))
    })
  }
  return place(model.init(), history)
}

/** Whether some order of the transactions explains all that committed ones have read. */
export function isSerializable(history: readonly Transaction[], isRealTime = true): boolean {
  const place = (
    state: Readonly<Record<string, readonly unknown[]>>,
    left: readonly Transaction[],
  ): boolean => {
    if (left.every(({ status }) => status === 'unknown')) return true
    return left.some((transaction, i) => {
      const isFirst = left.every(
        (other) => other.status === 'unknown' || other.returnAt! >= transaction.callAt,
      )
      if (isRealTime && !isFirst) return false
      const next = apply(state, transaction)
      return next !== undefined && place(next, left.toSpliced(i, 1))
    })
  }
  return place(
    {},
    history.filter(({ status }) => status !== 'aborted'),
  )
}

function apply(state: Readonly<Record<string, readonly unknown[]>>, { steps, status }: Transaction) {
  const next = { ...state }
  for (const step of steps) {
    const before = next[step.key] ?? []
    if (step.type === 'append') next[step.key] = [...before, step.value]
    else if (step.type === 'set') next[step.key] = [step.value]
    else if (status !== 'unknown') {
      const found = step.type === 'read' ? step.value : step.value === undefined ? [] : [step.value]
      if (found.length !== before.length || found.some((value, i) => value !== before[i])) return undefined
    }
  }
  return next
}
