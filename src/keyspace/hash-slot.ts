/**
 * The hash slot of a key: CRC16 of the key, or of its `{tag}`, modulo 16,384, as in Redis Cluster.
 *
 * Keys with one tag share a slot, and so a shard: commands over them need no transaction.
 *
 * Source: Redis Cluster specification, appendix A (CRC16-CCITT, XMODEM). Tests:
 * test/keyspace/hash-slot.test.ts
 */
import type { ByteString } from './engine/index.ts'

export const HASH_SLOTS: number = 16_384

const TABLE = makeTable()
const OPEN = 0x7b

/** The slot of a key given as bytes. */
export function hashSlotOf(key: ByteString): number {
  const { length } = key
  let crc = 0
  for (let i = 0; i < length; i++) {
    const byte = key.charCodeAt(i)
    if (byte === OPEN) return slotOfTagged(key, i)
    crc = ((crc << 8) & 0xffff) ^ TABLE[(crc >>> 8) ^ byte]!
  }
  return crc & (HASH_SLOTS - 1)
}

/** The same of a key where it lies among other bytes. */
export function hashSlotOfBytes(bytes: Uint8Array, offset: number, length: number): number {
  const end = offset + length
  let crc = 0
  for (let i = offset; i < end; i++) {
    const byte = bytes[i]!
    if (byte === OPEN) return hashSlotOf(Buffer.from(bytes.subarray(offset, end)).toString('latin1'))
    crc = ((crc << 8) & 0xffff) ^ TABLE[(crc >>> 8) ^ byte]!
  }
  return crc & (HASH_SLOTS - 1)
}

/** What is between the first `{` and the next `}` counts alone, unless it is nothing. */
function slotOfTagged(key: ByteString, open: number): number {
  const close = key.indexOf('}', open + 1)
  const hasTag = close > open + 1
  const from = hasTag ? open + 1 : 0
  const to = hasTag ? close : key.length
  let crc = 0
  for (let i = from; i < to; i++) crc = ((crc << 8) & 0xffff) ^ TABLE[(crc >>> 8) ^ key.charCodeAt(i)]!
  return crc & (HASH_SLOTS - 1)
}

function makeTable(): Uint16Array {
  const table = new Uint16Array(256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte << 8
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : crc << 1
    table[byte] = crc
  }
  return table
}
