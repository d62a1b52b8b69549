/**
 * The keys of a log that is encrypted: which one a segment needs, and what is made of it.
 *
 *     master key      32 bytes, given by whoever runs the keyspace; it encrypts nothing itself
 *       ├─ id         8 bytes, in the description of each segment: says which key it needs, and nothing of it
 *       └─ file key   32 bytes, one for each segment: of its salt, and of all that its description says
 *
 * Why a key for each file. What AES-GCM promises ends when a nonce is used twice with one key, and a writer
 * that crashes does not know how far it has come. With keys of their own files need not know of each other.
 * And a description that somebody has changed gives another key, by which nothing can be read. The
 * alternative that lost: a random data key that the master key wraps, in the manifest. One file would then be
 * worth all the others, and a rotation would change what nothing is encrypted with (decision 0011).
 *
 * A ring holds the key that is written with and those of before. It never prints what it holds: whatever is
 * derived from a key is in private fields.
 *
 * Cost: 15 µs for a file key. Tests: test/storage/log-key.test.ts
 * Source: HKDF, RFC 5869.
 */
import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { assert, ShardloomError } from '../base/index.ts'
import { encodeSegmentInfo, type SegmentInfo } from './segment-info.ts'

/** Bytes of a master key, and of a file key. */
export const KEY_BYTES = 32
const ID_BYTES = 8
const HASH = 'sha256'
/** What a key is derived for: the same words never give two kinds of keys. */
const ID_PURPOSE = 'shardloom key id'
const FILE_PURPOSE = 'shardloom log 1\n'

/** A master key. */
export class LogKey {
  /** Says which one it is, and nothing of what it is: 16 hex digits. */
  readonly id: string
  readonly #master: Buffer

  constructor(master: Uint8Array) {
    assert(master.length === KEY_BYTES, 'a key has 32 bytes')
    this.#master = Buffer.from(master)
    this.id = Buffer.from(hkdfSync(HASH, this.#master, '', ID_PURPOSE, ID_BYTES)).toString('hex')
  }

  /** The key of one segment. */
  fileKey(info: SegmentInfo): KeyObject {
    const { sealing } = info
    assert(sealing?.key === this.id, 'a segment is read and written with the key that it names')
    const salt = Buffer.from(sealing.salt, 'hex')
    const purpose = Buffer.concat([Buffer.from(FILE_PURPOSE), encodeSegmentInfo(info)])
    return createSecretKey(Buffer.from(hkdfSync(HASH, this.#master, salt, purpose, KEY_BYTES)))
  }

  /** A copy of the key itself: for the threads of the shards, and for nobody else. */
  reveal(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#master)
  }
}

/** Keys as they go to other threads. */
export interface RevealedKeys {
  /** What is written with; undefined: what is written is in the clear. */
  readonly current: Uint8Array | undefined
  readonly previous: readonly Uint8Array[]
  readonly onlyEncrypted?: boolean
}

/** The keys that somebody has. */
export class KeyRing {
  /** What is written with; undefined: what is written is in the clear. */
  readonly current: LogKey | undefined
  /** A segment in the clear is refused: anybody could have put it there. */
  readonly onlyEncrypted: boolean
  readonly #byId = new Map<string, LogKey>()

  constructor(current?: LogKey, previous: readonly LogKey[] = [], onlyEncrypted = false) {
    this.current = current
    this.onlyEncrypted = onlyEncrypted
    for (const key of [...(current === undefined ? [] : [current]), ...previous]) this.#byId.set(key.id, key)
  }

  get isEmpty(): boolean {
    return this.#byId.size === 0
  }

  /** A ring of keys that came from another thread; undefined: one without any. */
  static of(keys: RevealedKeys | undefined): KeyRing {
    return keys === undefined
      ? NO_KEYS
      : new KeyRing(
          keys.current && new LogKey(keys.current),
          keys.previous.map((one) => new LogKey(one)),
          keys.onlyEncrypted,
        )
  }

  /** As they go to other threads. */
  reveal(): RevealedKeys {
    const previous = [...this.#byId.values()].filter((key) => key !== this.current)
    const { current, onlyEncrypted } = this
    return { current: current?.reveal(), previous: previous.map((key) => key.reveal()), onlyEncrypted }
  }

  /**
   * What a segment is read with; undefined: it is in the clear. @throws SHL_KEY_MISSING when its key is not
   * in the ring; SHL_LOG_FOREIGN when it is in the clear and must not be
   */
  fileKey(info: SegmentInfo, file: string): KeyObject | undefined {
    if (info.sealing === undefined) {
      if (!this.onlyEncrypted) return undefined
      const details = { file, found: 'a segment in the clear', wanted: 'one that is encrypted' }
      throw new ShardloomError('SHL_LOG_FOREIGN', details)
    }
    const wanted = info.sealing.key
    const key = this.#byId.get(wanted)
    if (key !== undefined) return key.fileKey(info)
    const given = [...this.#byId.keys()].join(', ')
    throw new ShardloomError('SHL_KEY_MISSING', { file, wanted, given: given === '' ? 'none' : given })
  }
}

/** For whoever has no key. */
export const NO_KEYS: KeyRing = new KeyRing()
