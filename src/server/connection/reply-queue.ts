/**
 * The replies of one connection, in the order of its requests.
 *
 * Most replies are there when their command has run, and are written at once. One that comes later, from
 * another thread, keeps its place, and what is answered behind it is written aside; when the first of those
 * that wait is there, it and what follows goes out. Replies that tell of what is not durable yet stand behind
 * a gate: those that were written already as bytes in it, the others behind it.
 *
 *     writer    what leaves next
 *     entries   place · 120 · place · place · 310     a number: so far goes what was written aside before it
 *     aside     the bytes of 0-119 · of 120-309 · and, behind the last entry, of what has come since
 *
 * Invariants: 1. Replies leave in the order in which their places were taken, each in the version of the
 * protocol that held when its place was taken. 2. `sizeBytes` counts all that is kept, also what waits.
 * Tests: test/server/connection/reply-queue.test.ts
 */
import { NO_REPLY, ReplyWriter, type ServerReply, SlabPool } from '../resp/index.ts'
import { sizeOfReply } from './reply-size.ts'

/** So many entries that are done with are kept until they are dropped. */
const DROPPED_MIN = 1024
/** Memory for what is written aside, of one connection at a time, and how many are kept for the next. */
const ASIDE_BYTES = 2 * 1024
const IDLE_MAX = 512
/** What a place takes besides its reply. */
const PLACE_BYTES = 64

/** A place in the order, of a reply that comes later. */
export class PendingReply {
  reply: ServerReply | typeof NO_REPLY = NO_REPLY
  /** Written already, behind a gate. */
  chunks: readonly Uint8Array[] | undefined = undefined
  isReady = false
  readonly resp: 2 | 3
  /** The client wants no reply to this request. */
  readonly isMuted: boolean
  /** What it counts for in `sizeBytes`. */
  bytes: number = PLACE_BYTES

  constructor(resp: 2 | 3, isMuted: boolean) {
    this.resp = resp
    this.isMuted = isMuted
  }
}

/**
 * Takes what is written aside. It is copied in the end, so that its memory can be used again: of a thread's,
 * so many are kept.
 */
class AsideWriter {
  readonly slabs: SlabPool = new SlabPool(ASIDE_BYTES)
  readonly writer: ReplyWriter = new ReplyWriter(this.slabs)
}

const idle: AsideWriter[] = []

/** The replies of a connection. */
export class ReplyQueue {
  readonly writer: ReplyWriter
  #entries: (PendingReply | number)[] = []
  #first = 0
  /** Entries that were there before those in `#entries`. */
  #dropped = 0
  #waitingBytes = 0
  /** Takes what is answered while somebody waits. */
  #aside: AsideWriter | undefined
  /** What was taken from there, which part of it has gone, and where that part ends. */
  #chunks: Uint8Array[] = []
  #chunkAt = 0
  #asideGone = 0
  #asideTaken = 0
  /** What of it stands before the last entry. */
  #asideClosed = 0
  /** What was taken from the writer, and not from here yet. */
  #out: Uint8Array[] = []
  #outBytes = 0

  constructor(writer: ReplyWriter = new ReplyWriter()) {
    this.writer = writer
  }

  /** Whether nobody waits: what is written to the writer leaves next. */
  get isClear(): boolean {
    return this.#entries.length === 0
  }

  /** Replies that wait for themselves or for one before them. */
  get waiting(): number {
    const tail = this.#asideEnd > this.#asideClosed ? 1 : 0
    return this.#entries.length - this.#first + tail
  }

  /** Bytes that could be sent now. */
  get readyBytes(): number {
    return this.#outBytes + this.writer.sizeBytes
  }

  /** Bytes of all that is kept, about. */
  get sizeBytes(): number {
    return this.readyBytes + this.#waitingBytes + this.#asideEnd - this.#asideGone
  }

  /** Where a reply that is there is to be written, at once. */
  writerFor(resp: 2 | 3): ReplyWriter {
    const writer = this.isClear ? this.writer : this.#besides()
    writer.resp = resp
    return writer
  }

  /** A reply that is there. */
  add(reply: ServerReply | typeof NO_REPLY, resp: 2 | 3): void {
    if (reply !== NO_REPLY) this.writerFor(resp).reply(reply)
  }

