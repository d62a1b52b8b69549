/**
 * The directory of metrics: from a name to its record, found or made by any thread without a lock.
 *
 * A hash table with linear probing over words in shared memory. To insert, a thread writes a whole record in
 * memory that nobody else knows, then puts its offset into the first free word of the name's path with a
 * compare-exchange. If it loses, it looks at what the winner has put there: the same name is the answer,
 * another name is passed by.
 *
 * Nobody ever waits for anybody: there is no state "being inserted" that a thread could die in. The price is
 * a record for nothing when two threads insert one name at the same moment. The loser keeps it for its next
 * name.
 *
 * Writer: any thread. Readers: any thread.
 * Invariants: (1) whoever finds a record finds it whole, name and kind, and they never change; (2) a name
 * stands in one word at the most: every inserter of it walks the same path, and words never become free
 * again; (3) no two records overlap: a bump pointer moves by compare-exchange, and only when the record fits.
 * Publication order: the record with plain stores, then the word of the table with `Atomics.compareExchange`.
 * Who loads the word with `Atomics.load` may read the record with plain loads.
 * Cost: 3 µs to make, 1 µs to find, once per thread and name; a nearly full table costs more.
 * Tests: test/memory/metrics.test.ts, metric-directory.model.test.ts, metrics.race.test.ts
 */
import { prepareHistogram } from './histogram.ts'
import {
  HISTOGRAM_NEXT_WORD,
  KIND_HISTOGRAM,
  KIND_WORD,
  metricsCapacity,
  NAME_LENGTH_WORD,
  NAME_OFFSET,
  recordBytesOf,
  regionsOf,
  SMALL_NEXT_WORD,
  TABLE_OFFSET,
  VALUE_OFFSET,
} from './metrics-layout.ts'

/** There is no room for another name, or for another record of that size. */
export const DIRECTORY_FULL = 0

const TABLE_WORD = TABLE_OFFSET >> 2

/** Finds and makes records; one per thread and buffer. */
export class MetricDirectory {
  readonly metricsMax: number
  /** Views of the whole buffer. */
  readonly words: Int32Array<SharedArrayBuffer>
  readonly cells: BigInt64Array<SharedArrayBuffer>
  readonly #bytes: Uint8Array<SharedArrayBuffer>
  readonly #smallEnd: number
  /**
   * Bump pointer → a record that this thread took there and nobody has seen, because another thread was
   * first.
   */
  readonly #spare = new Map<number, number>()

  /** @throws SHL_OPTION_INVALID when the buffer is something else */
  constructor(buffer: SharedArrayBuffer) {
    this.metricsMax = metricsCapacity(buffer)
    this.words = new Int32Array(buffer)
    this.cells = new BigInt64Array(buffer, 0, buffer.byteLength >> 3)
    this.#bytes = new Uint8Array(buffer)
    this.#smallEnd = regionsOf(this.metricsMax).histogramOffset
  }

  /** The offset of the record of `name`, made with `kind` if there was none; or `DIRECTORY_FULL`. */
  findOrInsert(name: string, kind: number): number {
    const { metricsMax, words } = this
    let entry = hashName(name) % metricsMax
    for (let looked = 0; looked < metricsMax; looked++) {
      const word = TABLE_WORD + entry
      let offset = Atomics.load(words, word)
      if (offset === 0) {
        const made = this.#makeRecord(name, kind)
        if (made === DIRECTORY_FULL) return DIRECTORY_FULL
        offset = Atomics.compareExchange(words, word, 0, made)
        if (offset === 0) return made
        this.#spare.set(nextWordOf(kind), made)
      }
      if (this.nameAt(offset) === name) return offset
      entry = entry + 1 === metricsMax ? 0 : entry + 1
    }
    return DIRECTORY_FULL
  }

  /** The offsets of all records, in no order. */
  *offsets(): IterableIterator<number> {
    for (let entry = 0; entry < this.metricsMax; entry++) {
      const offset = Atomics.load(this.words, TABLE_WORD + entry)
      if (offset !== 0) yield offset
    }
  }

  kindAt(offset: number): number {
    return this.words[(offset >> 2) + KIND_WORD]!
  }

  nameAt(offset: number): string {
    const length = this.words[(offset >> 2) + NAME_LENGTH_WORD]!
    let name = ''
    for (let i = 0; i < length; i++) name += String.fromCharCode(this.#bytes[offset + NAME_OFFSET + i]!)
    return name
  }

  /** A record that nobody else knows. */
  #makeRecord(name: string, kind: number): number {
    const offset = this.#spare.get(nextWordOf(kind)) ?? this.#takeMemory(kind)
    if (offset === DIRECTORY_FULL) return DIRECTORY_FULL
    this.#spare.delete(nextWordOf(kind))
    this.words[(offset >> 2) + KIND_WORD] = kind
    this.words[(offset >> 2) + NAME_LENGTH_WORD] = name.length
    for (let i = 0; i < name.length; i++) this.#bytes[offset + NAME_OFFSET + i] = name.charCodeAt(i)
    if (kind === KIND_HISTOGRAM) prepareHistogram(this.cells, offset + VALUE_OFFSET)
    return offset
  }

  /** Memory that nobody had before: all zero. */
  #takeMemory(kind: number): number {
    const sizeBytes = recordBytesOf(kind)
    const endBytes = kind === KIND_HISTOGRAM ? this.words.byteLength : this.#smallEnd
    const word = nextWordOf(kind)
    let next = Atomics.load(this.words, word)
    while (next + sizeBytes <= endBytes) {
      const found = Atomics.compareExchange(this.words, word, next, next + sizeBytes)
      if (found === next) return next
      next = found
    }
    return DIRECTORY_FULL
  }
}

/** The bump pointer of a kind. */
function nextWordOf(kind: number): number {
  return kind === KIND_HISTOGRAM ? HISTOGRAM_NEXT_WORD : SMALL_NEXT_WORD
}

/** FNV-1a, 32 bits, not negative. */
function hashName(name: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193)
  return (hash ^ (hash >>> 15)) >>> 0
}
