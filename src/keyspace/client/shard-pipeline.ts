/**
 * The way of one thread to one shard: commands of one tick go as one batch, and some batches are on their way
 * at a time.
 *
 * Commands are encoded when they are made, so that what the caller does to its bytes afterwards changes
 * nothing. While enough batches are on their way the next one grows; thus batches are small when there is little
 * to do and large when there is much, with no timer.
 *
 * Invariant: commands leave in the order in which they were added, and are answered in it.
 * Cost: bench/set-memory.ts. Tests: test/keyspace/client/command-router.test.ts
 */
import type { Clock } from '../../base/index.ts'
import { MOVED, ReplyReader, RequestWriter } from '../wire/index.ts'
import type { PendingCommand } from './pending-command.ts'

/** A batch that is larger does not wait for the end of the tick. */
const BATCH_BYTES = 48 * 1024
/** Batches on their way to one shard. Two keep both threads busy; more hide a slow wake-up. */
const WINDOW = 4

/** What a pipeline needs. */
export interface PipelineParts {
  readonly clock: Clock
  /** Sends a batch to the shard that is there now. */
  send(batch: Uint8Array): Promise<Uint8Array>
  /** The slot of a command has gone to another shard. */
  onMoved(command: PendingCommand): void
  /** A batch was answered: so many of its commands are done. */
  onSettled(count: number): void
  /** Calls back at the end of the tick. */
  atTickEnd(flush: () => void): void
}

/** Commands of one thread for one shard. */
export class ShardPipeline {
  readonly #parts: PipelineParts
  readonly #writer = new RequestWriter()
  #queue: PendingCommand[] = []
  #onTheWay = 0
  #isFlushSet = false
  readonly #flushSoon: () => void

  constructor(parts: PipelineParts) {
    this.#parts = parts
    this.#flushSoon = () => {
      this.#isFlushSet = false
      this.flush()
    }
  }

  /** Whether nothing waits and nothing is on its way. */
  get isIdle(): boolean {
    return this.#onTheWay === 0 && this.#queue.length === 0
  }

  /** Adds a command to the next batch. */
  add(command: PendingCommand): void {
    const { args } = command
    const writer = this.#writer
    writer.begin(command.row, command.db, command.slot, args.length)
    for (let i = 0; i < args.length; i++) writer.argument(args[i]!)
    this.#queue.push(command)
    if (writer.sizeBytes >= BATCH_BYTES) this.flush()
    else if (!this.#isFlushSet) {
      this.#isFlushSet = true
      this.#parts.atTickEnd(this.#flushSoon)
    }
  }

  /** Sends what has been added, unless enough is on its way. */
  flush(): void {
    if (this.#queue.length === 0 || this.#onTheWay >= WINDOW) return
    const commands = this.#queue
    this.#queue = []
    this.#onTheWay++
    this.#parts.send(this.#writer.take()).then(
      (answer) => this.#onAnswer(commands, answer),
      (error: unknown) => this.#onFailure(commands, error as Error),
    )
  }

  #onAnswer(commands: readonly PendingCommand[], answer: Uint8Array): void {
    this.#onTheWay--
    // The next batch leaves first: the shard works while this thread reads.
    this.flush()
    const reader = new ReplyReader(answer)
    let count = 0
    for (let i = 0; i < commands.length; i++) {
      const command = commands[i]!
      const reply = reader.next()
      if (reply === MOVED) this.#parts.onMoved(command)
      else {
        count++
        command.resolve(reply)
      }
    }
    this.#parts.onSettled(count)
  }

  #onFailure(commands: readonly PendingCommand[], error: Error): void {
    this.#onTheWay--
    this.flush()
    for (const command of commands) command.reject(error)
    this.#parts.onSettled(commands.length)
  }
}
