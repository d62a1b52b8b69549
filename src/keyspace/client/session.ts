/**
 * A caller with a state of its own, as a Redis connection has: a selected database, a transaction that is
 * being put together, keys that are watched.
 *
 * MULTI queues commands and EXEC runs them as one; WATCH remembers the revisions of keys, and EXEC runs nothing
 * when one of them has another one by then.
 * Tests: test/keyspace/session.race.test.ts
 */
import { commandTable } from '../commands/index.ts'
import {
  type Argument,
  byteString,
  ErrorReply,
  err,
  NULL_ARRAY,
  OK,
  QUEUED,
  type Reply,
  StatusReply,
} from '../engine/index.ts'
import type { CallOptions, KeyspaceClient } from './keyspace-client.ts'
import type { BatchCommand, WatchedKey } from './transactions.ts'

const DATABASES = 16
const EXEC_ABORTED = new ErrorReply('EXECABORT', 'Transaction discarded because of previous errors.')

/** A caller's state. */
export class KeyspaceSession {
  readonly #client: KeyspaceClient
  #db = 0
  #queue: BatchCommand[] | undefined
  #hasFailed = false
  #watched = new Map<string, WatchedKey>()

  /** @internal Use `keyspace.session`. */
  constructor(client: KeyspaceClient) {
    this.#client = client
  }

  /** The selected database. */
  get db(): number {
    return this.#db
  }

  /** Whether commands are being queued. */
  get isInTransaction(): boolean {
    return this.#queue !== undefined
  }

  /** Runs a command in this session; errors are replies. */
  async call(argv: readonly Argument[], options: Omit<CallOptions, 'db'> = {}): Promise<Reply> {
    const name = byteString(argv[0] ?? '').toLowerCase()
    const own = this.#ownCommand(name)
    if (own !== undefined) return own.call(this, argv)
    if (this.#queue === undefined) return this.#client.callRaw(argv, { ...options, db: this.#db })
    const spec = commandTable.find(argv)
    if (spec instanceof ErrorReply) {
      this.#hasFailed = true
      return spec
    }
    this.#queue.push({ argv, db: this.#db })
    return QUEUED
  }

  #ownCommand(name: string): ((argv: readonly Argument[]) => Reply | Promise<Reply>) | undefined {
    switch (name) {
      case 'multi':
        return this.#multi
      case 'exec':
        return this.#exec
      case 'discard':
        return this.#discard
      case 'watch':
        return this.#watch
      case 'unwatch':
        return this.#unwatch
      case 'select':
        return this.#select
      case 'reset':
        return this.#reset
      case 'quit':
        return this.#quit
      default:
        return undefined
    }
  }

  #multi(argv: readonly Argument[]): Reply {
    if (argv.length !== 1) return wrongCount('multi')
    if (this.#queue !== undefined) return err('MULTI calls can not be nested')
    this.#queue = []
    this.#hasFailed = false
    return OK
  }

  async #exec(argv: readonly Argument[]): Promise<Reply> {
    if (argv.length !== 1) return wrongCount('exec')
    const commands = this.#queue
    if (commands === undefined) return err('EXEC without MULTI')
    const watched = [...this.#watched.values()]
    const hasFailed = this.#hasFailed
    this.#forget()
    if (hasFailed) return EXEC_ABORTED
    if (commands.length === 0 && watched.length === 0) return []
    return (await this.#client.transactions.batch(commands, watched)) ?? NULL_ARRAY
  }

  #discard(argv: readonly Argument[]): Reply {
    if (argv.length !== 1) return wrongCount('discard')
    if (this.#queue === undefined) return err('DISCARD without MULTI')
    this.#forget()
    return OK
  }

  async #watch(argv: readonly Argument[]): Promise<Reply> {
    if (argv.length < 2) return wrongCount('watch')
    if (this.#queue !== undefined) return err('WATCH inside MULTI is not allowed')
    const keys = argv.slice(1).map(byteString)
    const revisions = await Promise.all(
      keys.map((key) => this.#client.callRaw(['REVISION', key], { db: this.#db })),
    )
    keys.forEach((key, i) => {
      const name = `${this.#db}:${key}`
      // A key that is watched already keeps the revision that it had then.
      if (!this.#watched.has(name)) {
        this.#watched.set(name, { db: this.#db, key, revision: Number(revisions[i] ?? 0) })
      }
    })
    return OK
  }

  #unwatch(argv: readonly Argument[]): Reply {
    if (argv.length !== 1) return wrongCount('unwatch')
    if (this.#queue !== undefined) {
      // Redis takes it in, and does nothing for it.
      this.#queue.push({ argv: ['PING', 'OK'], db: this.#db })
      return QUEUED
    }
    this.#watched.clear()
    return OK
  }

  #select(argv: readonly Argument[]): Reply {
    if (argv.length !== 2) return wrongCount('select')
    const text = byteString(argv[1]!)
    if (!/^-?\d+$/.test(text)) return err('value is not an integer or out of range')
    const index = Number(text)
    if (index < 0 || index >= DATABASES) return err('DB index is out of range')
    this.#db = index
    return OK
  }

  #reset(): Reply {
    this.#forget()
    this.#db = 0
    return new StatusReply('RESET')
  }

  #quit(): Reply {
    this.#reset()
    return OK
  }

  #forget(): void {
    this.#queue = undefined
    this.#hasFailed = false
    this.#watched = new Map()
  }
}

function wrongCount(name: string): ErrorReply {
  return err(`wrong number of arguments for '${name}' command`)
}