  /** The same, before the last place that was taken. */
  addBeforeLast(reply: ServerReply, resp: 2 | 3): void {
    const last = this.#entries.length - 1
    if (last <= this.#first) return this.#write(reply, resp)
    const place = this.#place(resp)
    place.reply = reply
    place.isReady = true
    this.#weigh(place, sizeOfReply(reply))
    this.#entries.splice(last, 0, place)
  }

  /** Takes a place for a reply that comes later. */
  reserve(resp: 2 | 3): PendingReply {
    const place = new PendingReply(resp, false)
    this.enter(place)
    return place
  }

  /** The same, with the place. */
  enter(place: PendingReply): void {
    this.#close()
    this.#waitingBytes += PLACE_BYTES
    this.#entries.push(place)
  }

  /** Whether a place is the first that waits: its reply may be written to the writer, then `passed`. */
  isNext(place: PendingReply): boolean {
    return this.#entries[this.#first] === place
  }

  /** The reply of the first place has been written. */
  passed(): void {
    this.#waitingBytes -= PLACE_BYTES
    this.#first++
    this.#advance()
  }

  /** The reply of a place. True when something can be sent because of it. */
  settle(place: PendingReply, reply: ServerReply | typeof NO_REPLY): boolean {
    place.reply = reply
    place.isReady = true
    if (this.isNext(place)) return this.#advance()
    this.#weigh(place, sizeOfReply(reply))
    return false
  }

  /** The end of what was added so far: where a gate may stand. What is added from now on stands behind it. */
  get mark(): number {
    this.#close()
    return this.#dropped + this.#entries.length
  }

  /** Puts what was added since `mark` behind a gate; undefined: nothing was. `open` lets it out. */
  gate(mark: number, resp: 2 | 3): PendingReply | undefined {
    this.#close()
    const at = Math.max(this.#first, mark - this.#dropped)
    // What is in the writer comes before all that waits.
    const isFirst = at === this.#first
    if (at === this.#entries.length && !(isFirst && this.writer.sizeBytes > 0)) return undefined
    const gate = this.#place(resp)
    const written = isFirst ? this.writer.sizeBytes : 0
    gate.chunks = isFirst ? this.writer.take() : []
    this.#weigh(gate, written)
    this.#entries.splice(at, 0, gate)
    return gate
  }

  /** Opens a gate. True when something can be sent because of it. */
  open(gate: PendingReply): boolean {
    gate.isReady = true
    return this.isNext(gate) && this.#advance()
  }

  /** What is behind a gate will never be told of: this is said in its place, and nothing after it. */
  fail(gate: PendingReply, reply: ServerReply): boolean {
    const entries = this.#entries
    const at = entries.indexOf(gate)
    if (at < 0) return false
    entries.length = at + 1
    this.#cutAside(entries.findLast((entry) => typeof entry === 'number') ?? this.#asideGone)
    gate.chunks = undefined
    return this.settle(gate, reply)
  }

  /** What can be sent; it is taken. */
  take(): Uint8Array[] {
    return this.#out.length === 0 ? this.writer.take() : this.#takeAll()
  }

  #takeAll(): Uint8Array[] {
    this.#seal()
    const chunks = this.#out
    this.#out = []
    this.#outBytes = 0
    return chunks
  }

  /** A place whose entry the caller makes. */
  #place(resp: 2 | 3): PendingReply {
    this.#waitingBytes += PLACE_BYTES
    return new PendingReply(resp, false)
  }

  #weigh(place: PendingReply, bytes: number): void {
    place.bytes += bytes
    this.#waitingBytes += bytes
  }

  #seal(): void {
    if (this.writer.sizeBytes > 0) this.#put(this.writer.take())
  }

  #put(chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) {
      this.#out.push(chunk)
      this.#outBytes += chunk.length
    }
  }

  /** Writes from the front what is there. */
  #advance(): boolean {
    const entries = this.#entries
    let at = this.#first
    while (at < entries.length) {
      const entry = entries[at]!
      if (typeof entry === 'number') this.#writeAside(entry)
      else if (entry.isReady) this.#writePlace(entry)
      else break
      at++
    }
    if (at === entries.length) {
      this.#writeAside(this.#asideEnd)
      this.#dropped += at
      this.#entries = []
      this.#first = 0
      this.#waitingBytes = 0
      this.#endAside()
    } else if (at > DROPPED_MIN) {
      this.#dropped += at
      this.#entries = entries.slice(at)
      this.#first = 0
    } else this.#first = at
    return true
  }

  #writePlace(place: PendingReply): void {
    this.#waitingBytes -= place.bytes
    if (place.chunks === undefined) return this.#write(place.reply, place.resp)
    this.#seal()
    this.#put(place.chunks)
  }

  #write(reply: ServerReply | typeof NO_REPLY, resp: 2 | 3): void {
    if (reply === NO_REPLY) return
    this.writer.resp = resp
    this.writer.reply(reply)
  }

  #besides(): ReplyWriter {
    this.#aside ??= idle.pop() ?? new AsideWriter()
    return this.#aside.writer
  }

  /** All of it has gone: its memory is another's. */
  #endAside(): void {
    if (this.#aside === undefined) return
    this.#aside.slabs.reuse()
    if (idle.length < IDLE_MAX) idle.push(this.#aside)
    this.#aside = undefined
    this.#asideGone = 0
    this.#asideTaken = 0
    this.#asideClosed = 0
  }

  /** The end of what was written aside. */
  get #asideEnd(): number {
    return this.#aside === undefined ? 0 : this.#asideTaken + this.#aside.writer.sizeBytes
  }

  /** What was written aside by now stands before the entry that comes next. */
  #close(): void {
    const end = this.#asideEnd
    if (end === this.#asideClosed) return
    this.#asideClosed = end
    this.#entries.push(end)
  }

  /** Writes what was written aside up to `end`. */
  #writeAside(end: number): void {
    if (end > this.#asideTaken) this.#takeAside()
    while (this.#asideGone < end) {
      const chunk = this.#chunks[0]!
      const from = this.#chunkAt
      const to = Math.min(chunk.length, from + end - this.#asideGone)
      this.writer.encodedPart(chunk, from, to)
      this.#asideGone += to - from
      this.#chunkAt = to
      if (to < chunk.length) return
      this.#chunks.shift()
      this.#chunkAt = 0
    }
  }

  #takeAside(): void {
    this.#asideTaken = this.#asideEnd
    for (const chunk of this.#aside!.writer.take()) this.#chunks.push(chunk)
  }

  /** Forgets what was written aside from `end` on. */
  #cutAside(end: number): void {
    if (this.#aside === undefined) return
    this.#takeAside()
    while (this.#asideTaken > end) {
      const chunk = this.#chunks.pop()!
      const kept = Math.max(0, chunk.length - (this.#asideTaken - end))
      if (kept > 0) this.#chunks.push(chunk.subarray(0, kept))
      this.#asideTaken -= chunk.length - kept
    }
    this.#asideClosed = end
  }
}
