/**
 * The sending half of a link: message in, record on the ring, or a clear "no room".
 *
 * Message types are interned per link: the first use of a type writes a definition record, every later
 * message carries its number. What is too large for the ring, or holds transferable objects, goes over the
 * link's `MessagePort`; its header still goes through the ring and says "take the next message of the port",
 * so that the order of sending is kept without sequence numbers.
 *
 * Two ways to write. `write` may say no (ring full): that is back-pressure, for tells and asks.
 * `writeReliably` never says no and is only for what is bounded elsewhere: answers and stream items (by the
 * asks in flight), signals (by the actors). What finds no room waits in order, and while something waits
 * `write` says no.
 *
 * Writer: the thread that owns the link's producer; nobody else touches this object.
 * Invariants: (1) records leave in the order of the calls; (2) the port's messages are posted in the order of
 * their headers; (3) nothing is visible to the reader before `flush` or the publish threshold.
 * Tests: test/transport/link.test.ts, test/transport/link-writer.test.ts, link-writer.prop.test.ts
 */
import { ShardloomError } from '../base/index.ts'
import { type DoorbellRinger, INSUFFICIENT_CAPACITY, type RingProducer } from '../memory/index.ts'
import type { Port } from './channels.ts'
import type { OutgoingRecord } from './outgoing.ts'
import type { EncodedPayload, PayloadEncoder } from './payload.ts'
import * as layout from './record-layout.ts'
import { CONTROL_PARKED } from './thread-memory.ts'

/** A batch that is larger than this is published while it is still being written. */
const PUBLISH_BYTES = 8 * 1024
/**
 * More types than this travel by name: a program that makes up types must not fill the other side's memory.
 */
const TYPES_MAX = 4096

/** A header and payload that found no room. */
interface WaitingRecord {
  readonly header: OutgoingRecord
  readonly payload: EncodedPayload
  readonly isPosted: boolean
}

/** What a link needs once the other thread is known: absent while it is being made. */
export interface LinkWriterParts {
  readonly producer: RingProducer
  readonly port: Port
  readonly ringer: DoorbellRinger
  /** The reader's control words, for its parked flag. */
  readonly readerControl: Int32Array<SharedArrayBuffer>
}

/** Writes the messages of this thread to one other thread. */
export class LinkWriter {
  #parts: LinkWriterParts | undefined
  #producer: RingProducer | undefined
  #waiting: WaitingRecord[] = []
  #waitingHead = 0
  readonly #types = new Map<string, number>()
  #recordBytesMax = 0

