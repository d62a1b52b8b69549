/**
 * Transactions over the network.
 *
 * A batch is MULTI, its commands, EXEC, in one packet on a connection of all: nobody else's commands come in
 * between, since they are written with nothing between them.
 *
 * A callback is optimistic, as nobody can hold keys for a caller that is far away:
 *
 *     WATCH keys · TIME · DUMP and PEXPIRETIME of each ──► callback on a scratch engine
 *       ──► MULTI, what it did, EXEC ──► done; or a key has changed: all of it again, after a pause
 *
 * So the callback may run several times, and one that runs over keys that are changing may see some of them
 * from before and some from after: then it is run again, whatever it returned or threw. What it throws counts
 * only when an empty EXEC says that nothing had changed.
 *
 * What it did is sent as the commands that a log would have, or as whole values where such a command is none
 * that a client may send. Its clock is the server's.
 *
 * Tests: test/client/remote-transaction.test.ts
 * Source: Kung and Robinson, "On Optimistic Methods for Concurrency Control" (1981).
 */
import {
  addAbortListener,
  invalidOption,
  numberOption,
  ShardloomError,
  type TimerHandle,
} from '../base/index.ts'
import { commandTable } from '../keyspace/commands/index.ts'
import {
  type Argument,
  byteString,
  ErrorReply,
  type Guest,
  type KeyPatch,
  NullArrayReply,
  patchEffects,
  type Reply,
} from '../keyspace/engine/index.ts'
import {
  type BatchOptions,
  itemsOf,
  KeyspaceTransaction,
  replyError,
  TransactionScratch,
} from '../keyspace/remoting/index.ts'
import type { RemoteCallOptions } from './call-limits.ts'
import type { Connection } from './connection.ts'
import { isAskError, lostError } from './connection-errors.ts'
import { isAborted } from './joined-signal.ts'
import type { RemoteClient } from './remote-client.ts'
import type { SentMark } from './sent-mark.ts'
import { wireArgument } from './wire-values.ts'

type Command = readonly Argument[]
type Attempt<T> = { readonly value: T } | 'changed'

/** Pauses between attempts, in milliseconds: doubled, and drawn at random. */
const PAUSE_MS = 2
const PAUSE_MS_MAX = 200
const ATTEMPTS_MAX = 1000

/** Transactions of one client. */
export class RemoteTransactions {
  readonly #client: RemoteClient
  readonly #scratch: TransactionScratch
  /** What the server's clock is ahead of ours. */
  #aheadMs = 0

