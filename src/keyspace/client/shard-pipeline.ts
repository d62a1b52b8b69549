/**
 * The way of one thread to one shard: commands of one tick go as one batch, and some batches are on their way
 * at a time.
 *
 * Commands are encoded when they are made, so that what the caller does to its bytes afterwards changes
 * nothing. A batch leaves at the end of the tick, or when it is worth a message of its own: the shard then
 * works while the caller still makes commands. While enough batches are on their way the next ones wait; thus
 * batches are small when there is little to do and large when there is much, with no timer.
 *
 * Invariant: commands leave in the order in which they were added, and are answered in it.
 * Cost: bench/set-memory.ts. Tests: test/keyspace/slots.race.test.ts
 */
import { type Clock, ShardloomError } from '../../base/index.ts'
import { MOVED, ReplyReader, RequestWriter } from '../wire/index.ts'
import type { LentArguments, PendingCommand } from './pending-command.ts'

/** A batch that is larger does not wait for the end of the tick. */
const BATCH_BYTES = 48 * 1024
/**
 * So many commands do not wait for it either: the shard works on them while the caller makes the next ones.
 */
const BATCH_COMMANDS = 64
/** What an argument takes besides its bytes. */
const LENGTH_BYTES = 4
/** A command may take so much: lengths are written with 32 bits, and a message has its own limit. */
const REQUEST_BYTES_MAX = 2 ** 30
/** Batches on their way to one shard. Two keep both threads busy; more hide a slow wake-up. */
const WINDOW = 8

/** What a pipeline needs. */
export interface PipelineParts {
  readonly clock: Clock
  /** Sends a batch to the shard that is there now. */
  send(batch: Uint8Array): Promise<Uint8Array>
  /** What callers are told when it could not be sent, or was not answered. */
  errorOf(error: unknown): Error
  /** The slot of a command has gone to another shard. */
  onMoved(command: PendingCommand): void
  /** A batch was answered: so many of its commands are done. */
  onSettled(count: number): void
  /** Calls back at the end of the tick. */
  atTickEnd(flush: () => void): void
  /** Calls back at the end of this turn of the event loop. */
  atTurnEnd(flush: () => void): void
  /** Shows the shard what was sent so far. */
  publish(): void
}

/** Commands of one thread for one shard. */
export class ShardPipeline {
  readonly #parts: PipelineParts
  readonly #writer = new RequestWriter()
  #queue: PendingCommand[] = []
  /** Batches that wait for a place on the way. */
  readonly #sealed: { readonly bytes: Uint8Array; readonly commands: readonly PendingCommand[] }[] = []
  /** Batches on their way, each by the number of its first command. */
  readonly #onTheWay = new Set<number>()
  /** The durability that the commands of the batch ask for. */
  #level = 0
  #isFlushSet = false
  #isTurnFlushSet = false
  #added = 0
  #sent = 0
  #waiting: { readonly until: number; readonly resolve: () => void }[] = []
  readonly #flushSoon: () => void
  readonly #flushAtTurnEnd: () => void

