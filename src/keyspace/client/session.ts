/**
 * A caller with a state of its own, as a Redis connection has: a selected database, a transaction that is
 * being put together, keys that are watched.
 *
 * MULTI queues commands and EXEC runs them as one; WATCH remembers the revisions of keys, and EXEC runs
 * nothing when one of them has another one by then. What concerns the session alone is answered here, also in
 * a transaction: SELECT holds from there on, and, once EXEC has run, beyond.
 * Tests: test/keyspace/session.race.test.ts, test/keyspace/redis/runtime.race.test.ts
 */
import { commandTable } from '../commands/index.ts'
import {
  type Argument,
  byteString,
  databaseIndex,
  ErrorReply,
  err,
  NULL_ARRAY,
  OK,
  QUEUED,
  type Reply,
  StatusReply,
} from '../engine/index.ts'
import type { CallOptions } from './client-parts.ts'
import type { KeyspaceClient } from './keyspace-client.ts'
import type { BatchCommand, WatchedKey } from './transactions.ts'

const EXEC_ABORTED = new ErrorReply('EXECABORT', 'Transaction discarded because of previous errors.')

/** What a session does itself, and the number of arguments with the name, as in the command table. */
const ARITIES: Readonly<Record<string, number>> = {
  multi: 1,
  exec: 1,
  discard: 1,
  watch: -2,
  unwatch: 1,
  select: 2,
  reset: 1,
  quit: -1,
}

/** What EXEC runs, or the answer in its place of what the session does itself. */
type Queued = BatchCommand | { readonly reply: Reply }

/** A caller's state. */
export class KeyspaceSession {
  readonly #client: KeyspaceClient
  #db = 0
  #queue: Queued[] | undefined
  /** The database that the queued commands have selected. */
  #queueDb = 0
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
    if (own !== undefined) {
      if (fits(argv.length, ARITIES[name]!)) return own.call(this, argv)
      return this.#refuseCount(name)
    }
    if (this.#queue === undefined) return this.#client.callRaw(argv, { ...options, db: this.#db })
    const spec = commandTable.find(argv)
    if (spec instanceof ErrorReply) {
      this.#hasFailed = true
      return spec
    }
    this.#queue.push({ argv, db: this.#queueDb })
    return QUEUED
  }

  #refuseCount(name: string): ErrorReply {
    const text = `wrong number of arguments for '${name}' command`
    if (this.#queue !== undefined) this.#hasFailed = true
    if (name !== 'exec') return err(text)
    this.#forget()
    return new ErrorReply('EXECABORT', `Transaction discarded because of: ${text}`)
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

  #multi(): Reply {
    if (this.#queue !== undefined) return err('MULTI calls can not be nested')
    this.#queue = []
    this.#queueDb = this.#db
    this.#hasFailed = false
    return OK
  }

  async #exec(): Promise<Reply> {
    const queue = this.#queue
    if (queue === undefined) return err('EXEC without MULTI')
    const db = this.#queueDb
    const watched = [...this.#watched.values()]
    const hasFailed = this.#hasFailed
    this.#forget()
    if (hasFailed) return EXEC_ABORTED
    // Nothing can stop it then, and what is called next, without waiting, is of that database.
    if (watched.length === 0) this.#db = db
    const commands = queue.filter((one) => 'argv' in one)
    const replies =
      commands.length === 0 && watched.length === 0
        ? []
        : await this.#client.transactions.batch(commands, watched)
    if (replies === undefined) return NULL_ARRAY
    this.#db = db
    let next = 0
    return queue.map((one) => ('reply' in one ? one.reply : (replies[next++] as Reply)))
  }

  #discard(): Reply {
    if (this.#queue === undefined) return err('DISCARD without MULTI')
    this.#forget()
    return OK
  }

  async #watch(argv: readonly Argument[]): Promise<Reply> {
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

  #unwatch(): Reply {
    if (this.#queue !== undefined) {
      // Redis takes it in, and does nothing for it: EXEC has forgotten the keys by then.
      this.#queue.push({ reply: OK })
      return QUEUED
    }
    this.#watched.clear()
    return OK
  }

  #select(argv: readonly Argument[]): Reply {
    const index = databaseIndex(byteString(argv[1]!))
    const refused = index instanceof ErrorReply
    if (this.#queue !== undefined) {
      this.#queue.push({ reply: refused ? index : OK })
      if (!refused) this.#queueDb = index
      return QUEUED
    }
    if (refused) return index
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

/** Whether there are so many arguments as an arity says: below 0, at least as many. */
function fits(count: number, arity: number): boolean {
  return arity < 0 ? count >= -arity : count === arity
}
