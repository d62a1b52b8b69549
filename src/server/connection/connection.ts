/**
 * One client: its socket, what it has sent and not been answered, and its state.
 *
 *     socket ──► parser ──► short path: a shard of this thread, at once ──► replies, in order ──► socket
 *                     └──► dispatcher: everything else, perhaps later ────┘
 *
 * A request whose reply comes later from another shard lets those behind it go on, as long as they too have
 * one key: keys of different shards know nothing of each other. What has several keys, waits, or concerns the
 * connection is done alone: requests behind it stay with the parser, as bytes, until it is answered. They
 * stay there, too, while the client leaves its replies unread, while as many are on their way to other
 * threads as is good, and when the client has had its share of the thread's time.
 *
 * A client that ends its side is answered all the same. Where we end, we read on for a moment and throw away
 * what comes: a socket that is closed with something unread in it takes replies with it that are on their
 * way.
 *
 * Invariants
 *   1. Requests take effect in their order, those for different shards excepted; replies leave in it.
 *   2. What a client that does not read, or does not stop sending, can make us keep is bounded: by
 *      UNSENT_BYTES_MAX and one reply more, and by HELD_BYTES_MAX, one read and one request more.
 *   3. No client holds the thread for longer than SLICE_MS and one request.
 *
 * Cost: bench/resp.ts. Tests: test/server/serve.race.test.ts, test/server/connection/pipeline.prop.test.ts,
 * test/server/robust/unread.race.test.ts, test/server/robust/half-open.race.test.ts
 */
import type { Socket } from 'node:net'
import { toError } from '../../base/index.ts'
import type { Argument, Reply } from '../../keyspace/engine/index.ts'
import { type InlineRun, type LentArguments, MOVED } from '../../keyspace/serving/index.ts'
import type { CommandEntry } from '../commands/server-command.ts'
import type { NO_REPLY, ServerReply } from '../resp/index.ts'
import { FAILED, REQUEST, type RequestLimits, RequestParser, SeveralReplies } from '../resp/index.ts'
import { type ConnectionFacts, ConnectionState, type HostThread } from './connection-state.ts'
import { dispatch } from './dispatch.ts'
import { errorReplyOf } from './error-reply.ts'
import { Output } from './output.ts'
import { isLendable, RemoteCall } from './remote-call.ts'
import { RemoteWindow } from './remote-window.ts'
import { type PendingReply, ReplyQueue } from './reply-queue.ts'
import { sizeOfReply } from './reply-size.ts'
import { argumentsOf, runShort } from './short-way.ts'

/** A client that has so much unread is asked for nothing more until it has read. */
const UNSENT_BYTES_MAX = 1024 * 1024
/** So much is kept of what comes behind a request that takes its time; then nothing more is read. */
const HELD_BYTES_MAX = 4 * 1024 * 1024
/** Why a client is closed that has ended its side. */
const GONE = 'the client has gone'
/** How long one client may hold the thread, and requests between two looks at the clock. */
const SLICE_MS = 5
const SLICE_REQUESTS = 256

/** A client of this thread. */
export class Connection extends ConnectionState {
  readonly replies: ReplyQueue
  readonly #socket: Socket
  readonly #parser: RequestParser
  readonly #output: Output
  /** Something runs alone. */
  #isBusy = false
  /** Requests that have come may have been left with the parser. */
  #isStopped = false
  #isReading = false
  #isNextTurnSet = false
  readonly #remote = new RemoteWindow(UNSENT_BYTES_MAX)
  #isPaused = false
  /** No request is run any more; the socket ends when all is answered. */
  #isEnding = false
  #endReason = ''
  /** All was answered, and the socket has been told to end. */
  #isFinished = false
  #isClosed = false

  constructor(thread: HostThread, socket: Socket, facts: ConnectionFacts) {
    super(thread, facts)
    this.#socket = socket
    this.#parser = new RequestParser(thread.limits)
    this.replies = new ReplyQueue(thread.makeWriter())
    this.#output = new Output(this, socket, () => this.#goOn())
  }

  override get isClosed(): boolean {
    return this.#isClosed
  }

  override get queryBytes(): number {
    return this.#parser.pendingBytes + this.heldBytes
  }

  override get outputBytes(): number {
    return this.replies.sizeBytes + this.#socket.writableLength
  }

  /** Takes other limits, now that it has authenticated or the configuration has changed. */
  setLimits(limits: RequestLimits): void {
    this.#parser.limits = limits
  }

