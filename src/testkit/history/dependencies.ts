/**
 * The graph of dependencies between transactions, and those that lists tell.
 *
 *     ww   T1 wrote a version, T2 the next one           T1 → T2
 *     wr   T1 wrote what T2 read                         T1 → T2
 *     rw   T1 read a version, T2 wrote the next one      T1 → T2   (an anti-dependency)
 *     rt   T1 had returned when T2 was called            T1 → T2
 *
 * All reads of a list must be prefixes of the longest one, which is the order of its versions. Committed
 * appends that nobody has seen come after it, in an order that nobody knows: readers of the longest version
 * lead to all of them through one joint, a node that is no transaction, so that edges stay few.
 *
 * Cost: as many edges as there are reads and writes; the elements of all reads are looked at once.
 * Tests: test/testkit/history/serializable.test.ts
 * Source: Adya, "Weak consistency" (1999); Kingsbury and Alvaro, "Elle" (2020).
 */
import type { ModelValue } from './models.ts'
import { valueText } from './operation.ts'
import {
  type Accesses,
  type Anomaly,
  type ExternalRead,
  type KeyAccesses,
  nameOf,
  type Write,
} from './transactions.ts'

/**
 * Kinds of edges, as bits of a mask. `RW | RT` is an anti-dependency that the clock helped to infer. A joint
 * lets through whatever came to it.
 */
export const WW = 1
export const WR = 2
export const RW = 4
export const RT = 8
export const JOINT = 16
/** The order of two writes that a third transaction's read tells, by the clock. */
export const INFERRED: number = WW | WR | RW | RT

/** One dependency: `to` must come after `from`. */
export interface Edge {
  readonly from: number
  readonly to: number
  readonly kind: number
  readonly key: string | undefined
  /** What was written first, or read; undefined is the beginning. */
  readonly value: ModelValue | undefined
}

/** Nodes are the transactions, by index, and behind them the joints. */
export class DependencyGraph {
  readonly edges: Edge[] = []
  readonly transactionCount: number
  nodeCount: number

  constructor(transactionCount: number) {
    this.transactionCount = transactionCount
    this.nodeCount = transactionCount
  }

  add(from: number, to: number, kind: number, key?: string, value?: ModelValue): void {
    if (from !== to) this.edges.push({ from, to, kind, key, value })
  }

  addJoint(): number {
    return this.nodeCount++
  }
}

/** Whether a read value is one that may be read; tells what is wrong otherwise. */
export function writeOf(
  { transactions }: Accesses,
  { key, writes }: KeyAccesses,
  { reader }: ExternalRead,
  value: ModelValue,
  anomalies: Anomaly[],
): Write | undefined {
  const write = writes.get(value)
  const [who, what] = [nameOf(transactions, reader), valueText(value)]
  if (write === undefined) {
    const text = `${who} read ${what} from ${key}, which nobody wrote`
    anomalies.push({ type: 'phantom', key, transactions: [who], text })
  } else if (transactions[write.writer]!.status === 'aborted') {
    const writer = nameOf(transactions, write.writer)
    const text = `${who} read ${what} from ${key}, which ${writer} wrote and took back: it was aborted`
    anomalies.push({ type: 'G1a', key, transactions: [who, writer], text })
    return undefined
  }
  return write
}

/** A read must not end within another transaction. */
export function checkIntermediate(
  { transactions }: Accesses,
  key: string,
  { reader }: ExternalRead,
  write: Write,
  anomalies: Anomaly[],
): void {
  if (write.isLast || write.writer === reader) return
  const [who, writer] = [nameOf(transactions, reader), nameOf(transactions, write.writer)]
  const value = valueText(write.value)
  const text = `${who} read ${key} when ${writer} had written ${value} and was not done with ${key}`
  anomalies.push({ type: 'G1b', key, transactions: [who, writer], text })
}

