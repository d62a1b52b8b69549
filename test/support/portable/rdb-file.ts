/**
 * RDB files made by hand, byte by byte from the description of the format: for what no Redis at hand writes
 * any more, or not yet, and for what none would ever write.
 *
 * Nothing here is shared with the reader but the checksum, which has a test of its own.
 */
import { crc64 } from '../../../src/keyspace/engine/dump/crc64.ts'

export type Bytes = string | Uint8Array | readonly number[]

/** Bytes one behind the other. A string has a character a byte. */
export function join(...parts: readonly Bytes[]): Buffer {
  return Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))),
  )
}

/** A number of `bytes` bytes, little-endian. */
export function little(value: number | bigint, bytes: number): Buffer {
  const buffer = Buffer.alloc(8)
  buffer.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)))
  return buffer.subarray(0, bytes)
}

export function big(value: number | bigint, bytes: number): Buffer {
  return Buffer.from(little(value, bytes)).reverse()
}

/** A length, as short as it can be. */
export function length(value: number | bigint): Buffer {
  if (value < 64) return join([Number(value)])
  if (value < 16384) return join([0x40 | (Number(value) >> 8), Number(value) & 0xff])
  return value < 2 ** 32 ? join([0x80], big(value, 4)) : join([0x81], big(value, 8))
}

/** A string as it is, with its length. */
export function text(bytes: Bytes): Buffer {
  const content = join(bytes)
  return join(length(content.length), content)
}

/** A string that stands for an integer. */
export function integer(value: number): Buffer {
  if (value >= -128 && value < 128) return join([0xc0], little(value, 1))
  if (value >= -32768 && value < 32768) return join([0xc1], little(value, 2))
  return join([0xc2], little(value, 4))
}

/** A string packed with LZF that has nothing but runs of bytes as they are. */
export function packed(bytes: Bytes): Buffer {
  const content = join(bytes)
  const runs: Buffer[] = []
  for (let i = 0; i < content.length; i += 32) {
    const run = content.subarray(i, i + 32)
    runs.push(join([run.length - 1], run))
  }
  const whole = join(...runs)
  return join([0xc3], length(whole.length), length(content.length), whole)
}

/** A key: the number of its form, its name, and what is behind that. */
export function key(type: number, name: Bytes, ...value: readonly Bytes[]): Buffer {
  return join([type], text(name), ...value)
}

/** A whole file. `checksum`: of which kind, where the version has one. */
export function rdbFile(
  version: number,
  content: readonly Bytes[],
  checksum: 'right' | 'none' | 'wrong' = 'right',
): Buffer {
  const body = join(`REDIS${String(version).padStart(4, '0')}`, ...content, [0xff])
  if (version < 5) return body
  if (checksum === 'none') return join(body, little(0, 8))
  const sum = Buffer.alloc(8)
  sum.writeBigUInt64LE(crc64(body) ^ (checksum === 'wrong' ? 1n : 0n))
  return join(body, sum)
}

/** A payload of RESTORE: a value without its key. */
export function payload(version: number, type: number, ...value: readonly Bytes[]): Buffer {
  const body = join([type], ...value, little(version, 2))
  const sum = Buffer.alloc(8)
  sum.writeBigUInt64LE(crc64(body))
  return join(body, sum)
}

/** A ziplist. Numbers are written as numbers, in as few bytes as they need. */
export function ziplist(items: readonly (string | number | bigint)[]): Buffer {
  const entries: Buffer[] = []
  let before = 0
  for (const item of items) {
    const size = before < 254 ? join([before]) : join([254], little(before, 4))
    const entry = join(size, typeof item === 'string' ? ziplistText(item) : ziplistNumber(BigInt(item)))
    before = entry.length
    entries.push(entry)
  }
  const body = join(...entries)
  const tail = 10 + body.length - before
  const count = Math.min(items.length, 65535)
  return join(little(11 + body.length, 4), little(tail, 4), little(count, 2), body, [0xff])
}