  /** What the client has sent; the bytes are only lent. */
  onBytes(bytes: Uint8Array, start: number, end: number): void {
    if (this.#isEnding || this.#isClosed) return
    this.bytesIn += end - start
    this.thread.counters.bytesIn += end - start
    this.lastUsedMs = this.thread.nowMs()
    this.#parser.feed(bytes, start, end)
    this.#goOn()
  }

  /** Something that no request asked for. Who waits for a key is told of it meanwhile. */
  push(reply: ServerReply): void {
    if (this.#isClosed || this.#isFinished) return
    if (this.blockedIn === undefined) this.replies.add(reply, this.resp)
    else this.replies.addBeforeLast(reply, this.resp)
    this.flushSoon()
  }

  /** A reply that has come from another thread. */
  onRemote(pending: PendingReply, reply: Reply): void {
    this.#remote.end()
    if (this.#isClosed) return
    this.#remote.learn(sizeOfReply(reply))
    const isNext = this.replies.settle(pending, pending.isMuted ? this.nothing : reply)
    if (isNext || this.#isStopped) this.flushSoon()
  }

  /** The same, with the reply of the place that was next written already. */
  onWritten(bytes: number): void {
    this.#remote.end()
    this.#remote.learn(bytes)
    this.replies.passed()
    this.flushSoon()
  }

  /** A reply to the present request. */
  answer(reply: ServerReply | typeof NO_REPLY): void {
    this.replies.add(this.muted(reply), this.resp)
  }

  /** Runs something alone: what comes behind it waits for its reply. */
  alone(work: Promise<ServerReply | typeof NO_REPLY>): void {
    const pending = this.replies.reserve(this.resp)
    const isMuted = this.takeMute()
    this.#isBusy = true
    const done = (reply: ServerReply | typeof NO_REPLY): void => {
      this.#isBusy = false
      if (this.#isClosed) return
      const told = isMuted && !(reply instanceof SeveralReplies) ? this.nothing : reply
      this.replies.settle(pending, told)
      this.#goOn()
    }
    work.then(done, (error: unknown) => done(errorReplyOf(error)))
  }

  override postpone(argv: readonly Argument[]): void {
    if (this.hasEnded) this.closeAfterReplies(GONE)
    else super.postpone(argv)
  }

  override goOnAfterPause(): void {
    this.isPostponed = false
    this.#goOn()
  }

  /** A request that waits at its shard, here; alone: its slot may go, and what is behind must not pass. */
  later(
    entry: CommandEntry,
    slot: number,
    argv: readonly Argument[],
    work: Promise<ServerReply | typeof NO_REPLY | typeof MOVED>,
  ): void {
    const again = (): Promise<Reply> => this.thread.client.callRow(entry.row, slot, argv.slice(1), this)
    this.alone(work.then((reply) => (reply === MOVED ? again() : reply)))
  }

  /** A request goes to another thread. */
  beginRemote(): void {
    this.#remote.begin()
  }

  whenRemoteAnswered(): Promise<void> | undefined {
    return this.#remote.whenNone()
  }

  /** Sends a request with one key to its shard's thread. */
  sendRemote(entry: CommandEntry, slot: number, argv: readonly Argument[]): void {
    this.#call(new RemoteCall(this, entry, slot, argv, undefined, this.takeMute()))
  }

  /** The same with arguments that are only lent; false: they cannot be. */
  sendLent(entry: CommandEntry, slot: number, lent: LentArguments): boolean {
    if (!isLendable(lent)) return false
    this.#call(new RemoteCall(this, entry, slot, undefined, lent, false))
    return true
  }

  #call(call: RemoteCall): void {
    this.replies.enter(call)
    this.beginRemote()
    this.thread.client.sendCommand(call)
  }

  /** The shard of this thread that a slot is on, if a request for it may run before those on their way. */
  localShard(slot: number): InlineRun | undefined {
    const { memory, stretch } = this.thread
    this.#remote.look(memory.settledEpoch)
    const owner = memory.ownerOf(slot)
    return this.#remote.hasMoved(memory.epoch) ? undefined : stretch.of(owner)
  }

  /** Sends what is there, at the end of what runs now. */
  flushSoon(): void {
    this.#output.soon()
  }

  close(reason: string): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.endWaits(false)
    this.thread.onClosed(this, reason)
    this.#socket.destroy()
  }

  closeAfterReplies(reason = 'it was asked to'): void {
    if (this.#isEnding) return
    this.#isEnding = true
    this.#endReason = reason
    this.giveUpHeld()
    // What runs now may be what asked for it, and has not taken a place for its reply yet.
    queueMicrotask(() => this.#endWhenDone())
  }

  /** The client has sent its last byte: what it asked for is answered all the same, but nobody waits. */
  onEnd(): void {
    this.hasEnded = true
    this.unblock(false)
    // As Redis: what a pause has held up for it is not done.
    if (!this.#isStopped || this.isPostponed) this.closeAfterReplies(GONE)
  }

  override beginWait(command: string, end: (withError: boolean) => void): void {
    super.beginWait(command, end)
    if (this.#isClosed) end(false)
    // It is asked all the same: there may be something that need not be waited for.
    else if (this.hasEnded) this.thread.clock.after(0, () => end(false))
  }

  /** The client has read. */
  onDrain(): void {
    if (this.#isStopped || this.#isEnding || this.replies.readyBytes > 0) this.#goOn()
  }

  /** Ends the socket when nothing is left to be answered or sent. */
  #endWhenDone(): void {
    if (this.#isClosed || this.#isFinished || this.replies.waiting > 0 || this.#isBusy) return
    this.#output.flush()
    if (this.#isClosed || this.replies.readyBytes > 0) return
    this.#isFinished = true
    this.endWaits(false)
    this.#socket.end(() => this.#onSent())
    // The client's end is seen only by who reads.
    this.#socket.resume()
  }

  /** All has been handed to the machine. */
  #onSent(): void {
    if (this.#isClosed) return
    this.thread.onClosed(this, this.#endReason)
    if (!this.hasEnded) this.thread.linger(this)
  }

  /** Runs what may run, and sends what is there. */
  #goOn(): void {
    if (this.#isClosed || this.#isReading) return
    if (!this.#isEnding) {
      this.#isReading = true
      this.#read()
      this.#isReading = false
    }
    this.#output.flushWith(this.#isEnding ? 0 : this.#remote.count)
    if (this.#isClosed) return
    if (this.thread.clientMemory.isOn) this.thread.clientMemory.weigh(this)
    if (this.#isEnding) this.#endWhenDone()
    else if (this.#isStopped) this.#waitToGoOn()
    else if (this.#isPaused) this.#resume()
  }

  /** What is left with the parser runs when what it waits for has happened. */
  #waitToGoOn(): void {
    const isFull = this.outputBytes > UNSENT_BYTES_MAX
    // Clients write a whole pipeline before they read: who is not read from then would wait for us for ever.
    if (this.#parser.pendingBytes > HELD_BYTES_MAX) this.#pause()
    // What else it may wait for calls by itself.
    if (this.#isBusy || this.isPostponed || isFull || this.#remote.isFull) return
    if (this.#isNextTurnSet) return
    this.#isNextTurnSet = true
    setImmediate(() => {
      this.#isNextTurnSet = false
      this.#goOn()
    })
  }

  /** Runs the requests that have come whole, until something is in the way. */
  #read(): void {
    const parser = this.#parser
    const { thread, replies } = this
    const room = UNSENT_BYTES_MAX - this.#socket.writableLength
    const { mark } = replies
    let left = SLICE_REQUESTS
    let endMs = 0
    // What waited for its turn here is timed from now on.
    if (this.#isStopped) this.lastUsedMs = thread.nowMs()
    this.#isStopped = false
    if (this.held !== undefined && !this.isPostponed) this.#run(parser, this.held)
    while (!this.#isEnding && !this.#isClosed) {
      if (this.#isBusy || this.isPostponed || this.#remote.isFull || replies.sizeBytes > room) {
        this.#isStopped = true
      } else if (left === 0) {
        const nowMs = thread.nowMs()
        if (endMs === 0) endMs = nowMs + SLICE_MS
        else if (nowMs > endMs) this.#isStopped = true
        left = SLICE_REQUESTS
      }
      if (this.#isStopped) {
        parser.hold()
        break
      }
      const state = parser.next()
      if (state === REQUEST) {
        left--
        if (parser.count > 0) this.#run(parser)
        continue
      }
      if (state === FAILED) this.#onFailed()
      else if (this.hasEnded) this.closeAfterReplies(GONE)
      break
    }
    const until = thread.endStretch()
    if (until !== undefined) this.#gate(until, mark)
  }

  /** Nothing of what the client sends can be understood any more, or it is too much. */
  #onFailed(): void {
    const { failure, isOverflow } = this.#parser
    this.thread.log('warn', 'client closed for what it sent', {
      id: this.id,
      address: this.address,
      reason: failure!.text,
    })
    // As Redis: who sends too much is closed without a word.
    if (!isOverflow) this.answer(failure!)
    this.closeAfterReplies(failure!.text)
  }

  /** Runs a request: what the parser has, or what was held up by a pause that is over. */
  #run(parser: RequestParser, held?: readonly Argument[]): void {
    try {
      if (held !== undefined) {
        this.held = undefined
        return dispatch(this, held, 'again')
      }
      if (this.isPlain && parser.isContiguous) {
        const entry = this.thread.commands.findBytes(parser.bytes, parser.offsets[0]!, parser.lengths[0]!)
        if (entry?.isOneKey === true && !entry.isAudited && runShort(this, entry, parser)) return
      }
      dispatch(this, argumentsOf(parser))
    } catch (thrown) {
      // A fault of ours: it ends this client, and not the thread.
      this.thread.log('error', 'a request failed', { id: this.id, reason: toError(thrown).message })
      this.answer(errorReplyOf(thrown))
      this.closeAfterReplies('a request failed')
    }
  }

  /** What was answered tells of what is not durable yet. */
  #gate(until: Promise<void>, mark: number): void {
    const gate = this.replies.gate(mark, this.resp)
    if (gate === undefined) return
    const open = (): void => {
      if (!this.#isClosed && this.replies.open(gate)) this.#goOn()
    }
    until.then(open, (error: unknown) => {
      if (this.#isClosed) return
      // Whether what was done is durable nobody knows: nothing behind it is told.
      this.closeAfterReplies()
      this.replies.fail(gate, errorReplyOf(error))
      this.#goOn()
    })
  }

  #pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#socket.pause()
  }

  #resume(): void {
    this.#isPaused = false
    this.#socket.resume()
  }
}
