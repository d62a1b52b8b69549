/**
 * Dependencies that registers tell: a value names its writer, but not the value before it.
 *
 * The order of versions is inferred where it can be:
 *
 *     nothing written        comes before every write
 *     read v, then set w     w is the next version after v (a second such w is a lost update)
 *     real time              a write that returned before another was called is older; a read does not see a
 *                            value that is older than a write which returned before the read was called
 *
 * These never accuse a right history. They miss some wrong ones: the whole question is NP-complete (Gibbons
 * and Korach), lists have an answer. Record lists where you can.
 *
 * Real time adds edges only to the next generation of writes, those which no other later write precedes:
 * the rest follows through them.
 *
 * Tests: test/testkit/history/serializable.test.ts
 * Source: Kingsbury and Alvaro, "Elle" (2020), the register analysis.
 */
import {
  checkIntermediate,
  type DependencyGraph,
  INFERRED,
  JOINT,
  RT,
  RW,
  WR,
  writeOf,
} from './dependencies.ts'
import type { ModelValue } from './models.ts'
import type { Accesses, Anomaly, ExternalRead, KeyAccesses, Transaction } from './transactions.ts'

/** Writers who are read are compared with others only as far as this: more would say the same again. */
const RIVALS_MAX = 64

/** Adds what the reads of a register tell. */
export function addRegisterDependencies(
  graph: DependencyGraph,
  accesses: Accesses,
  register: KeyAccesses,
  isRealTime: boolean,
  anomalies: Anomaly[],
): void {
  const { key, writes, reads } = register
  const { transactions, tookEffect } = accesses
  const writers = [...new Set([...writes.values()].map(({ writer }) => writer))]
  const committed = writers.filter((writer) => tookEffect[writer])
  const readersOf = new Map<ModelValue | undefined, ExternalRead[]>()
  for (const read of reads) {
    const value = read.values[0]
    if (value !== undefined) {
      const write = writeOf(accesses, register, read, value, anomalies)
      if (write === undefined) continue
      graph.add(write.writer, read.reader, WR, key, value)
      checkIntermediate(accesses, key, read, write, anomalies)
    }
    const readers = readersOf.get(value)
    if (readers === undefined) readersOf.set(value, [read])
    else readers.push(read)
  }
  const isWriter = new Set(committed)
  addBeginning(graph, key, readersOf.get(undefined) ?? [], committed, isWriter)
  const answered = committed.filter((writer) => transactions[writer]!.status !== 'unknown')
  const isAnswered = new Set(answered)
  const generations = isRealTime ? new Generations(transactions, answered) : undefined
  for (const [value, readers] of readersOf) {
    if (value === undefined) continue
    const writer = writes.get(value)!.writer
    const successors = readers.filter(({ reader }) => isWriter.has(reader)).slice(0, RIVALS_MAX)
    const later = isAnswered.has(writer) ? (generations?.after(transactions[writer]!.returnAt!) ?? []) : []
    for (const { reader } of readers) {
      for (const successor of successors) graph.add(reader, successor.reader, RW, key, value)
      for (const next of later) if (next !== writer) graph.add(reader, next, RW | RT, key, value)
      const earlier = generations?.before(transactions[reader]!.callAt) ?? []
      for (const before of earlier) graph.add(before, writer, INFERRED, key)
    }
  }
}

/** Who read that there is nothing comes before all who write. */
function addBeginning(
  graph: DependencyGraph,
  key: string,
  reads: readonly ExternalRead[],
  committed: readonly number[],
  isWriter: ReadonlySet<number>,
): void {
  if (reads.length === 0) return
  const joint = graph.addJoint()
  for (const writer of committed) graph.add(joint, writer, JOINT)
  let rivals = 0
  for (const { reader } of reads) {
    if (!isWriter.has(reader)) graph.add(reader, joint, RW, key)
    else if (rivals++ < RIVALS_MAX) for (const writer of committed) graph.add(reader, writer, RW, key)
  }
}

/** Writers of a key by time. */
class Generations {
  readonly #transactions: readonly Transaction[]
  readonly #byCall: readonly number[]
  readonly #byReturn: readonly number[]

  constructor(transactions: readonly Transaction[], writers: readonly number[]) {
    this.#transactions = transactions
    this.#byCall = [...writers].sort((a, b) => transactions[a]!.callAt - transactions[b]!.callAt)
    this.#byReturn = [...writers].sort((a, b) => transactions[a]!.returnAt! - transactions[b]!.returnAt!)
  }

  /** The writers called after a time that no other such writer precedes. */
  after(time: number): number[] {
    const found: number[] = []
    let endAt = Number.POSITIVE_INFINITY
    const first = lowerBound(this.#byCall.length, (i) => this.#transactions[this.#byCall[i]!]!.callAt > time)
    for (const writer of this.#byCall.slice(first, first + RIVALS_MAX)) {
      const { callAt, returnAt } = this.#transactions[writer]!
      if (callAt > endAt) break
      found.push(writer)
      endAt = Math.min(endAt, returnAt!)
    }
    return found
  }

  /** The writers that returned before a time and precede no other such writer. */
  before(time: number): number[] {
    const found: number[] = []
    let beginAt = Number.NEGATIVE_INFINITY
    const count = lowerBound(
      this.#byReturn.length,
      (i) => this.#transactions[this.#byReturn[i]!]!.returnAt! >= time,
    )
    for (let i = count - 1; i >= Math.max(0, count - RIVALS_MAX); i--) {
      const { callAt, returnAt } = this.#transactions[this.#byReturn[i]!]!
      if (returnAt! < beginAt) break
      found.push(this.#byReturn[i]!)
      beginAt = Math.max(beginAt, callAt)
    }
    return found
  }
}

/** The first index from which on `isFrom` holds. */
function lowerBound(length: number, isFrom: (index: number) => boolean): number {
  let low = 0
  let high = length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (isFrom(middle)) high = middle
    else low = middle + 1
  }
  return low
}
