/**
 * What the callback of a transaction works with: synchronous commands on the keys that were named.
 * Tests: test/keyspace/transaction.race.test.ts
 */
import { ShardloomError } from '../../base/index.ts'
import { ErrorReply, type Reply } from '../engine/index.ts'
import { type KeyspaceInput, textOf, toArgument } from './caller.ts'
import { type ReplyValue, replyError, replyValue } from './reply-value.ts'
import type { ScratchRun } from './transaction-scratch.ts'

/** The keys of a transaction, which nobody else changes while the callback runs. */
export class KeyspaceTransaction {
  readonly #scratch: ScratchRun

  #isOver = false

  /** @internal */
  constructor(scratch: ScratchRun) {
    this.#scratch = scratch
  }

  /** Any command on keys of the transaction. @throws SHL_TRANSACTION_KEY, and what the command refuses */
  command(name: string, ...args: KeyspaceInput[]): ReplyValue {
    return replyValue(this.#run(name, ...args), name)
  }

  get(key: KeyspaceInput): string | undefined {
    return textOf(this.#run('GET', key))
  }

  /** `ttl` in milliseconds; without it the key does not expire. */
  set(key: KeyspaceInput, value: KeyspaceInput, options: { readonly ttl?: number } = {}): void {
    this.#run('SET', key, value, ...(options.ttl === undefined ? [] : ['PX', options.ttl]))
  }

  incrBy(key: KeyspaceInput, by: number | bigint): number {
    return Number(this.#run('INCRBY', key, by))
  }

  has(key: KeyspaceInput): boolean {
    return this.#run('EXISTS', key) === 1
  }

  delete(...keys: KeyspaceInput[]): number {
    return Number(this.#run('DEL', ...keys))
  }

  /** @internal The callback has returned: what it kept of this is of no use. */
  end(): void {
    this.#isOver = true
  }

  #run(...argv: KeyspaceInput[]): Reply {
    if (this.#isOver) throw new ShardloomError('SHL_TRANSACTION_OVER', { command: String(argv[0]) })
    const reply = this.#scratch.run(argv.map(toArgument))
    if (reply instanceof ErrorReply) throw replyError(reply, String(argv[0]))
    return reply
  }
}
