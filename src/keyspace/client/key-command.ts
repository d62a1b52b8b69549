/**
 * A command with one key that does not wait: most of what programs send.
 *
 * What becomes of its reply is a function, called when the reply is read: so a call costs one promise, where
 * an `async` function per layer would cost one each. Its promise settles in the order of the replies all the
 * same.
 * Tests: test/keyspace/client/key-command.test.ts, test/keyspace/faces.race.test.ts
 */
import { commandTable } from '../commands/index.ts'
import { type Argument, byteString, type CommandSpec, ErrorReply, type Reply } from '../engine/index.ts'
import type { PendingCommand } from './pending-command.ts'
import { replyError } from './reply-value.ts'

/** Makes of a reply what a caller gets. */
export type Convert<T> = (reply: Reply) => T

/** One such command, and whoever waits for it. */
export class KeyCommand<T> implements PendingCommand {
  readonly row: number
  readonly db: number
  readonly slot: number
  readonly level: number
  readonly args: readonly Argument[]
  place = 0
  readonly #name: Argument
  readonly #convert: Convert<T>
  readonly #resolve: (value: T) => void
  readonly #reject: (error: Error) => void

  constructor(
    row: number,
    { db = 0, level = 0 }: { readonly db?: number | undefined; readonly level?: number | undefined },
    slot: number,
    argv: readonly Argument[],
    convert: Convert<T>,
    resolve: (value: T) => void,
    reject: (error: Error) => void,
  ) {
    this.row = row
    this.db = db
    this.slot = slot
    this.level = level
    this.#name = argv[0]!
    this.args = argv.slice(1)
    this.#convert = convert
    this.#resolve = resolve
    this.#reject = reject
  }

  resolve(reply: Reply): void {
    if (reply instanceof ErrorReply) {
      this.#reject(replyError(reply, byteString(this.#name)))
      return
    }
    try {
      this.#resolve(this.#convert(reply))
    } catch (error) {
      this.#reject(error as Error)
    }
  }

  reject(error: Error): void {
    this.#reject(error)
  }
}

/** Whether a command always has just one key, its first argument, and is answered at once. */
export function hasOneKey({ keys, keysOf, flags, channelAt }: CommandSpec): boolean {
  if (keys?.first !== 1 || keys.keynum !== undefined || (keys.last ?? 1) !== 1) return false
  if (keysOf !== undefined || channelAt !== undefined) return false
  return !flags.some((flag) => flag === 'blocking' || flag === 'all_shards' || flag === 'internal')
}

/** Of commands that take the short way. */
const ONE_KEY_ROWS: ReadonlyMap<CommandSpec, number> = new Map(
  commandTable.rows.filter(hasOneKey).map((spec) => [spec, commandTable.rowOf(spec)]),
)
const SET = commandTable.get('set') as CommandSpec
const SET_ROW = commandTable.rowOf(SET)

/** The row of a command that takes the short way. SET does without options: these may name a second key. */
export function oneKeyRow(spec: CommandSpec, argv: readonly Argument[]): number | undefined {
  return spec === SET && argv.length === 3 ? SET_ROW : ONE_KEY_ROWS.get(spec)
}
