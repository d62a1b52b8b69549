/**
 * The plain SETs that a replay of the log comes by, as bytes: most of them are never looked at.
 *
 *     chunk   revision, 8 · length of the key, 4 · where the value is, 4 · its length, 4 · key … value │ …
 *
 * A log has many times what watchers may come back to, and how many records its end has shows at the end. So
 * all are kept for a while, in chunks that are used again, and only what is left when the log ends becomes
 * objects. Objects from the start would be most of what a replay costs: they live just long enough to be
 * copied by the collector.
 *
 * Invariant: what was added and is above `compactedAt` is here.
 * Cost: some 100 ns for a SET of 64 bytes, and twice the limits of bytes.
 * Tests: test/keyspace/watch/replayed-sets.test.ts
 */
import { LARGE_VALUE_BYTES } from '../engine/index.ts'
import type { HistoryLimits } from './change-history.ts'
import { type ChangeRecord, plainSetBytes } from './change-record.ts'

const CHUNK_BYTES = 64 * 1024
/** Before the words. */
const HEAD_BYTES = 20

interface Chunk {
  readonly bytes: Buffer & { latin1Slice(start: number, end: number): string }
  readonly view: DataView
  used: number
  count: number
  /** What the records would take: see `recordBytes`. */
  cost: number
  newest: number
}

/** SETs at the end of a log. */
export class ReplayedSets {
  readonly #limits: HistoryLimits
  #chunks: Chunk[] = []
  #spare: Chunk | undefined
  #count = 0
  #cost = 0
  /** SETs at or below this revision may be missing. */
  compactedAt = 0

  constructor(limits: HistoryLimits) {
    this.#limits = limits
  }

  add(
    payload: Uint8Array,
    keyOffset: number,
    keyLength: number,
    valueOffset: number,
    valueLength: number,
    revision: number,
  ): void {
    const words = valueOffset + valueLength - keyOffset
    let chunk = this.#chunks.at(-1)
    if (chunk === undefined || chunk.used + HEAD_BYTES + words > chunk.bytes.length) {
      chunk = this.#open(HEAD_BYTES + words)
    }
    const { bytes, view, used } = chunk
    view.setFloat64(used, revision, true)
    view.setUint32(used + 8, keyLength, true)
    view.setUint32(used + 12, valueOffset - keyOffset, true)
    view.setUint32(used + 16, valueLength, true)
    bytes.set(payload.subarray(keyOffset, keyOffset + words), used + HEAD_BYTES)
    const cost = plainSetBytes(keyLength, valueLength)
    chunk.used = used + HEAD_BYTES + words
    chunk.count++
    chunk.cost += cost
    if (revision > chunk.newest) chunk.newest = revision
    this.#count++
    this.#cost += cost
  }

  /** Forgets all. */
  clear(): void {
    this.#chunks = []
    this.#count = 0
    this.#cost = 0
  }

  /** All that is left, as records, in the order in which they came; then nothing is. */
  take(): readonly ChangeRecord[] {
    const records = this.#chunks.flatMap(recordsIn)
    this.clear()
    this.#spare = undefined
    return records
  }

  /** Another chunk; the oldest go when what is behind them is enough. */
  #open(atLeast: number): Chunk {
    const { recordsMax, bytesMax } = this.#limits
    for (let oldest = this.#chunks[0]; oldest !== undefined; oldest = this.#chunks[0]) {
      if (this.#count - oldest.count < recordsMax && this.#cost - oldest.cost < bytesMax) break
      this.#chunks.shift()
      this.#count -= oldest.count
      this.#cost -= oldest.cost
      this.compactedAt = Math.max(this.compactedAt, oldest.newest)
      this.#spare = oldest
    }
    const spare = this.#spare
    this.#spare = undefined
    const isEnough = spare !== undefined && spare.bytes.length >= atLeast
    const bytes = isEnough
      ? spare.bytes
      : (Buffer.allocUnsafeSlow(Math.max(atLeast, CHUNK_BYTES)) as Chunk['bytes'])
    const view = isEnough ? spare.view : new DataView(bytes.buffer)
    const chunk = { bytes, view, used: 0, count: 0, cost: 0, newest: 0 }
    this.#chunks.push(chunk)
    return chunk
  }
}

function recordsIn({ bytes, view, used }: Chunk): ChangeRecord[] {
  const records: ChangeRecord[] = []
  for (let at = 0; at < used; ) {
    const revision = view.getFloat64(at, true)
    const keyAt = at + HEAD_BYTES
    const valueAt = keyAt + view.getUint32(at + 12, true)
    const end = valueAt + view.getUint32(at + 16, true)
    const key = bytes.latin1Slice(keyAt, keyAt + view.getUint32(at + 8, true))
    const isLarge = end - valueAt >= LARGE_VALUE_BYTES
    const value = isLarge ? new Uint8Array(bytes.subarray(valueAt, end)) : bytes.latin1Slice(valueAt, end)
    records.push({
      revision,
      isShared: false,
      changes: [{ db: 0, key, event: 'set', type: 'string', value }],
    })
    at = end
  }
  return records
}
