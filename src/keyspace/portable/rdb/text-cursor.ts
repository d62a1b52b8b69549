/**
 * Collections that Redis keeps in one piece of bytes, and writes to a file as they lie in memory: their
 * texts, one after another.
 *
 * They are walked, not unpacked: half a gigabyte of bytes may hold a quarter of a billion members.
 *
 * Tests: test/keyspace/portable/rdb/text-cursor.test.ts
 */
import { type ByteString, RdbInput } from '../../engine/index.ts'

/** Throws the error of a damaged file. */
export type Fail = (reason: string) => never

/** Walks over one such piece. */
export abstract class TextCursor extends RdbInput {
  readonly #form: string
  readonly #fail: Fail

  /** `form`: what the piece is called. */
  constructor(form: string, blob: Uint8Array, fail: Fail) {
    super(blob)
    this.#form = form
    this.#fail = fail
  }

  /** The next text; undefined: that was the last. @throws SHL_IMPORT_INVALID */
  abstract next(): ByteString | undefined

  /** What its texts say cannot be. @throws SHL_IMPORT_INVALID */
  refuse(reason: string): never {
    this.damaged(reason)
  }

  protected override missing(count: number): never {
    this.damaged(`${count} bytes are missing`)
  }

  protected override damaged(reason: string): never {
    this.#fail(`${this.#form}, byte ${this.position} of ${this.bytes.length}: ${reason}`)
  }
}

const COUNT_BYTES = 2
const COUNT_UNKNOWN = 0xffff
const END = 0xff

/**
 * A piece whose header begins with the size of all of it, in 4 bytes, and ends with the number of its
 * entries, in 2, of which 65535 means that there may be more; behind the entries stands 0xff.
 */
export abstract class EntryCursor extends TextCursor {
  readonly #countAt: number
  #seen = 0

  /** @throws SHL_IMPORT_INVALID when the header is not that of such a piece */
  constructor(form: string, headerBytes: number, blob: Uint8Array, fail: Fail) {
    super(form, blob, fail)
    this.#countAt = headerBytes - COUNT_BYTES
    const total = this.view.getUint32(this.take(headerBytes), true)
    if (total !== blob.length) this.damaged(`its header says ${total} bytes`)
  }

  override next(): ByteString | undefined {
    const start = this.position
    const first = this.byte()
    if (first === END) return this.#end()
    const text = this.entry(first, start)
    this.#seen++
    return text
  }

  /** Reads the entry at `start`, of which the first byte was read. */
  protected abstract entry(first: number, start: number): ByteString

  /** Checks what else the header says, when all entries were read. */
  protected checkEnd(): void {}

  #end(): undefined {
    if (this.position !== this.end) this.damaged('it ends too early')
    // Whoever asks again gets the same.
    this.position--
    this.checkEnd()
    const count = this.view.getUint16(this.#countAt, true)
    if (count !== COUNT_UNKNOWN && count !== this.#seen) {
      this.damaged(`it has ${this.#seen} entries, and its header says ${count}`)
    }
    return undefined
  }
}
