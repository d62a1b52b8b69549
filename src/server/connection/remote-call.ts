/**
 * A request on its way to a shard of another thread, which is the place of its reply, too.
 *
 * A short one is copied from the bytes that were read into the batch, and its reply from the answer to the
 * writer of its connection: no string is made of either, and nothing but this object for both. Who needs the
 * arguments afterwards (the slow log, a shard that the slot has gone to) finds them in the batch.
 *
 * Tests: test/server/connection/pipeline.prop.test.ts, test/server/connection/remote-call.race.test.ts
 */
import {
  type Argument,
  byteString,
  ErrorReply,
  LARGE_VALUE_BYTES,
  type Reply,
} from '../../keyspace/engine/index.ts'
import {
  type LentArguments,
  MOVED,
  type PendingCommand,
  type ReplyReader,
  RequestReader,
} from '../../keyspace/serving/index.ts'
import type { CommandEntry } from '../commands/server-command.ts'
import { ARGUMENTS_FEW, HOT_NONE } from '../thread/command-index.ts'
import type { ConnectionState } from './connection-state.ts'
import { errorReplyOf } from './error-reply.ts'
import { PendingReply } from './reply-queue.ts'

/** Longer requests are not copied, but kept as values. */
const LENT_BYTES_MAX = 4096
const LOWER_CASE = 0x20

/** Who has sent it. */
export interface RemoteCaller extends ConnectionState {
  onRemote(pending: PendingReply, reply: Reply): void
  /** The reply of the place that was next, of so many bytes, has been written. */
  onWritten(bytes: number): void
}

/** Whether the arguments of a request may be lent to a call: few, short, and the name in one case. */
export function isLendable({ bytes, count, offsets, lengths }: LentArguments): boolean {
  if (count > ARGUMENTS_FEW) return false
  const last = count - 1
  const from = offsets[0]!
  if (offsets[last]! + lengths[last]! - from > LENT_BYTES_MAX) return false
  const kind = bytes[from]! & LOWER_CASE
  for (let at = from + lengths[0]! - 1; at > from; at--) {
    if ((bytes[at]! & LOWER_CASE) !== kind) return false
  }
  return true
}

/** One request. */
export class RemoteCall extends PendingReply implements PendingCommand {
  readonly row: number
  readonly db: number
  readonly slot: number
  readonly by: number
  place = 0
  lent: LentArguments | undefined
  readonly isOfTurn = true
  readonly caller: RemoteCaller
  readonly entry: CommandEntry
  argv: readonly Argument[] | undefined
  /** How the name of a lent one was written: in one case. */
  readonly isUpper: boolean
  /** Whether it is not timed each time. */
  readonly isSampled: boolean
  at = 0
  /** When it was read: it is timed from then on, as its client sees it. */
  readonly startMs: number

  /** Its arguments are values, or lent until it is sent. */
  constructor(
    caller: RemoteCaller,
    entry: CommandEntry,
    slot: number,
    argv: readonly Argument[] | undefined,
    lent: LentArguments | undefined,
    isMuted: boolean,
  ) {
    super(caller.resp, isMuted)
    this.row = entry.row
    this.db = caller.db
    this.slot = slot
    this.by = caller.namedAs
    this.lent = lent
    this.caller = caller
    this.entry = entry
    this.argv = argv
    this.isUpper = lent !== undefined && (lent.bytes[lent.offsets[0]!]! & LOWER_CASE) === 0
    this.isSampled = lent !== undefined && (entry.isFast || entry.hot !== HOT_NONE)
    this.startMs = caller.lastUsedMs
  }

  /** Without the name. */
  get args(): readonly Argument[] {
    return this.argv!.slice(1)
  }

  keep(): void {
    const { lent } = this
    if (lent === undefined) return
    this.lent = undefined
    const { bytes, count, offsets, lengths } = lent
    const argv: Argument[] = []
    for (let i = 0; i < count; i++) {
      const at = offsets[i]!
      argv.push(byteString(bytes.subarray(at, at + lengths[i]!)))
    }
    this.argv = argv
  }

  added(at: number): void {
    this.lent = undefined
    this.at = at
  }

  recover(batch: Uint8Array): void {
    this.argv ??= this.#argvOf(batch)
  }

  take(reader: ReplyReader, batch: Uint8Array): boolean {
    const caller = this.caller
    const { replies } = caller
    if (!this.isMuted && !caller.isClosed && replies.isNext(this)) {
      const { writer } = replies
      writer.resp = this.resp
      const from = reader.position
      if (reader.copyTo(writer)) {
        this.#note(batch, undefined)
        caller.onWritten(reader.position - from)
        return true
      }
    }
    const reply = reader.next()
    if (reply === MOVED) {
      this.recover(batch)
      return false
    }
    this.#note(batch, reply)
    caller.onRemote(this, reply)
    return true
  }

  resolve(reply: Reply): void {
    this.caller.thread.onRan(this.caller, this.entry, this.argv!, this.startMs, reply, true)
    this.caller.onRemote(this, reply)
  }

  reject(error: Error): void {
    this.keep()
    this.resolve(errorReplyOf(error))
  }

  /** It has run: counts it, and times it, as the short way does. */
  #note(batch: Uint8Array, reply: Reply | undefined): void {
    const caller = this.caller
    const entry = this.entry
    const { thread } = caller
    if (!this.isSampled) {
      thread.onRan(caller, entry, this.argv ?? this.#argvOf(batch), this.startMs, reply, true)
      return
    }
    if (entry.shortCalls++ >= entry.sampleAt) {
      thread.sampled(caller, entry, () => this.argv ?? this.#argvOf(batch), this.startMs, true)
    }
    if (reply instanceof ErrorReply) thread.noteError(entry, reply)
  }

  #argvOf(batch: Uint8Array): readonly Argument[] {
    const reader = new RequestReader(batch, false, this.at)
    reader.next()
    const { name } = this.entry
    return reader.arguments(this.isUpper ? name.toUpperCase() : name, LARGE_VALUE_BYTES)
  }
}
