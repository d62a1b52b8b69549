/**
 * Reads all keys of a keyspace as entries, by commands: SCAN, and what each type has to read it in pages.
 *
 * By commands, and not out of the engine: so it runs against any server that speaks them, Redis from 7.0 on
 * among them, from any thread or process, and no shard is held up by more than a page. Not by DUMP, which
 * takes a value whole. What is lost is a moment common to all keys, which a snapshot has: keys that are
 * written meanwhile are exported as of some moment of the export, each by itself, and where Redis' SCAN gives
 * a key twice it comes twice.
 *
 * A key of one page is read in one piece. A larger one may change between its pages. Where the server has
 * REVISION both are noticed: what fits in memory is read again, a large collection is reported. Without, as
 * in Redis, a key that is written during the export may be a mixture of before and after.
 *
 * Cost: some five journeys for 128 keys of one page. Memory: these pages.
 * Tests: test/keyspace/portable/key-exporter.test.ts
 */
import { type ByteString, bytesOfText } from '../engine/index.ts'
import { bytesOfReply, listOfReply, type RunCommands, wordOf } from './command-run.ts'
import { EntryBatch } from './entry-batch.ts'
import { KeyFetch, type KeyHead, type TimedPage } from './key-fetch.ts'
import { FIRST_PAGE, partsOf } from './key-pages.ts'
import { PartBuilder } from './part-builder.ts'
import type { PortableEntry, SkippedItem } from './portable-entry.ts'

/** What is exported. */
export interface KeyExporterOptions {
  /** Numbers of databases. Default: 0 alone. */
  readonly dbs?: readonly number[]
  /** Only keys that match, as SCAN matches them. Default: all. */
  readonly match?: string
  /** Keys that are looked at together. Default 128. */
  readonly keysPerStep?: number
  /** Told of keys of types that cannot be held. */
  readonly onSkipped?: (item: SkippedItem) => void
  /** Told of keys that changed whenever they were read, and were exported as a mixture, or not at all. */
  readonly onUnstable?: (db: number, key: ByteString) => void
}

/** What was exported so far. */
export interface ExportSummary {
  readonly keys: number
  readonly skipped: number
  readonly unstable: number
}

const KEYS_PER_STEP = 128
/** How often a key that changes is read. */
const ATTEMPTS_MAX = 3

type Batches = AsyncGenerator<readonly PortableEntry[], void, undefined>

/** One export. */
export class KeyExporter {
  readonly #run: RunCommands
  readonly #fetch: KeyFetch
  readonly #options: KeyExporterOptions
  readonly #batch = new EntryBatch()
  #keys = 0
  #skipped = 0
  #unstable = 0

  constructor(run: RunCommands, options: KeyExporterOptions = {}) {
    this.#run = run
    this.#fetch = new KeyFetch(run)
    this.#options = options
  }

  get summary(): ExportSummary {
    return { keys: this.#keys, skipped: this.#skipped, unstable: this.#unstable }
  }

  /** The entries of all keys. @throws SHL_COMMAND_REFUSED, and what `run` throws */
  async *read(): Batches {
    const { dbs = [0], match, keysPerStep = KEYS_PER_STEP } = this.#options
    const pattern = match === undefined ? [] : ['MATCH', wordOf(bytesOfText(match))]
    for (const db of dbs) {
      let cursor = FIRST_PAGE
      do {
        const [reply] = await this.#run(db, [['SCAN', cursor, 'COUNT', String(keysPerStep), ...pattern]])
        const [next, list] = listOfReply(reply, 'SCAN')
        cursor = bytesOfReply(next, 'SCAN')
        const keys = new Set(listOfReply(list, 'SCAN').map((key) => bytesOfReply(key, 'SCAN')))
        yield* this.#readKeys(db, [...keys])
      } while (cursor !== FIRST_PAGE)
    }
    if (!this.#batch.isEmpty) yield this.#batch.take()
  }

  async *#readKeys(db: number, keys: readonly ByteString[]): Batches {
    let left = keys
    for (let attempt = 1; left.length > 0; attempt++) {
      const { heads, others } = await this.#fetch.heads(db, left)
      for (const { key, type } of others) this.#reportOther(db, key, type)
      const pages = await this.#fetch.firstPages(db, heads)
      const isChanged = await this.#changed(db, heads)
      left = []
      for (const [i, head] of heads.entries()) {
        const page = pages[i]
        const isLarge = page?.next !== undefined
        if (page === undefined || (isChanged[i] === true && !isLarge)) {
          if (attempt < ATTEMPTS_MAX) {
            left = [...left, head.key]
            continue
          }
          this.#reportUnstable(head)
        }
        if (page === undefined) continue
        yield* this.#readKey(head, page)
        if (isLarge && (await this.#changed(db, [head]))[0] === true) this.#reportUnstable(head)
      }
    }
  }

  async #changed(db: number, heads: readonly KeyHead[]): Promise<readonly boolean[]> {
    const keys = heads.map(({ key }) => key)
    const revisions = await this.#fetch.revisions(db, keys)
    return heads.map(({ revision }, i) => revision !== revisions[i])
  }

  /** A key from its first page on. */
  async *#readKey(head: KeyHead, first: TimedPage): Batches {
    const { db, key, type, expireAt } = head
    if (type === 'string') {
      const [text] = first.texts
      if (text === undefined) return
      yield* this.#add({ db, key, expireAt, part: 0, isLast: true, value: { type, text } })
      return
    }
    const part = new PartBuilder({ db, key, expireAt, type })
    for (let page: TimedPage | undefined = first; page !== undefined; ) {
      for (const entry of partsOf(part, page, page.times)) yield* this.#add(entry)
      // A key that is of another type by now ends here: it has changed, which is seen later.
      page = page.next === undefined ? undefined : await this.#fetch.page(head, page.next)
    }
    if (!part.isEmpty) yield* this.#add(part.finish())
  }

  *#add(entry: PortableEntry): Generator<readonly PortableEntry[], void, undefined> {
    if (entry.isLast) this.#keys++
    this.#batch.add(entry)
    if (this.#batch.isFull) yield this.#batch.take()
  }

  #reportOther(db: number, key: ByteString, type: string): void {
    this.#skipped++
    this.#options.onSkipped?.({ kind: type === 'stream' ? 'stream' : 'other type', db, key, name: type })
  }

  #reportUnstable({ db, key }: KeyHead): void {
    this.#unstable++
    this.#options.onUnstable?.(db, key)
  }
}