function ziplistText(item: string): Buffer {
  if (item.length < 64) return join([item.length], item)
  if (item.length < 16384) return join([0x40 | (item.length >> 8), item.length & 0xff], item)
  return join([0x80], big(item.length, 4), item)
}

function ziplistNumber(item: bigint): Buffer {
  if (item >= 0n && item <= 12n) return join([0xf1 + Number(item)])
  if (fits(item, 8)) return join([0xfe], little(item, 1))
  if (fits(item, 16)) return join([0xc0], little(item, 2))
  if (fits(item, 24)) return join([0xf0], little(item, 3))
  return fits(item, 32) ? join([0xd0], little(item, 4)) : join([0xe0], little(item, 8))
}

/** A listpack. Numbers are written as numbers, in as few bytes as they need. */
export function listpack(items: readonly (string | number | bigint)[]): Buffer {
  const entries = items.map((item) => {
    const entry = typeof item === 'string' ? listpackText(item) : listpackNumber(BigInt(item))
    return join(entry, backLength(entry.length))
  })
  const body = join(...entries)
  const count = Math.min(items.length, 65535)
  return join(little(7 + body.length, 4), little(count, 2), body, [0xff])
}

function listpackText(item: string): Buffer {
  if (item.length < 64) return join([0x80 | item.length], item)
  if (item.length < 4096) return join([0xe0 | (item.length >> 8), item.length & 0xff], item)
  return join([0xf0], little(item.length, 4), item)
}

function listpackNumber(item: bigint): Buffer {
  if (item >= 0n && item < 128n) return join([Number(item)])
  if (fits(item, 13)) {
    const bits = Number(BigInt.asUintN(13, item))
    return join([0xc0 | (bits >> 8), bits & 0xff])
  }
  if (fits(item, 16)) return join([0xf1], little(item, 2))
  if (fits(item, 24)) return join([0xf2], little(item, 3))
  return fits(item, 32) ? join([0xf3], little(item, 4)) : join([0xf4], little(item, 8))
}

/** Seven bits a byte, the lowest in the last one; as Redis counts, 16383 takes three bytes already. */
function backLength(size: number): Buffer {
  const count = size <= 127 ? 1 : size < 16383 ? 2 : size < 2097151 ? 3 : 4
  const bytes: number[] = []
  for (let i = 0, rest = size; i < count; i++, rest >>= 7) {
    bytes.unshift((rest & 0x7f) | (i < count - 1 ? 0x80 : 0))
  }
  return join(bytes)
}

/** A zipmap; `free` bytes are left behind each value. */
export function zipmap(fields: readonly (readonly [string, string])[], free = 0): Buffer {
  const entries = fields.map(([field, value]) =>
    join(zipmapLength(field), field, zipmapLength(value), [free], value, '?'.repeat(free)),
  )
  return join([Math.min(fields.length, 254)], ...entries, [0xff])
}

function zipmapLength(item: string): Buffer {
  return item.length < 254 ? join([item.length]) : join([254], little(item.length, 4))
}

/** An intset of numbers in ascending order. */
export function intset(members: readonly (number | bigint)[]): Buffer {
  const width = members.every((member) => fits(BigInt(member), 16))
    ? 2
    : members.every((member) => fits(BigInt(member), 32))
      ? 4
      : 8
  return join(little(width, 4), little(members.length, 4), ...members.map((member) => little(member, width)))
}

/** A score as text, of the oldest form. */
export function scoreText(score: number | string): Buffer {
  if (score === Number.POSITIVE_INFINITY) return join([254])
  if (score === Number.NEGATIVE_INFINITY) return join([255])
  const digits = String(score)
  return join([digits.length], digits)
}

export function double(value: number): Buffer {
  const buffer = Buffer.alloc(8)
  buffer.writeDoubleLE(value)
  return buffer
}

function fits(value: bigint, bits: number): boolean {
  return value === BigInt.asIntN(bits, value)
}
