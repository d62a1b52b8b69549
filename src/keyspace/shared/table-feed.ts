/**
 * How the memory of shards gets to the threads that read it: tables and their segments, as they are made.
 *
 * A shard tells all threads of each segment before anything in it can be found. A thread does not listen; it
 * takes what has come when it meets a segment or a table that it does not know, in the middle of a
 * synchronous read, without its event loop. What was there before a thread came is asked for when it
 * attaches.
 *
 * Writer: the shard, through its own end. Readers: every thread, through `TableDirectory`.
 * Invariants: (1) a segment is told of before a reference into it is published; (2) messages of one shard are
 * taken in their order.
 * Tests: test/keyspace/shared/table-feed.test.ts
 */
import { KeyTableReader } from '../../memory/index.ts'
import type { Broadcast } from '../../transport/index.ts'
import type { KeyspaceMemory } from './keyspace-memory.ts'

/** What a shard tells: a new table, or one more segment of its table. */
export interface TableNews {
  readonly shard: number
  /** The number of the table: see `KeyspaceMemory.tablesOf`. */
  readonly tables: number
  /** Of a new table. */
  readonly directory?: SharedArrayBuffer
  readonly segments: readonly { readonly id: number; readonly buffer: SharedArrayBuffer }[]
}

interface KnownTable {
  readonly tables: number
  readonly reader: KeyTableReader
  readonly segments: SharedArrayBuffer[]
}

/** The tables of all shards, as one thread knows them. */
export class TableDirectory {
  readonly #memory: KeyspaceMemory
  readonly #broadcast: Broadcast
  readonly #tables: (KnownTable | undefined)[] = []

  constructor(memory: KeyspaceMemory, broadcast: Broadcast) {
    this.#memory = memory
    this.#broadcast = broadcast
  }

  /** The reader of a shard's table; undefined while the newest is not known here. */
  reader(shard: number): KeyTableReader | undefined {
    const known = this.#tables[shard]
    if (known !== undefined && known.tables === this.#memory.tablesOf(shard)) return known.reader
    this.drain()
    const table = this.#tables[shard]
    // An older one shows what its shard had before it was lost.
    return table?.tables === this.#memory.tablesOf(shard) ? table.reader : undefined
  }

  /** Whether the newest table of a shard is known here. */
  isCurrent(shard: number): boolean {
    return this.#tables[shard]?.tables === this.#memory.tablesOf(shard)
  }

  /** Takes what has come. */
  drain(): void {
    for (;;) {
      const received = this.#broadcast.receive()
      if (received === undefined) return
      this.take(received.message as TableNews)
    }
  }

  /** What was there before this thread came, as the shard answers it. */
  take({ shard, tables, directory, segments }: TableNews): void {
    const known = this.#tables[shard]
    if (known !== undefined && known.tables > tables) return
    let table = known?.tables === tables ? known : undefined
    if (table === undefined) {
      if (directory === undefined) return
      const list: SharedArrayBuffer[] = []
      const segmentOf = (id: number): SharedArrayBuffer | undefined => {
        if (list[id] === undefined) this.drain()
        return list[id]
      }
      table = { tables, reader: new KeyTableReader(directory, segmentOf), segments: list }
      this.#tables[shard] = table
    }
    for (const { id, buffer } of segments) table.segments[id] = buffer
  }

  close(): void {
    this.#broadcast.close()
  }
}

/** The shard's end: tells of its table. */
export class TablePublisher {
  readonly #shard: number
  readonly #memory: KeyspaceMemory
  readonly #broadcast: Broadcast
  #directory: SharedArrayBuffer | undefined
  #tables = 0
  /** It is not to be read yet. */
  #withheld: SharedArrayBuffer | undefined
  #isWithheld = false
  readonly #segments: { readonly id: number; readonly buffer: SharedArrayBuffer }[] = []

  constructor(shard: number, memory: KeyspaceMemory, broadcast: Broadcast) {
    this.#shard = shard
    this.#memory = memory
    this.#broadcast = broadcast
  }

  /** A segment was made; it may come before its table is told of. */
  addSegment(id: number, buffer: SharedArrayBuffer): void {
    this.#segments.push({ id, buffer })
    if (this.#directory === undefined) return
    this.#broadcast.post({ shard: this.#shard, tables: this.#tables, segments: [{ id, buffer }] })
  }

  /**
   * Until `release` readers find no table, not that of an earlier life either: they are told that the shard
   * is down. A table that a log is replayed into misses keys that are there.
   */
  withhold(): void {
    this.#isWithheld = true
    this.#memory.nextTables(this.#shard)
  }

  release(): void {
    this.#isWithheld = false
    const directory = this.#withheld
    this.#withheld = undefined
    if (directory !== undefined) this.publish(directory)
  }

  /** From now on, or from the release on, readers look into this table. */
  publish(directory: SharedArrayBuffer): void {
    if (this.#isWithheld) {
      this.#withheld = directory
      return
    }
    this.#directory = directory
    const next = this.#memory.tablesOf(this.#shard) + 1
    this.#tables = next
    this.#broadcast.post({ ...this.news(), tables: next })
    this.#memory.nextTables(this.#shard)
  }

  /** Tells all there is once more: see `KeyspaceHost`. */
  tellAgain(): void {
    if (this.#directory !== undefined) this.#broadcast.post(this.news())
  }

  /** All there is, for a thread that comes later. */
  news(): TableNews {
    const directory = this.#directory
    return {
      shard: this.#shard,
      tables: this.#tables,
      segments: this.#segments,
      ...(directory && { directory }),
    }
  }
}
