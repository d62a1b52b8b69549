/**
 * Transactions as a history records them, read once: who wrote what, who read which version, and what is
 * wrong within one transaction alone.
 *
 * Two kinds of keys. A list is appended to and read as a whole: each read tells the order of all writes
 * before it. A register is set and read: less is known, and less is found. Each value is written once per
 * key, so that a value read names its writer.
 *
 * Source: Kingsbury and Alvaro, "Elle: inferring isolation anomalies from experimental observations" (2020).
 * Tests: test/testkit/history/serializable.test.ts
 */
import { invalidOption } from '../../base/index.ts'
import type { ModelValue } from './models.ts'
import { checkTimes, valueText } from './operation.ts'

/** One step of a transaction. */
export type TransactionStep =
  | { readonly type: 'append'; readonly key: string; readonly value: ModelValue }
  | { readonly type: 'read'; readonly key: string; readonly value: readonly ModelValue[] }
  | { readonly type: 'set'; readonly key: string; readonly value: ModelValue }
  | { readonly type: 'get'; readonly key: string; readonly value: ModelValue | undefined }

/** A transaction, or a single command. */
export interface Transaction {
  /** Its name in texts. Default: T and its index. */
  readonly id?: string
  readonly process?: number | string
  /** In order, with what was read. */
  readonly steps: readonly TransactionStep[]
  /** `unknown`: the client was lost; what it read does not count. Default `committed`. */
  readonly status?: 'committed' | 'aborted' | 'unknown'
  readonly callAt: number
  /** Must be there unless the status is `unknown`. */
  readonly returnAt?: number
}

/** What is wrong with a history. */
export interface Anomaly {
  /**
   * After Adya: `G0` (writes only), `G1a` (aborted read), `G1b` (intermediate read), `G1c` (writes and
   * reads), `G-single` (one anti-dependency: read skew, lost update), `G2` (several: write skew). With
   * `-realtime` it needs the order of the clock as well.
   */
  readonly type:
    | `${'G0' | 'G1c' | 'G-single' | 'G2'}${'' | '-realtime'}`
    | 'G1a'
    | 'G1b'
    | 'internal'
    | 'phantom'
    | 'duplicate append'
    | 'lost append'
    | 'incompatible order'
  readonly key: string | undefined
  /** Names of the transactions, in the order of the cycle if it is one. */
  readonly transactions: readonly string[]
  readonly text: string
}

/** A write: by whom, and whether it is the last one of its transaction to this key. */
export interface Write {
  readonly writer: number
  readonly value: ModelValue
  isLast: boolean
}

/** What a transaction saw of others: a list of values, or one value or none. */
export interface ExternalRead {
  readonly reader: number
  readonly values: readonly ModelValue[]
}

/** All accesses to one key. */
export interface KeyAccesses {
  readonly key: string
  readonly isList: boolean
  readonly writes: Map<ModelValue, Write>
  readonly reads: ExternalRead[]
}

/** The history, indexed. */
export interface Accesses {
  readonly transactions: readonly Transaction[]
  readonly keys: ReadonlyMap<string, KeyAccesses>
  /** Per transaction: it was committed, or nobody knows and a committed one saw a write of it. */
  readonly tookEffect: readonly boolean[]
}

/** How texts name a transaction. */
export function nameOf(transactions: readonly Transaction[], index: number): string {
  return transactions[index]?.id ?? `T${index}`
}

/** Reads a history; what is wrong within a transaction goes to `anomalies`. @throws SHL_OPTION_INVALID */
export function readTransactions(transactions: readonly Transaction[], anomalies: Anomaly[]): Accesses {
  const keys = new Map<string, KeyAccesses>()
  for (const [index, transaction] of transactions.entries()) {
    const { callAt, returnAt, status } = transaction
    const times = returnAt === undefined ? { callAt } : { callAt, returnAt }
    checkTimes(`history[${index}]`, { ...times, pending: status === 'unknown' })
    collectWrites(keys, transaction, index)
    if (status === undefined || status === 'committed') collectReads(keys, transactions, index, anomalies)
  }
  return { transactions, keys, tookEffect: effectsOf(transactions, keys) }
}

function effectsOf(
  transactions: readonly Transaction[],
  keys: ReadonlyMap<string, KeyAccesses>,
): readonly boolean[] {
  const tookEffect = transactions.map(({ status = 'committed' }) => status === 'committed')
  for (const { writes, reads } of keys.values()) {
    const open = [...writes.values()].filter(({ writer }) => transactions[writer]!.status === 'unknown')
    if (open.length === 0) continue
    const seen = new Set(reads.flatMap(({ values }) => values))
    for (const { writer, value } of open) if (seen.has(value)) tookEffect[writer] = true
  }
  return tookEffect
}

function accessesOf(keys: Map<string, KeyAccesses>, step: TransactionStep): KeyAccesses {
  const isList = step.type === 'append' || step.type === 'read'
  let found = keys.get(step.key)
  if (found === undefined) {
    found = { key: step.key, isList, writes: new Map(), reads: [] }
    keys.set(step.key, found)
  }
  if (found.isList !== isList) invalidOption(`key ${step.key}`, step.type, 'a list or a register, not both')
  return found
}

function collectWrites(keys: Map<string, KeyAccesses>, transaction: Transaction, writer: number): void {
  const last = new Map<string, Write>()
  for (const step of transaction.steps) {
    const { key, writes } = accessesOf(keys, step)
    if (step.type !== 'append' && step.type !== 'set') continue
    if (writes.has(step.value)) {
      invalidOption(
        `history[${writer}] ${step.type} ${key}`,
        step.value,
        'a value that is written once per key',
      )
    }
    const before = last.get(key)
    if (before !== undefined) before.isLast = false
    const write: Write = { writer, value: step.value, isLast: true }
    writes.set(step.value, write)
    last.set(key, write)
  }
}

/** Reads of what others wrote; the others must agree with what the transaction itself has done. */
function collectReads(
  keys: Map<string, KeyAccesses>,
  transactions: readonly Transaction[],
  reader: number,
  anomalies: Anomaly[],
): void {
  /** Per key what the transaction must see: known from the beginning, or only its end. */
  const views = new Map<string, { values: readonly ModelValue[]; isWhole: boolean }>()
  for (const step of transactions[reader]!.steps) {
    const accesses = accessesOf(keys, step)
    const view = views.get(step.key) ?? { values: [], isWhole: false }
    if (step.type === 'append') views.set(step.key, { ...view, values: [...view.values, step.value] })
    else if (step.type === 'set') views.set(step.key, { values: [step.value], isWhole: true })
    else {
      const values = step.type === 'read' ? step.value : step.value === undefined ? [] : [step.value]
      const from = values.length - view.values.length
      const isRight =
        (view.isWhole ? from === 0 : from >= 0) && view.values.every((v, i) => v === values[from + i])
      if (!isRight) {
        const expected = `${view.isWhole ? '' : '… '}${view.values.map(valueText).join(' ')}`
        const name = nameOf(transactions, reader)
        const found = valueText(step.value)
        const text = `${name} read ${step.key} as ${found}, by its own steps it is ${expected}`
        anomalies.push({ type: 'internal', key: step.key, transactions: [name], text })
      } else if (!view.isWhole) accesses.reads.push({ reader, values: values.slice(0, from) })
      views.set(step.key, { values, isWhole: true })
    }
  }
}
