/**
 * Whether reads straight from shared memory kept their promise: never older than what was acknowledged
 * before, never going back, never from the future, never torn.
 *
 * Writes of a key are in the order of their revisions. A read may find any revision between two bounds:
 *
 *     revisions  ──5────6────7────8────9──▶
 *                  │    └─ from ─┘    │
 *                  │                  └ begun only after the read had returned: from the future
 *                  └ older than one that was acknowledged before the read was called: stale; or older than
 *                    what this thread had found before: went back
 *
 * A value that was written several times may be any of those writes. The oldest one that is allowed is taken:
 * it leaves most freedom to the reads that follow, so nothing right is accused.
 * This is weaker than linearizability and linear to check: two threads may see a write that is under way in
 * different order, unless `acrossThreads` forbids it.
 *
 * Cost: n log n. Tests: test/testkit/history/reads.test.ts, reads.prop.test.ts
 * Source: the session guarantees of Terry and others (1994), read-your-writes and monotonic reads.
 */
import { checkKnownOptions } from '../../base/index.ts'
import { checkTimes, valueText } from './operation.ts'

/** A write, or a removal (`value: undefined`). */
export interface RecordedWrite {
  readonly key: string
  readonly value: unknown
  /** Its place in the order of the key's writes; not known if nobody acknowledged it. */
  readonly revision?: number | bigint
  readonly callAt: number
  /** When it was acknowledged. Without it: perhaps it took effect, perhaps not. */
  readonly returnAt?: number
}

/** A read, by one thread. */
export interface RecordedRead {
  readonly thread: number | string
  readonly key: string
  /** What was found; undefined when there was nothing. Compared with `===`. */
  readonly value: unknown
  readonly callAt: number
  readonly returnAt: number
}

/** What is judged: all writes of some keys, and reads of them. Before the first write there is nothing. */
export interface ReadHistory {
  readonly writes: readonly RecordedWrite[]
  readonly reads: readonly RecordedRead[]
}

/** Options of `checkReads`. */
export interface ReadsOptions {
  /** What one thread has found, others must not go behind either. Default false. */
  readonly acrossThreads?: boolean
}

/** A broken promise. */
export interface ReadViolation {
  readonly type: 'stale' | 'went back' | 'from the future' | 'never written' | 'revisions out of order'
  readonly key: string
  /** The read; none when the revisions themselves are wrong. */
  readonly read: RecordedRead | undefined
  readonly text: string
}

/** What `checkReads` has found. */
export type ReadsOutcome =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly violations: readonly ReadViolation[]; readonly text: string }

/** A write with its place in the order; the beginning has 0. */
interface Version {
  readonly place: number
  readonly write: RecordedWrite
}

/** Places that are known from a time on. */
interface Bound {
  readonly at: number
  readonly place: number
}

const NAMED_MAX = 10
const ALWAYS = Number.NEGATIVE_INFINITY

/**
 * Judges reads of single keys, such as those of `getSync`.
 *
 * @throws SHL_OPTION_INVALID for times that make no sense; SHL_OPTION_UNKNOWN
 * @example
 * ```ts
 * import { checkReads } from 'shardloom/testing'
 *
 * const outcome = checkReads({
 *   writes: [{ key: 'x', value: 'a', revision: 1, callAt: 1, returnAt: 2 }],
 *   reads: [{ thread: 1, key: 'x', value: undefined, callAt: 3, returnAt: 4 }],
 * })
 * if (!outcome.ok) console.log(outcome.text) // stale: …
 * ```
 */
export function checkReads(history: ReadHistory, options: ReadsOptions = {}): ReadsOutcome {
  checkKnownOptions('checkReads', options, ['acrossThreads'])
  for (const [i, write] of history.writes.entries())
    checkTimes(`writes[${i}]`, { ...write, pending: write.returnAt === undefined })
  for (const [i, read] of history.reads.entries()) checkTimes(`reads[${i}]`, read)
  const writesOf = groupBy(history.writes, ({ key }) => key)
  const violations: ReadViolation[] = []
  for (const [key, writes] of writesOf) checkRevisions(key, writes, violations)
  for (const [key, reads] of groupBy(history.reads, (read) => read.key)) {
    const versions = versionsOf(writesOf.get(key) ?? [], key)
    checkKey(versions, reads, options.acrossThreads === true, violations)
  }
  if (violations.length === 0) return { ok: true, text: `${history.reads.length} reads are as promised` }
  const named = violations.slice(0, NAMED_MAX).map(({ type, text }) => `${type}: ${text}`)
  const more = violations.length - named.length
  return { ok: false, violations, text: [...named, ...(more > 0 ? [`and ${more} more`] : [])].join('\n') }
}