  constructor(parts: PipelineParts) {
    this.#parts = parts
    this.#flushSoon = () => {
      this.#isFlushSet = false
      this.flush()
    }
    this.#flushAtTurnEnd = () => {
      this.#isTurnFlushSet = false
      this.flush()
    }
  }

  /** Whether nothing waits and nothing is on its way. */
  get isIdle(): boolean {
    return this.#onTheWay.size === 0 && !this.isQueued
  }

  /** Whether something was added that is not on its way yet. */
  get isQueued(): boolean {
    return this.#queue.length > 0 || this.#sealed.length > 0
  }

  /** Resolves when all that was added so far has been answered; undefined when it has been. */
  answered(): Promise<void> | undefined {
    if (this.isIdle) return undefined
    const until = this.#added
    return new Promise((resolve) => void this.#waiting.push({ until, resolve }))
  }

  /** Adds a command to the next batch. */
  add(command: PendingCommand): void {
    const { lent } = command
    if (lent !== undefined) this.#write(command, lent)
    else if (!this.#writeArguments(command)) return
    this.#queue.push(command)
    this.#added++
    if (this.#writer.sizeBytes >= BATCH_BYTES || this.#queue.length >= BATCH_COMMANDS) {
      const isFree = this.#onTheWay.size < WINDOW
      this.#seal()
      this.flush()
      if (isFree) this.#parts.publish()
    } else if (command.isOfTurn === true) {
      if (this.#isTurnFlushSet || this.#isFlushSet) return
      this.#isTurnFlushSet = true
      this.#parts.atTurnEnd(this.#flushAtTurnEnd)
    } else if (!this.#isFlushSet) {
      this.#isFlushSet = true
      this.#parts.atTickEnd(this.#flushSoon)
    }
  }

  /** False: it was refused. */
  #writeArguments(command: PendingCommand): boolean {
    const { args } = command
    const writer = this.#writer
    let sizeBytes = 0
    for (let i = 0; i < args.length; i++) {
      const arg = args[i]!
      if (typeof arg !== 'string' && !(arg instanceof Uint8Array))
        return this.#refuse(command, notAnArgument(arg))
      sizeBytes += arg.length
    }
    if (sizeBytes > REQUEST_BYTES_MAX) return this.#refuse(command, tooLarge(sizeBytes))
    // A large one goes alone: whatever becomes of it, the others have nothing to do with it, and nothing
    // that was lent is looked for later in memory that has moved.
    if (writer.sizeBytes + sizeBytes + args.length * LENGTH_BYTES >= BATCH_BYTES) this.#seal()
    const level = command.level ?? 0
    this.#setLevel(level)
    command.added?.(writer.sizeBytes)
    writer.begin(command.row, command.db, command.slot, args.length, level, command.resp, command.by)
    for (let i = 0; i < args.length; i++) writer.argument(args[i]!)
    return true
  }

  /** Copies arguments from where they were read: they are few, and short. */
  #write(command: PendingCommand, { bytes, count, offsets, lengths }: LentArguments): void {
    const writer = this.#writer
    this.#setLevel(0)
    command.added?.(writer.sizeBytes)
    writer.begin(command.row, command.db, command.slot, count - 1, 0, command.resp, command.by)
    for (let i = 1; i < count; i++) writer.argumentOf(bytes, offsets[i]!, lengths[i]!)
  }

  /** A batch is answered as a whole: who asks for less does not wait for who asks for more. */
  #setLevel(level: number): void {
    if (level === this.#level) return
    this.#seal()
    this.#level = level
  }

  /** Nothing of it was written: the others are not concerned. */
  #refuse(command: PendingCommand, error: ShardloomError): false {
    command.reject(error)
    this.#parts.onSettled(1)
    return false
  }

  /** Sends what has been added, unless enough is on its way. */
  flush(): void {
    if (this.#queue.length > 0 && this.#sealed.length === 0 && this.#onTheWay.size < WINDOW) this.#seal()
    while (this.#sealed.length > 0 && this.#onTheWay.size < WINDOW) this.#sendFirst()
  }

  /** Closes the batch that is being written: what waits for its turn stays of moderate size. */
  #seal(): void {
    if (this.#queue.length === 0) return
    this.#sealed.push({ bytes: this.#writer.take(), commands: this.#queue })
    this.#queue = []
  }

  #sendFirst(): void {
    const { bytes, commands } = this.#sealed.shift()!
    const first = this.#sent
    this.#sent += commands.length
    this.#onTheWay.add(first)
    this.#parts.send(bytes).then(
      (answer) => this.#onAnswer(first, commands, bytes, answer),
      (error: unknown) => this.#onFailure(first, commands, bytes, this.#parts.errorOf(error)),
    )
  }

  #onAnswer(first: number, commands: readonly PendingCommand[], batch: Uint8Array, answer: Uint8Array): void {
    this.#onTheWay.delete(first)
    // The next batch leaves first: the shard works while this thread reads.
    this.flush()
    const reader = new ReplyReader(answer, true)
    let count = 0
    for (let i = 0; i < commands.length; i++) {
      const command = commands[i]!
      if (command.take !== undefined) {
        if (command.take(reader, batch)) count++
        else this.#parts.onMoved(command)
        continue
      }
      const reply = reader.next()
      if (reply === MOVED) this.#parts.onMoved(command)
      else {
        count++
        command.resolve(reply)
      }
    }
    this.#onDone(count)
  }

  #onFailure(first: number, commands: readonly PendingCommand[], batch: Uint8Array, error: Error): void {
    this.#onTheWay.delete(first)
    this.flush()
    for (const command of commands) {
      command.recover?.(batch)
      command.reject(error)
    }
    this.#onDone(commands.length)
  }

  #onDone(settled: number): void {
    this.#parts.onSettled(settled)
    if (this.#waiting.length === 0) return
    // Batches may be answered out of order: one that waits for a transaction lets others pass.
    const isAnswered = (until: number): boolean =>
      this.#sent >= until && [...this.#onTheWay].every((first) => first >= until)
    const done = this.#waiting.filter(({ until }) => isAnswered(until))
    this.#waiting = this.#waiting.filter(({ until }) => !isAnswered(until))
    for (const { resolve } of done) resolve()
  }
}

function tooLarge(sizeBytes: number): ShardloomError {
  const details = { actor: 'keyspace', sizeBytes, sizeBytesMax: REQUEST_BYTES_MAX }
  return new ShardloomError('SHL_MESSAGE_TOO_LARGE', details)
}

function notAnArgument(value: unknown): ShardloomError {
  const allowed = 'a string, a Uint8Array, a number or a bigint'
  return new ShardloomError('SHL_OPTION_INVALID', { option: 'argument', value: typeof value, allowed })
}