  /** Makes the link usable; what waited for it goes out with the next `flush`. */
  connect(parts: LinkWriterParts): void {
    this.#parts = parts
    this.#producer = parts.producer
    this.#recordBytesMax = parts.producer.recordBytesMax
    // What is sent from now on is posted at once: what waits must lie on the port before it.
    this.#waiting = this.#waiting.map((record) => {
      const isPosted = this.#isByPort(record.payload, 0)
      if (isPosted) this.#post(record.payload, true)
      return { ...record, isPosted }
    })
  }

  get isConnected(): boolean {
    return this.#parts !== undefined
  }

  /** Records that found no room yet. */
  get waitingCount(): number {
    return this.#waiting.length - this.#waitingHead
  }

  get capacityBytes(): number {
    return this.#producer?.capacityBytes ?? 0
  }

  /** Bytes on the ring that the reader has not taken yet. */
  usedBytes(): number {
    return this.#producer?.usedBytes() ?? 0
  }

  /**
   * False when there is no room; the caller decides whether to wait, and nothing was sent.
   * @throws SHL_VALUE_NOT_SENDABLE
   */
  write(header: OutgoingRecord, payload: PayloadEncoder): boolean {
    if (this.waitingCount > 0 || this.#producer === undefined) return false
    return this.#append(header, payload, false)
  }

  /** Sends now or as soon as there is room. Only for what is bounded by something else. */
  writeReliably(header: OutgoingRecord, payload: PayloadEncoder): void {
    if (this.write(header, payload)) return
    const isByPort = this.#parts !== undefined && this.#isByPort(payload, 0)
    if (isByPort) this.#post(payload, true)
    const copy = Object.assign(Object.create(Object.getPrototypeOf(header)), header) as OutgoingRecord
    copy.payload = undefined
    copy.transfer = undefined
    this.#waiting.push({ header: copy, payload: payload.copy(), isPosted: isByPort })
  }

  /** Publishes at once when the reader sleeps: its wake-up takes longer than the rest of the batch. */
  flushIfParked(): void {
    const parts = this.#parts
    if (parts === undefined || Atomics.load(parts.readerControl, CONTROL_PARKED) === 0) return
    parts.producer.publish()
    parts.ringer.ringIfParked()
  }

  /** Publishes what was written, and wakes the reader if it sleeps. */
  publish(): void {
    const parts = this.#parts
    if (parts === undefined) return
    parts.producer.publish()
    parts.ringer.ringIfParked()
  }

  /** Publishes what was written, lets waiting records in, and wakes the reader if it sleeps. */
  flush(): void {
    const parts = this.#parts
    if (parts === undefined) return
    if (this.waitingCount > 0) this.#appendWaiting()
    parts.producer.publish()
    // Always asked, even when nothing is new: a batch may have been published without a ring before.
    parts.ringer.ringIfParked()
  }

  #appendWaiting(): void {
    while (this.#waitingHead < this.#waiting.length) {
      const { header, payload, isPosted } = this.#waiting[this.#waitingHead]!
      if (!this.#append(header, payload, isPosted)) return
      this.#waitingHead++
      if (this.#waitingHead > 1024 && this.#waitingHead * 2 > this.#waiting.length) this.#compactWaiting()
    }
    this.#waiting = []
    this.#waitingHead = 0
  }

  #compactWaiting(): void {
    this.#waiting = this.#waiting.slice(this.#waitingHead)
    this.#waitingHead = 0
  }

  #append(header: OutgoingRecord, payload: EncodedPayload, isPosted: boolean): boolean {
    const producer = this.#producer!
    let tag = layout.NO_TYPE
    let flags = header.flags
    let inlineType: Uint8Array | undefined
    if (header.type !== '') {
      tag = this.#types.get(header.type) ?? -1
      if (tag === -1) {
        const bytes = this.#encodeType(header.type)
        if (this.#types.size < TYPES_MAX) {
          tag = this.#defineType(header.type, bytes)
          if (tag === INSUFFICIENT_CAPACITY) return false
        } else {
          tag = TYPES_MAX
          flags |= layout.FLAG_TYPE_INLINE
          inlineType = bytes
        }
      }
    }
    const typeBytes = inlineType === undefined ? 0 : inlineType.length
    const isByPort = isPosted || this.#isByPort(payload, typeBytes)
    const sizeBytes = payload.form === layout.FORM_DOUBLE ? layout.DOUBLE_BYTES : payload.sizeBytes
    const bodyBytes = isByPort ? 0 : sizeBytes
    const offset = producer.tryClaim(layout.HEADER_BYTES + bodyBytes + typeBytes)
    if (offset === INSUFFICIENT_CAPACITY) return false
    if (isByPort && !isPosted) {
      try {
        this.#post(payload, false)
      } catch (error) {
        producer.abort()
        throw error
      }
    }
    const words = producer.words
    const word = offset >> 2
    const form = isByPort ? layout.FORM_PORT : payload.form
    words[word + layout.KIND_WORD] = header.kind | (form << 8) | (flags << 16)
    words[word + layout.TARGET_SLOT_WORD] = header.targetSlot
    words[word + layout.TARGET_GENERATION_WORD] = header.targetGeneration
    words[word + layout.ASK_SLOT_WORD] = header.askSlot
    words[word + layout.ASK_GENERATION_WORD] = header.askGeneration
    words[word + layout.SENDER_SLOT_WORD] = header.senderSlot
    words[word + layout.SENDER_GENERATION_WORD] = header.senderGeneration
    words[word + layout.TAG_WORD] = tag
    producer.doubles[(offset >> 3) + layout.DEADLINE_DOUBLE] = header.deadlineMs
    words[word + layout.SIZE_WORD] = payload.sizeBytes
    words[word + layout.ARGUMENT_WORD] = header.argument
    const body = offset + layout.HEADER_BYTES
    if (form === layout.FORM_DOUBLE) producer.doubles[body >> 3] = payload.double
    else if (bodyBytes > 0) copyBytes(producer.bytes, body, payload.bytes, bodyBytes)
    if (inlineType !== undefined) copyBytes(producer.bytes, body + bodyBytes, inlineType, typeBytes)
    producer.commit()
    if (producer.unpublishedBytes >= PUBLISH_BYTES) {
      producer.publish()
      this.#parts!.ringer.ringIfParked()
    }
    return true
  }

  #isByPort(payload: EncodedPayload, typeBytes: number): boolean {
    if (payload.objects !== undefined) return true
    return layout.HEADER_BYTES + payload.sizeBytes + typeBytes > this.#recordBytesMax
  }

  #post(payload: EncodedPayload, isWaiting: boolean): void {
    const port = this.#parts!.port
    // A view would take the whole of its buffer along, which is somebody else's, or our scratch.
    const bytes = payload.bytes.slice()
    const transfer = [...(payload.transferList ?? []), bytes.buffer]
    try {
      port.postMessage([payload.form, bytes, payload.objects], transfer)
    } catch (cause) {
      const what = isWaiting ? 'not transferable (answer)' : 'not transferable'
      throw new ShardloomError('SHL_VALUE_NOT_SENDABLE', { path: 'transfer', what }, { cause })
    }
  }

  /** The name of a type, which has to fit beside a number: a body that is longer may go by the port. */
  #encodeType(type: string): Uint8Array {
    const bytes = Buffer.from(type, 'utf8')
    const bytesMax = this.#recordBytesMax - layout.HEADER_BYTES - layout.DOUBLE_BYTES
    if (bytes.length <= bytesMax) return bytes
    const what = `a name of ${bytes.length} bytes, and ${bytesMax} are allowed`
    throw new ShardloomError('SHL_VALUE_NOT_SENDABLE', { path: 'type', what })
  }

  #defineType(type: string, bytes: Uint8Array): number {
    const producer = this.#producer!
    const offset = producer.tryClaim(layout.HEADER_BYTES + bytes.length)
    if (offset === INSUFFICIENT_CAPACITY) return INSUFFICIENT_CAPACITY
    const tag = this.#types.size
    const word = offset >> 2
    producer.words.fill(0, word, word + (layout.HEADER_BYTES >> 2))
    producer.words[word + layout.KIND_WORD] = layout.KIND_DEFINE_TYPE
    producer.words[word + layout.TAG_WORD] = tag
    producer.words[word + layout.SIZE_WORD] = bytes.length
    copyBytes(producer.bytes, offset + layout.HEADER_BYTES, bytes, bytes.length)
    producer.commit()
    this.#types.set(type, tag)
    return tag
  }
}

/** Short copies by hand: `TypedArray.set` costs a call into native code. */
function copyBytes(target: Uint8Array, offset: number, source: Uint8Array, length: number): void {
  if (length > 48) {
    target.set(source.length === length ? source : source.subarray(0, length), offset)
    return
  }
  for (let i = 0; i < length; i++) target[offset + i] = source[i]!
}
