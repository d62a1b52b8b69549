/**
 * A file with everything in it, cut off, cut into chunks and damaged at every byte: the same keys, or an
 * error with a place that is in the file; never anything else, and never a key that is not in it.
 */
import { describe, expect, test } from 'vitest'
import { ShardloomError } from '../../../../src/base/index.ts'
import { cut, joined, plainKeys, type Reading, readRdb } from '../../../support/portable/entries.ts'
import { everyForm } from '../../../support/portable/every-form.ts'
import { join, rdbFile } from '../../../support/portable/rdb-file.ts'

/** All bits, or one of each byte. */
const BITS_STEP = process.env['SHL_SOAK'] ? 1 : 9
/** What each byte is changed to. */
const OTHERS = process.env['SHL_SOAK'] ? [0, 0x7f, 0x80, 0x81, 0xc3, 0xfe, 0xff] : [0x80, 0xff]

const FILE = rdbFile(11, everyForm())
const WHOLE = await readRdb([FILE])
const KEYS = plainKeys(joined(WHOLE.entries))

/** The place of the error that ends a reading. */
function placeOf({ error }: Reading): number {
  if (!(error instanceof ShardloomError) || error.code !== 'SHL_IMPORT_INVALID') throw error
  const { offset, reason } = error.details
  if (typeof reason !== 'string' || !Number.isInteger(offset)) throw error
  return offset as number
}

test('the file is whole, and has a key of each form', () => {
  expect(WHOLE.error).toBeUndefined()
  expect(WHOLE.summary).toMatchObject({ keys: KEYS.length, isWhole: true, bytes: FILE.length })
  expect(KEYS.length).toBeGreaterThan(20)
  expect(WHOLE.skipped.map(({ kind }) => kind)).toEqual([
    ...['function', 'module data', 'stream', 'module', 'empty'],
  ])
})

describe('the same keys come', () => {
  test('of chunks of any size', async () => {
    for (let size = 1; size <= 40; size++) {
      const { entries, error } = await readRdb(cut(FILE, size))
      expect([size, error]).toEqual([size, undefined])
      expect(plainKeys(joined(entries))).toEqual(KEYS)
    }
  })

  test('of two chunks, wherever they meet', async () => {
    for (let at = 0; at <= FILE.length; at++) {
      const { entries, error, skipped } = await readRdb([FILE.subarray(0, at), FILE.subarray(at)])
      expect([at, error, skipped.length]).toEqual([at, undefined, WHOLE.skipped.length])
      expect(entries).toEqual(WHOLE.entries)
    }
  })

  test('when each chunk is overwritten as soon as the next one is asked for', async () => {
    function* chunks(): Generator<Uint8Array> {
      const chunk = new Uint8Array(13)
      for (const piece of cut(FILE, chunk.length)) {
        chunk.fill(0xee)
        chunk.set(piece)
        yield chunk.subarray(0, piece.length)
      }
    }
    const { entries, error } = await readRdb(chunks())
    expect(error).toBeUndefined()
    expect(entries).toEqual(WHOLE.entries)
  })

  test('with empty chunks in between', async () => {
    const none = new Uint8Array()
    const chunks = cut(FILE, 11).flatMap((chunk) => [none, chunk, none])
    expect((await readRdb(chunks)).entries).toEqual(WHOLE.entries)
  })
})

describe('a file that is cut off', () => {
  test('at any byte gives the keys that stand before, and says where it ends', async () => {
    for (let end = 0; end < FILE.length; end++) {
      const reading = await readRdb([FILE.subarray(0, end)])
      expect([end, placeOf(reading)]).toEqual([end, end])
      // Each entry is the one of the whole file: none is cut.
      expect(reading.entries).toEqual(WHOLE.entries.slice(0, reading.entries.length))
      expect(reading.summary.isWhole).toBe(false)
    }
  })
})

describe('a file that is damaged', () => {
  test('in any byte is refused, by its checksum at the latest', async () => {
    for (let bit = 0; bit < FILE.length * 8; bit += BITS_STEP) {
      const damaged = Uint8Array.from(FILE)
      damaged[bit >> 3]! ^= 1 << (bit & 7)
      expect(placeOf(await readRdb([damaged]))).toBeLessThanOrEqual(FILE.length)
    }
  })

  test('in any byte is refused or read, where it has no checksum', async () => {
    const bare = rdbFile(11, everyForm(), 'none')
    let refused = 0
    for (let at = 0; at < bare.length - 8; at++) {
      for (const byte of new Set([...OTHERS, bare[at]! ^ 1])) {
        const damaged = Uint8Array.from(bare)
        damaged[at] = byte
        const reading = await readRdb([damaged])
        if (reading.error === undefined) continue
        expect(placeOf(reading)).toBeLessThanOrEqual(bare.length)
        refused++
      }
    }
    // Texts may be any bytes, so that many changes are not seen; lengths and types are.
    expect(refused).toBeGreaterThan(bare.length / 2)
  })

  test('in its last bytes has given all of its keys before', async () => {
    for (let at = FILE.length - 8; at < FILE.length; at++) {
      const damaged = Uint8Array.from(FILE)
      damaged[at]! ^= 0x10
      const reading = await readRdb([join(damaged.subarray(0, 100)), damaged.subarray(100)])
      expect(reading.entries).toEqual(WHOLE.entries)
      expect(placeOf(reading)).toBe(FILE.length - 8)
    }
  })
})
