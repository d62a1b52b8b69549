/**
 * Proves many records at once, with two calls of zlib instead of two checksums for each.
 *
 *     file      | 8: checksums | 24: header | body | 8 | 24 | body | 8 | 24 | body | …
 *     whole     └────────────────────── one CRC of all of it ─────────────────────┘
 *     headers                └────┘               └────┘     └────┘   one CRC of these behind each other
 *
 * A CRC is linear. What a checksum says of its bytes, begun with a number that is known, says what the CRC of
 * everything up to there is: the CRC before, moved on by the length of the bytes, XOR what is said. So from
 * all that the records say follows what both CRCs must be. Records that are short, as most are, cost a few
 * look-ups each, where computing their checksums costs one for every byte.
 *
 * Why two CRCs. A header's checksum is part of what the record's begins with: if it alone is wrong, what the
 * header says of the whole and what the record says of it are wrong by the same, and cancel. In the second
 * CRC only headers are. A checksum of a record that is wrong cannot cancel with what the next one says, which
 * begins with it: they stand 32 bytes and a body apart, and no power of x up to there is 1.
 *
 * When it does not come out, something in the run is wrong; what, and where, shows when each record is looked
 * at by itself. It comes out by chance as a single checksum does: once in 2^32.
 *
 * Invariant: records that are proven here are those that `LogChain` finds right, one by one.
 * Cost: 30 ns for a record of up to `BODY_BYTES_MAX`, and 0.1 ns for a byte.
 * Tests: test/storage/run-proof.test.ts, log-examination.crash.test.ts
 * Source: Mark Adler's `crc32_combine`.
 */
import { crc32 } from 'node:zlib'
import { assert } from '../base/index.ts'
import { CRC_TABLES } from './crc.ts'
import type { ChainPlace } from './log-chain.ts'
import {
  CHECKED_HEADER,
  claimedBytesAt,
  HEADER_BYTES,
  KIND_SEGMENT,
  kindAt,
  RECORD_ALIGN,
} from './log-format.ts'
import type { RecordArea } from './record-area.ts'

/** Records with more behind the header are proven alone: zlib is as fast for them. */
const BODY_BYTES_MAX = 1024
/** Less is not worth two calls. */
const RECORDS_MIN = 4
const RECORDS_MAX = 16 * 1024
const HEADER_WORDS = (HEADER_BYTES - CHECKED_HEADER) >> 2

assert(HEADER_WORDS === 6 && CHECKED_HEADER === 8, 'a header is copied as six words')

/** The tables of a move by n bytes, which are a multiple of 8, at n / 8. */
const MOVES: (Int32Array | undefined)[] = []
const OVER_HEADER = movesBy(HEADER_WORDS << 2)

/** Proves runs of one log. */
export class RunProof {
  /** The checked parts of headers, behind each other. */
  #headers = new Int32Array(0)

  /**
   * Where the records end that begin at `at`, up to `end`, and are proven; `at` when none are. `tried` tells
   * how far the records go that were looked at.
   */
  prove(area: RecordArea, at: number, end: number, { mark, offset, checksum }: ChainPlace): number {
    const { bytes, view } = area
    if (this.#headers.length === 0) this.#headers = new Int32Array(RECORDS_MAX * HEADER_WORDS)
    const headers = this.#headers
    let [whole, header, count, before] = [0, 0, 0, checksum | 0]
    let place = (mark + offset / RECORD_ALIGN) | 0
    let from = at
    this.tried = at
    for (; count < RECORDS_MAX && from + HEADER_BYTES <= end; count++) {
      const size = claimedBytesAt(area, from)
      if (size === 0 || size > HEADER_BYTES + BODY_BYTES_MAX || from + size > end) break
      if (kindAt(area, from) === KIND_SEGMENT) break
      const said = view.getInt32(from, true)
      const headerSaid = view.getInt32(from + 4, true)
      for (let i = 0, word = count * HEADER_WORDS; i < HEADER_WORDS; i++) {
        headers[word + i] = view.getInt32(from + CHECKED_HEADER + (i << 2), true)
      }
      header = moved(header ^ place, OVER_HEADER) ^ headerSaid
      whole = moved(overChecksums(whole, said, headerSaid) ^ place, OVER_HEADER)
      // The header's own checksum was to be added here, and is taken away with what the record's begins with.
      whole = moved(whole ^ before, movesBy(size - HEADER_BYTES)) ^ said
      before = said
      place = (place + size / RECORD_ALIGN) | 0
      from += size
    }
    this.tried = from
    if (count < RECORDS_MIN) return at
    if (crc32(new Uint8Array(headers.buffer, 0, count * HEADER_WORDS * 4)) !== header >>> 0) return at
    return crc32(bytes.subarray(at, from)) === whole >>> 0 ? from : at
  }

  /** What was looked at by the last `prove` ends here. */
  tried = 0
}

/** A CRC behind eight more bytes, two words. */
function overChecksums(crc: number, first: number, second: number): number {
  const tables = CRC_TABLES
  const low = ~crc ^ first
  return ~(
    tables[1792 + (low & 0xff)]! ^
    tables[1536 + ((low >>> 8) & 0xff)]! ^
    tables[1280 + ((low >>> 16) & 0xff)]! ^
    tables[1024 + (low >>> 24)]! ^
    tables[768 + (second & 0xff)]! ^
    tables[512 + ((second >>> 8) & 0xff)]! ^
    tables[256 + ((second >>> 16) & 0xff)]! ^
    tables[second >>> 24]!
  )
}

/** What a difference between two CRCs becomes over the bytes that `tables` stand for. */
function moved(crc: number, tables: Int32Array): number {
  return (
    tables[crc & 0xff]! ^
    tables[256 + ((crc >>> 8) & 0xff)]! ^
    tables[512 + ((crc >>> 16) & 0xff)]! ^
    tables[768 + (crc >>> 24)]!
  )
}

function movesBy(count: number): Int32Array {
  const known = MOVES[count >> 3]
  if (known !== undefined) return known
  const tables = new Int32Array(4 * 256)
  for (let bit = 0; bit < 32; bit++) {
    let crc = 1 << bit
    for (let i = 0; i < count; i++) crc = (crc >>> 8) ^ CRC_TABLES[crc & 0xff]!
    // All values of its byte that have this bit as their highest.
    const at = ((bit >> 3) << 8) + (1 << (bit & 7))
    for (let lower = 0; lower < 1 << (bit & 7); lower++)
      tables[at + lower] = tables[at - (1 << (bit & 7)) + lower]! ^ crc
  }
  MOVES[count >> 3] = tables
  return tables
}