/** Adds what the reads of a list tell. */
export function addListDependencies(
  graph: DependencyGraph,
  accesses: Accesses,
  list: KeyAccesses,
  isRealTime: boolean,
  anomalies: Anomaly[],
): void {
  const { key } = list
  const reads = withoutAborted(accesses, list, anomalies)
  const longest = reads.reduce<readonly ModelValue[]>(
    (best, { values }) => (values.length > best.length ? values : best),
    [],
  )
  const fitting = reads.filter((read) => isPrefix(accesses, list, read, longest, anomalies))
  const shortestSeeing = [...fitting].sort((a, b) => a.values.length - b.values.length)
  let next = 0
  const writes = longest.map((value, i) => {
    while (next < shortestSeeing.length && shortestSeeing[next]!.values.length <= i) next++
    const reader = shortestSeeing[next]
    return reader && writeOf(accesses, list, reader, value, anomalies)
  })
  for (let i = 1; i < writes.length; i++) {
    const [before, after] = [writes[i - 1], writes[i]]
    if (before && after) graph.add(before.writer, after.writer, WW, key, before.value)
  }
  for (const read of fitting) {
    const last = writes[read.values.length - 1]
    if (last !== undefined) {
      graph.add(last.writer, read.reader, WR, key, last.value)
      checkIntermediate(accesses, key, read, last, anomalies)
    }
    const following = writes[read.values.length]
    if (following !== undefined) graph.add(read.reader, following.writer, RW, key, last?.value)
  }
  addUnseen(graph, accesses, list, longest, fitting, isRealTime, anomalies)
}

/** Reads of what was taken back tell nothing of the order of the rest. */
function withoutAborted(
  accesses: Accesses,
  list: KeyAccesses,
  anomalies: Anomaly[],
): readonly ExternalRead[] {
  const aborted = new Set<ModelValue>()
  for (const { value, writer } of list.writes.values())
    if (accesses.transactions[writer]!.status === 'aborted') aborted.add(value)
  if (aborted.size === 0) return list.reads
  return list.reads.filter((read) => {
    const value = read.values.find((candidate) => aborted.has(candidate))
    if (value !== undefined) writeOf(accesses, list, read, value, anomalies)
    return value === undefined
  })
}

function isPrefix(
  { transactions }: Accesses,
  { key }: KeyAccesses,
  { reader, values }: ExternalRead,
  longest: readonly ModelValue[],
  anomalies: Anomaly[],
): boolean {
  const name = nameOf(transactions, reader)
  const isFit = values.every((value, i) => value === longest[i])
  if (!isFit || values === longest) {
    const twice =
      values.length === new Set(values).size ? -1 : values.findIndex((v, i) => values.indexOf(v) !== i)
    if (twice !== -1) {
      const text = `${name} read ${valueText(values[twice])} twice in ${key}: ${valueText(values)}`
      anomalies.push({ type: 'duplicate append', key, transactions: [name], text })
      return false
    }
  }
  if (isFit) return true
  const at = values.findIndex((value, i) => value !== longest[i])
  const text =
    `${name} read ${key} as ${valueText(values.slice(0, at + 1))}…, but another read has ` +
    `${valueText(longest[at])} at index ${at}: no order of appends explains both`
  anomalies.push({ type: 'incompatible order', key, transactions: [name], text })
  return false
}

/** Committed appends that are in no read come after the longest of them. */
function addUnseen(
  graph: DependencyGraph,
  { transactions, tookEffect }: Accesses,
  { key, writes }: KeyAccesses,
  longest: readonly ModelValue[],
  reads: readonly ExternalRead[],
  isRealTime: boolean,
  anomalies: Anomaly[],
): void {
  const seen = new Set(longest)
  const unseen = [...writes.values()].filter(({ value, writer }) => !seen.has(value) && tookEffect[writer])
  if (unseen.length === 0) return
  const writers = new Set(unseen.map(({ writer }) => writer))
  const joint = graph.addJoint()
  for (const writer of writers) graph.add(joint, writer, JOINT)
  const lastValue = longest.at(-1)
  const last = lastValue === undefined ? undefined : writes.get(lastValue)
  if (last !== undefined && tookEffect[last.writer] && !writers.has(last.writer))
    graph.add(last.writer, joint, WW, key, lastValue)
  for (const { reader, values } of reads) {
    if (values.length !== longest.length) continue
    // Through the joint a writer would come after itself.
    if (!writers.has(reader)) graph.add(reader, joint, RW, key, lastValue)
    else for (const writer of writers) graph.add(reader, writer, RW, key, lastValue)
  }
  if (!isRealTime) return
  const latest = reads.reduce<number | undefined>(
    (best, { reader }) =>
      best === undefined || transactions[reader]!.callAt > transactions[best]!.callAt ? reader : best,
    undefined,
  )
  if (latest === undefined) return
  for (const { writer, value } of unseen) {
    const { status, returnAt } = transactions[writer]!
    if (status === 'unknown' || returnAt! >= transactions[latest]!.callAt) continue
    const [who, reader] = [nameOf(transactions, writer), nameOf(transactions, latest)]
    const text =
      `${who} appended ${valueText(value)} to ${key} and returned, but ${reader}, called later, ` +
      'does not see it, nor does any other read'
    anomalies.push({ type: 'lost append', key, transactions: [who, reader], text })
  }
}
