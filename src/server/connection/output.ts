/**
 * Sends the replies of one client: as one write for all that is there, or soon will be.
 *
 * What was answered here goes out at the end of what runs now. When something that was asked for before it,
 * or with it, is on its way to another thread, it waits a moment for that, so that both leave in one write.
 *
 * Tests: test/server/robust/unread.race.test.ts, test/server/connection/remote-call.race.test.ts
 */
import type { Socket } from 'node:net'
import type { Session } from '../commands/server-command.ts'
import { type Flushable, flushLate, flushSoon } from './flush-soon.ts'
import type { ReplyQueue } from './reply-queue.ts'
import { sendChunks } from './send-chunks.ts'

/** So much is sent at once, whatever is still to come. */
const SENT_BYTES_MIN = 16 * 1024

/** Replies that are sent without a look at the bounds of what is unread: Redis does not count them either. */
const UNCOUNTED_BYTES = 16 * 1024

/** Whose replies they are. */
export interface OutputClient extends Session {
  readonly replies: ReplyQueue
  readonly isClosed: boolean
  bytesOut: number
  /** Closes it if it has left too much unread. */
  checkOutput(bytes: number): void
}

/** The way of one client's replies into its socket. */
export class Output implements Flushable {
  readonly #client: OutputClient
  readonly #socket: Socket
  readonly #goOn: () => void
  #isSoon = false
  #isLate = false

  /** `goOn` runs what may run and flushes. */
  constructor(client: OutputClient, socket: Socket, goOn: () => void) {
    this.#client = client
    this.#socket = socket
    this.#goOn = goOn
  }

  /** Sends what is there, as long as the socket takes it. */
  flush(): void {
    const client = this.#client
    const { replies } = client
    if (client.isClosed || replies.readyBytes === 0) return
    if (replies.readyBytes > UNCOUNTED_BYTES) {
      // As Redis: what is more than a client may leave unread is not sent either.
      client.checkOutput(client.outputBytes)
      if (client.isClosed) return
    }
    const socket = this.#socket
    // What the socket cannot send yet would keep the slabs that it lies in: it stays here, and is joined.
    if (socket.writableNeedDrain) replies.writer.compact()
    else this.#send(replies.take(), socket.writableLength > 0)
    client.checkOutput(client.outputBytes)
  }

  /** The same, unless it should wait for what is `onTheWay` to other threads. */
  flushWith(onTheWay: number): void {
    const { readyBytes } = this.#client.replies
    if (onTheWay === 0 || readyBytes >= SENT_BYTES_MIN) return this.flush()
    if (this.#isLate || readyBytes === 0) return
    this.#isLate = true
    flushLate(this, this.#client.thread.clock)
  }

  /** Calls `goOn` at the end of what runs now. */
  soon(): void {
    if (this.#isSoon) return
    this.#isSoon = true
    flushSoon(this)
  }

  flushNow(): void {
    this.#isSoon = false
    this.#goOn()
  }

  flushAtLast(): void {
    this.#isLate = false
    this.flush()
  }

  #send(chunks: readonly Uint8Array[], isBehind: boolean): void {
    const bytes = sendChunks(this.#socket, chunks, isBehind)
    this.#client.bytesOut += bytes
    this.#client.thread.counters.bytesOut += bytes
  }
}