  constructor(client: RemoteClient) {
    const { clock } = client
    this.#client = client
    this.#scratch = new TransactionScratch({
      wallMs: () => clock.wallMs() + this.#aheadMs,
      monotonicMs: () => clock.nowMs(),
    })
  }

  /** Runs commands as one. @throws what the first that is refused says */
  async batch(commands: readonly Command[], options: RemoteCallOptions): Promise<readonly Reply[]> {
    if (commands.length === 0) return []
    const all = await this.#client.callAll(commands, options)
    return repliesOfExec(all, commands)
  }

  /**
   * Runs `body` over keys, until nobody has changed them meanwhile.
   *
   * @throws SHL_TRANSACTION_REFUSED, SHL_TRANSACTION_KEY, SHL_CONNECTION_LOST, and what `body` throws
   */
  callback<T>(
    keys: readonly string[],
    body: (tx: KeyspaceTransaction) => T,
    options: BatchOptions,
  ): Promise<T> {
    return this.#client.during(() => this.#callback(keys, body, options))
  }

  async #callback<T>(
    keys: readonly string[],
    body: (tx: KeyspaceTransaction) => T,
    options: BatchOptions,
  ): Promise<T> {
    const { clock, settings, pool } = this.#client
    const range = { min: 1, max: 2 ** 31 - 1 }
    const timeoutMs = numberOption('timeoutMs', options.timeoutMs, settings.timeoutMs, range)
    if (keys.length === 0) invalidOption('keys', '[]', 'at least one key')
    const { signal } = options
    const limits = { endMs: clock.nowMs() + timeoutMs, signal }
    for (let attempts = 1; ; attempts++) {
      this.#client.checkOpen('transaction', signal)
      const connection = await pool.take(limits)
      // It may have been aborted while the connection was handed over.
      if (signal !== undefined && isAborted(signal)) {
        pool.giveBack(connection)
        throw this.#aborted(signal)
      }
      // However it goes: nobody waits longer than they said.
      const timer = this.#deadline(connection, limits.endMs, timeoutMs)
      const forget = signal && addAbortListener(signal, () => connection.end(this.#aborted(signal)))
      const state = { isSent: false }
      try {
        const attempt = await this.#attempt(connection, keys, body, state)
        pool.giveBack(connection)
        if (attempt !== 'changed') return attempt.value
      } catch (error) {
        if (connection.error === undefined) {
          pool.giveBack(connection)
          throw error
        }
        // Nothing was to take effect yet: all of it can be done again.
        const isOver = state.isSent || clock.nowMs() >= limits.endMs || signal?.aborted === true
        if (isOver) throw this.#lost(connection.error, state.isSent)
      } finally {
        timer.cancel()
        forget?.()
      }
      if (attempts >= ATTEMPTS_MAX || clock.nowMs() >= limits.endMs) {
        throw new ShardloomError('SHL_TRANSACTION_REFUSED', { attempts })
      }
      await this.#client.pause(Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** Math.min(attempts, 10)))
    }
  }

  async #attempt<T>(
    connection: Connection,
    keys: readonly string[],
    body: (tx: KeyspaceTransaction) => T,
    state: { isSent: boolean },
  ): Promise<Attempt<T>> {
    const guests = await this.#read(connection, keys)
    let outcome: { readonly value: T } | { readonly error: unknown }
    let commands: readonly Command[] = []
    try {
      const named = keys.map((key) => ({ db: 0, key }))
      const done = this.#scratch.run(named, guests, (scratch) => {
        const tx = new KeyspaceTransaction(scratch)
        try {
          return body(tx)
        } finally {
          tx.end()
        }
      })
      outcome = { value: done.value }
      commands = commandsOf(
        done.effects.map(({ argv }) => argv),
        done.patches,
      )
    } catch (error) {
      outcome = { error }
    }
    const isUnchanged = await this.#commit(connection, commands, state)
    if (!isUnchanged) return 'changed'
    if ('error' in outcome) throw outcome.error
    return outcome
  }

  async #read(connection: Connection, keys: readonly string[]): Promise<Guest[]> {
    const asked: Command[] = [['WATCH', ...keys], ['TIME']]
    for (const key of keys) asked.push(['DUMP', key], ['PEXPIRETIME', key])
    const replies = await sendAll(connection, asked)
    for (const [i, reply] of replies.entries()) {
      // A server that does not tell the time has that of this machine.
      if (reply instanceof ErrorReply && i !== 1)
        throw await this.#unwatched(connection, replyError(reply, nameOf(asked[i])))
    }
    const [seconds, micros = 0] = itemsOf(replies[1] ?? null).map(Number)
    if (seconds !== undefined) {
      this.#aheadMs = seconds * 1000 + Math.floor(micros / 1000) - this.#client.clock.wallMs()
    }
    return keys.map((key, i) => {
      const dump = (replies[2 + 2 * i] ?? null) as Argument | null
      const expireAt = Math.max(0, Number(replies[3 + 2 * i]))
      const payload = typeof dump === 'string' ? Buffer.from(dump, 'latin1') : dump
      return { db: 0, key, payload, expireAt, revision: 0, tokens: [] }
    })
  }

  async #unwatched(connection: Connection, error: ShardloomError): Promise<ShardloomError> {
    await sendAll(connection, [['UNWATCH']])
    return error
  }

  /** False: a key has changed. */
  async #commit(
    connection: Connection,
    commands: readonly Command[],
    state: { isSent: boolean },
  ): Promise<boolean> {
    const all: readonly Command[] = [['MULTI'], ...commands, ['EXEC']]
    for (const argv of commands) this.#client.written(argv)
    const marks = all.map(() => connection.mark())
    const sent = sendAll(connection, all, marks)
    try {
      const replies = await sent
      for (const argv of commands) this.#client.written(argv)
      const exec = replies.at(-1) ?? null
      if (exec === null || exec instanceof NullArrayReply) return false
      for (const [i, reply] of repliesOfExec(replies, commands).entries()) {
        if (reply instanceof ErrorReply) throw replyError(reply, nameOf(commands[i]))
      }
      return true
    } finally {
      // Without its EXEC nothing of it takes effect.
      state.isSent = commands.length > 0 && marks.at(-1)?.isSent === true
    }
  }

  #deadline(connection: Connection, endMs: number, timeoutMs: number): TimerHandle {
    const { clock, settings } = this.#client
    const details = { actor: settings.address.shown, type: 'transaction', timeoutMs }
    const late = (): void => connection.end(new ShardloomError('SHL_ASK_TIMEOUT', details))
    return clock.after(Math.max(0, endMs - clock.nowMs()), late)
  }

  #aborted(signal: AbortSignal): ShardloomError {
    const details = { actor: this.#client.settings.address.shown, type: 'transaction' }
    return new ShardloomError('SHL_ASK_ABORTED', details, { cause: signal.reason })
  }

  /** What ended the connection says more than that it has ended. */
  #lost(error: Error, isSent: boolean): ShardloomError {
    if (isAskError(error)) {
      return new ShardloomError(error.code, { ...error.details, isSent }, { cause: error.cause })
    }
    return lostError(this.#client.settings.address.shown, 'transaction', isSent, error)
  }
}

/** The replies within that of EXEC. @throws what was wrong with one of the commands, so that none ran */
function repliesOfExec(all: readonly Reply[], commands: readonly Command[]): readonly Reply[] {
  const exec = all.at(-1) ?? null
  if (Array.isArray(exec)) return exec as readonly Reply[]
  for (const [i, argv] of commands.entries()) {
    const queued = all[i + 1]
    if (queued instanceof ErrorReply) throw replyError(queued, nameOf(argv))
  }
  const [first] = all
  throw replyError(first instanceof ErrorReply ? first : (exec as ErrorReply), 'exec')
}

/** What a client may send of what was done: commands, else values. */
function commandsOf(effects: readonly Command[], patches: readonly KeyPatch[]): readonly Command[] {
  const isOpen = effects.every((argv) => {
    const spec = commandTable.find(argv)
    return !(spec instanceof ErrorReply) && !spec.flags.includes('internal')
  })
  return isOpen ? effects : patchEffects(patches).map(({ argv }) => argv)
}

function sendAll(
  connection: Connection,
  commands: readonly Command[],
  marks: readonly SentMark[] = commands.map(() => connection.mark()),
): Promise<Reply[]> {
  return connection.sendAll(
    commands.map((argv) => argv.map(wireArgument)),
    marks,
  )
}

function nameOf(argv: Command | undefined): string {
  return byteString(argv?.[0] ?? '').toLowerCase()
}