/** A write that was acknowledged before another was called has a smaller revision. */
function checkRevisions(key: string, writes: readonly RecordedWrite[], violations: ReadViolation[]): void {
  const known = writes.filter(({ revision }) => revision !== undefined)
  const byRevision = known.sort((a, b) =>
    a.revision! < b.revision! ? -1 : a.revision! > b.revision! ? 1 : 0,
  )
  let latest: RecordedWrite | undefined
  for (const write of byRevision) {
    if (latest !== undefined && write.returnAt !== undefined && write.returnAt < latest.callAt) {
      const text =
        `${key}=${valueText(write.value)} has revision ${write.revision} and was acknowledged at ` +
        `${write.returnAt}, ${valueText(latest.value)} was called at ${latest.callAt} ` +
        `and has revision ${latest.revision}`
      violations.push({ type: 'revisions out of order', key, read: undefined, text })
    }
    if (latest === undefined || write.callAt > latest.callAt) latest = write
  }
}

/** Known revisions in order; places of the others are unknown, which is -1. */
function versionsOf(writes: readonly RecordedWrite[], key: string): Version[] {
  const beginning = { key, value: undefined, callAt: ALWAYS, returnAt: ALWAYS }
  const known = writes.filter(({ revision }) => revision !== undefined)
  const byRevision = known.sort((a, b) => (a.revision! < b.revision! ? -1 : 1))
  const unknown = writes.filter(({ revision }) => revision === undefined)
  return [
    { place: 0, write: beginning },
    ...byRevision.map((write, i) => ({ place: i + 1, write })),
    ...unknown.map((write) => ({ place: -1, write })),
  ]
}

function checkKey(
  versions: readonly Version[],
  reads: readonly RecordedRead[],
  isAcrossThreads: boolean,
  violations: ReadViolation[],
): void {
  const byValue = groupBy(versions, ({ write }) => write.value)
  const acknowledged = boundsOf(
    versions.flatMap(({ place, write }) =>
      write.returnAt === undefined ? [] : [{ at: write.returnAt, place }],
    ),
  )
  const seenBy = new Map<number | string, number>()
  const placeOf = new Map<RecordedRead, number>()
  const byReturn = [...reads].sort((a, b) => a.returnAt - b.returnAt)
  let returned = 0
  let seenByAll = 0
  for (const read of [...reads].sort((a, b) => a.callAt - b.callAt)) {
    for (; byReturn[returned]!.returnAt < read.callAt; returned++)
      seenByAll = Math.max(seenByAll, placeOf.get(byReturn[returned]!) ?? 0)
    const candidates = byValue.get(read.value) ?? []
    const begun = candidates.filter(({ write }) => write.callAt <= read.returnAt)
    const acknowledgedPlace = placeBefore(acknowledged, read.callAt)
    const seenPlace = Math.max(seenBy.get(read.thread) ?? 0, isAcrossThreads ? seenByAll : 0)
    // A write of unknown place may stand anywhere.
    if (begun.some(({ place }) => place === -1)) continue
    const places = begun.map(({ place }) => place)
    const fresh = places.filter((place) => place >= acknowledgedPlace)
    const allowed = fresh.filter((place) => place >= seenPlace)
    if (allowed.length > 0) {
      const place = Math.min(...allowed)
      seenBy.set(read.thread, place)
      placeOf.set(read, place)
      continue
    }
    const describe = (place: number) => valueText(versions[place]!.write.value)
    violations.push(
      violation(
        read,
        candidates,
        places,
        fresh,
        describe(fresh.length === 0 ? acknowledgedPlace : seenPlace),
      ),
    )
  }
}

function violation(
  read: RecordedRead,
  candidates: readonly Version[],
  begun: readonly number[],
  fresh: readonly number[],
  expected: string,
): ReadViolation {
  const { key, thread, value, callAt, returnAt } = read
  const what = `thread ${thread} read ${key}=${valueText(value)} between ${callAt} and ${returnAt}`
  const make = (type: ReadViolation['type'], text: string) => ({ type, key, read, text })
  if (candidates.length === 0) return make('never written', `${what}, which nobody wrote`)
  if (begun.length === 0) {
    return make('from the future', `${what}, which was written only from ${candidates[0]!.write.callAt} on`)
  }
  if (fresh.length === 0) return make('stale', `${what}, after ${expected} had been acknowledged`)
  return make('went back', `${what}, after ${expected} had been seen`)
}

/** The greatest place so far, by time. */
function boundsOf(bounds: readonly Bound[]): Bound[] {
  let place = 0
  return [...bounds]
    .sort((a, b) => a.at - b.at)
    .map((bound) => {
      place = Math.max(place, bound.place)
      return { at: bound.at, place }
    })
}

/** The greatest place known strictly before a time. */
function placeBefore(bounds: readonly Bound[], time: number): number {
  let low = 0
  let high = bounds.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (bounds[middle]!.at < time) low = middle + 1
    else high = middle
  }
  return bounds[low - 1]?.place ?? 0
}

function groupBy<T, Key>(items: readonly T[], keyOf: (item: T) => Key): Map<Key, T[]> {
  const groups = new Map<Key, T[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group === undefined) groups.set(keyOf(item), [item])
    else group.push(item)
  }
  return groups
}
