/**
 * Transactions of random clients on lists and registers that are atomic, or have one kind of bug planted.
 *
 * A bug shows in one place of the history at least; `planted` says whether there was one to plant it at. At
 * the end all lists are read, so that every append has been seen.
 */
import { seededRandom } from '../../../src/base/index.ts'
import type { Transaction, TransactionStep } from '../../../src/testkit/index.ts'

export type TransactionBug =
  | 'stale read'
  | 'lost update'
  | 'half done'
  | 'write skew'
  | 'reordered'
  | 'aborted read'
  | 'lost append'

interface Options {
  readonly count: number
  readonly clients?: number
  readonly keys?: number
  readonly bug?: TransactionBug
}

interface Running {
  readonly callAt: number
  steps?: TransactionStep[]
  status?: 'committed' | 'aborted' | 'unknown'
}

/** What a key holds, and when each element was there for all: when its transaction had returned. */
interface List {
  values: number[]
}

export function runTransactions(
  seed: number,
  options: Options,
): { history: Transaction[]; planted: boolean } {
  const { count, clients = 5, keys = 4, bug } = options
  const random = seededRandom(seed)
  const lists = Array.from({ length: keys }, (): List => ({ values: [] }))
  const history: Transaction[] = []
  const running: (Running | undefined)[] = Array.from({ length: clients })
  let [now, written, begun] = [0, 0, 0]
  let planted = false
  const bugAt = Math.floor(count / 2)
  const key = (i: number) => `k${i}`
  const read = (i: number): TransactionStep => ({ type: 'read', key: key(i), value: [...lists[i]!.values] })
  const append = (i: number): TransactionStep => {
    lists[i]!.values.push(++written)
    return { type: 'append', key: key(i), value: written }
  }
  const add = (steps: readonly TransactionStep[], status: Transaction['status'] = 'committed'): void => {
    history.push({ steps, status, callAt: ++now, returnAt: ++now })
  }
  const effect = (): TransactionStep[] => {
    const steps: TransactionStep[] = []
    for (let i = random.below(4); i >= 0; i--) {
      const k = random.below(keys)
      steps.push(random.below(2) === 0 ? read(k) : append(k))
    }
    return steps
  }
  while (begun < count || running.some((one) => one !== undefined)) {
    if (bug !== undefined && !planted && begun >= bugAt) {
      plant(bug)
      planted = true
    }
    const i = random.below(clients)
    const one = running[i]
    if (one === undefined) {
      if (begun === count) continue
      begun++
      running[i] = { callAt: ++now }
    } else if (one.steps === undefined) {
      const dice = random.below(20)
      one.status = dice === 0 ? 'aborted' : dice === 1 ? 'unknown' : 'committed'
      const before = lists.map(({ values }) => [...values])
      one.steps = effect()
      const isUndone = one.status === 'aborted' || (one.status === 'unknown' && random.below(2) === 0)
      if (isUndone) for (const [k, values] of before.entries()) lists[k]!.values = values
    } else {
      const { callAt, steps, status = 'committed' } = one
      history.push(
        status === 'unknown' ? { steps, status, callAt } : { steps, status, callAt, returnAt: ++now },
      )
      running[i] = undefined
    }
  }
  add(lists.map((_, i) => read(i)))
  return { history, planted }

  function plant(kind: TransactionBug): void {
    const [a, b] = [0, 1]
    if (kind === 'stale read') {
      add([append(a)])
      const values = lists[a]!.values.slice(0, -1)
      add([{ type: 'read', key: key(a), value: values }])
    } else if (kind === 'lost update') {
      const seen = read(a)
      // Both overlap: the clock has nothing against either order.
      const callAt = ++now
      history.push({ steps: [seen, append(a)], callAt, returnAt: now + 2 })
      history.push({ steps: [seen, append(a)], callAt: ++now, returnAt: ++now })
    } else if (kind === 'half done') {
      const callAt = ++now
      const [first, old] = [append(a), read(b)]
      history.push({ steps: [read(a), old], callAt: ++now, returnAt: ++now })
      history.push({ steps: [first, append(b)], callAt, returnAt: ++now })
    } else if (kind === 'write skew') {
      const callAt = ++now
      const [seenA, seenB] = [read(a), read(b)]
      history.push({ steps: [seenA, append(b)], callAt, returnAt: now + 2 })
      history.push({ steps: [seenB, append(a)], callAt: ++now, returnAt: ++now })
    } else if (kind === 'reordered') {
      const [late, early] = [append(a), append(a)]
      add([early])
      add([late])
    } else if (kind === 'aborted read') {
      add([append(a)], 'aborted')
      add([read(a)])
      lists[a]!.values.pop()
    } else {
      add([append(a)])
      lists[a]!.values.pop()
    }
  }
}

/**
 * The same history on registers: the last element of a list is the value. Strictly serialisable as it was.
 */
export function asRegisters(history: readonly Transaction[]): Transaction[] {
  return history.map((transaction) => ({
    ...transaction,
    steps: transaction.steps.map((step): TransactionStep => {
      if (step.type === 'append') return { ...step, type: 'set' }
      return step.type === 'read' ? { type: 'get', key: step.key, value: step.value.at(-1) } : step
    }),
  }))
}
