/**
 * Encrypts what a log writes: knows the key of the segment that is written to, and never uses a nonce twice.
 *
 *     nonce     8 random bytes, drawn when the log is opened and at each segment · a count of 4 bytes
 *
 * Why not only a count. A log that is opened goes on with the file key that its segment has, behind a tail
 * that was cut: which counts were used for what was lost is not known, and part of it may still be on some
 * disk. Why not only chance: two of 12 random bytes meet after some 2^48; so does a count of 4 bytes that
 * runs over, where 8 others are drawn.
 *
 * It encrypts in place. The cipher gives its result in memory of its own, from where it is copied back.
 *
 * Writer: one, that of the log. Invariants: (1) no two groups of one file key have the same nonce; (2) each
 * tag is also of the one before it. Cost: 5 µs a group, and 0.5 ns a byte.
 * Tests: test/storage/log-cipher.test.ts, log-writer.crash.test.ts
 */
import { createCipheriv, type KeyObject, randomBytes } from 'node:crypto'
import { assert } from '../base/index.ts'
import { HEADER_BYTES } from './log-format.ts'
import type { LogKey } from './log-key.ts'
import type { RecordArea } from './record-area.ts'
import {
  CIPHER,
  CIPHER_OPTIONS,
  COUNT_BYTES,
  GROUP_HEAD_BYTES,
  type GroupPlace,
  groupContext,
  NONCE_BYTES,
} from './sealed-group.ts'
import { NO_SEAL, SALT_BYTES, type SegmentInfo, TAG_BYTES } from './segment-info.ts'

const COUNT_MAX = 2 ** 32
const DRAWN_BYTES: number = NONCE_BYTES - 4
/** Of a long record so much is encrypted at a time: its copy stays small. */
const PART_BYTES = 1024 * 1024

/** What a log is encrypted with. */
export interface LogEncryption {
  readonly key: LogKey
  /** Bytes that nobody can guess. Default: those of `node:crypto`. */
  readonly randomBytes?: (sizeBytes: number) => Uint8Array
}

/** Encrypts one log. */
export class LogCipher {
  readonly #key: LogKey
  readonly #draw: (sizeBytes: number) => Uint8Array
  readonly #nonce: Buffer = Buffer.alloc(NONCE_BYTES)
  #count = COUNT_MAX
  /** Of the segment that is written to. */
  #fileKey: KeyObject | undefined
  /** Of the last group in it; zeros: there is none. */
  readonly #tag: Buffer = Buffer.alloc(TAG_BYTES)
  #hasTag = false
  /** What the next segment says of the groups before it, if there is none in this one. */
  #seal = NO_SEAL

  /** Goes on with a segment, if that has this key. */
  constructor({ key, randomBytes: draw = randomBytes }: LogEncryption, last?: CipherPlace) {
    this.#key = key
    this.#draw = draw
    if (last?.info.sealing === undefined) return
    this.#seal = last.seal
    if (last.info.sealing.key !== key.id) return
    this.#fileKey = key.fileKey(last.info)
    this.#hasTag = last.seal !== last.info.sealing.seal
    if (this.#hasTag) this.#tag.write(last.seal, 'hex')
  }

  /** Begins a segment: what it says of itself, with what it is encrypted with. */
  describe(info: SegmentInfo): SegmentInfo {
    const salt = Buffer.from(this.#draw(SALT_BYTES)).toString('hex')
    if (this.#hasTag) this.#seal = this.#tag.toString('hex')
    const described = { ...info, sealing: { key: this.#key.id, salt, seal: this.#seal } }
    this.#fileKey = this.#key.fileKey(described)
    this.#tag.fill(0)
    this.#hasTag = false
    this.#count = COUNT_MAX
    return described
  }

  /** Encrypts the records behind the head of a group that begins at `start`, and writes what is around. */
  seal({ bytes, view }: RecordArea, start: number, place: GroupPlace): void {
    assert(this.#fileKey !== undefined, 'a segment that is encrypted has been begun')
    const nonce = this.#nextNonce()
    const from = start + GROUP_HEAD_BYTES
    const end = from + place.plainBytes
    view.setUint32(start + HEADER_BYTES, place.count, true)
    bytes.set(nonce, start + HEADER_BYTES + COUNT_BYTES)
    const cipher = createCipheriv(CIPHER, this.#fileKey, nonce, CIPHER_OPTIONS)
    cipher.setAAD(groupContext(this.#tag, place))
    for (let at = from; at < end; at += PART_BYTES) {
      bytes.set(cipher.update(bytes.subarray(at, Math.min(end, at + PART_BYTES))), at)
    }
    cipher.final()
    cipher.getAuthTag().copy(this.#tag)
    this.#hasTag = true
    bytes.set(this.#tag, end)
  }

  #nextNonce(): Buffer {
    if (this.#count === COUNT_MAX) {
      this.#nonce.set(this.#draw(DRAWN_BYTES), 0)
      this.#count = 0
    }
    this.#nonce.writeUInt32LE(this.#count++, DRAWN_BYTES)
    return this.#nonce
  }
}

/** Where a log goes on. */
export interface CipherPlace {
  readonly info: SegmentInfo
  /** The tag of the last group, or what the description says of the one before. */
  readonly seal: string
}
