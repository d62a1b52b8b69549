/**
 * Puts entries into a keyspace, some hundred keys at a time.
 *
 * Keys that must not be replaced are asked for first, all of a batch together, and then the commands of those
 * that are not there are run together: two journeys a batch instead of two a key. Somebody else may make a
 * key between the two, and gets the members of the import added to it; who cannot rule that out replaces
 * keys.
 *
 * Memory: a batch, as commands. Tests: test/keyspace/portable/entry-loader.test.ts
 */
import { ShardloomError } from '../../base/index.ts'
import { textOfBytes } from '../engine/index.ts'
import { type Command, numberOfReply, type RunCommands, refusalOf } from './command-run.ts'
import { commandsOf, type EntryCommandOptions, guardOf, type IfExists } from './entry-commands.ts'
import type { PortableEntry } from './portable-entry.ts'

export interface EntryLoaderOptions {
  /** What becomes of a key that is there already. Default `error`: it ends the import. */
  readonly ifExists?: IfExists
  /** See `EntryCommandOptions`. Default: yes. */
  readonly memberTimes?: boolean
}

/** What an import has done so far. */
export interface LoadSummary {
  /** Keys that were written whole. */
  readonly keys: number
  /** Keys that were there already, and were left as they are. */
  readonly skipped: number
  readonly commands: number
}

const KEY_SHOWN_MAX = 100

/** One import. */
export class EntryLoader {
  readonly #run: RunCommands
  readonly #options: EntryCommandOptions
  /** Entries that are run together: of one database, each key once. */
  #wave: PortableEntry[] = []
  readonly #waveKeys = new Set<string>()
  /** A key that is there, and has parts to come. */
  #skippedKey: string | undefined
  #keys = 0
  #skipped = 0
  #commands = 0

  constructor(run: RunCommands, options: EntryLoaderOptions = {}) {
    this.#run = run
    this.#options = { ifExists: options.ifExists ?? 'error', memberTimes: options.memberTimes ?? true }
  }

  get summary(): LoadSummary {
    return { keys: this.#keys, skipped: this.#skipped, commands: this.#commands }
  }

  /** Loads all of them. @throws SHL_IMPORT_REFUSED, and what `run` and the entries throw */
  async load(
    batches: AsyncIterable<readonly PortableEntry[]> | Iterable<readonly PortableEntry[]>,
  ): Promise<LoadSummary> {
    for await (const batch of batches) await this.add(batch)
    return this.summary
  }

  /** Loads a batch: when this resolves it is there. @throws SHL_IMPORT_REFUSED, and what `run` throws */
  async add(batch: readonly PortableEntry[]): Promise<void> {
    for (const entry of batch) {
      // A key that comes twice must be seen by the guard of the second one.
      const isAgain = entry.part === 0 && this.#waveKeys.has(entry.key)
      if (isAgain || (this.#wave[0]?.db ?? entry.db) !== entry.db) await this.#runWave()
      this.#wave.push(entry)
      this.#waveKeys.add(entry.key)
    }
    await this.#runWave()
  }

  async #runWave(): Promise<void> {
    const entries = this.#wave
    this.#wave = []
    this.#waveKeys.clear()
    if (entries.length === 0) return
    const { db } = entries[0]!
    const existing = await this.#existing(db, entries)
    const commands: Command[] = []
    const owners: PortableEntry[] = []
    const written: PortableEntry[] = []
    for (const entry of entries) {
      if (this.#isSkipped(entry, existing)) continue
      written.push(entry)
      for (const command of commandsOf(entry, this.#options).commands) {
        commands.push(command)
        owners.push(entry)
      }
    }
    if (commands.length === 0) return
    const replies = await this.#run(db, commands)
    for (const [i, reply] of replies.entries()) {
      const refusal = refusalOf(reply)
      if (refusal !== undefined) throw refused(owners[i]!, refusal, reply)
    }
    this.#commands += commands.length
    for (const { isLast } of written) if (isLast) this.#keys++
  }

  /** The keys that are there already, of those that would not be replaced. */
  async #existing(db: number, entries: readonly PortableEntry[]): Promise<ReadonlySet<string>> {
    const existing = new Set<string>()
    const first: PortableEntry[] = []
    const guards: Command[] = []
    for (const entry of entries) {
      const guard = guardOf(entry, this.#options)
      if (guard === undefined) continue
      first.push(entry)
      guards.push(guard)
    }
    if (guards.length === 0) return existing
    const replies = await this.#run(db, guards)
    for (const [i, entry] of first.entries()) {
      if (numberOfReply(replies[i], 'EXISTS') === 0) continue
      if (this.#options.ifExists === 'error') throw refused(entry, 'the key is there already')
      existing.add(entry.key)
    }
    return existing
  }

  /** Whether an entry, or the first part of its key, is one that is left as it is. */
  #isSkipped(entry: PortableEntry, existing: ReadonlySet<string>): boolean {
    const isSkipped = entry.part === 0 ? existing.has(entry.key) : this.#skippedKey === entry.key
    if (!isSkipped) return false
    this.#skippedKey = entry.isLast ? undefined : entry.key
    if (entry.isLast) this.#skipped++
    return true
  }
}

function refused({ db, key }: PortableEntry, reason: string, cause?: unknown): ShardloomError {
  const details = { db, key: textOfBytes(key.slice(0, KEY_SHOWN_MAX)), reason }
  return new ShardloomError('SHL_IMPORT_REFUSED', details, cause === undefined ? {} : { cause })
}
