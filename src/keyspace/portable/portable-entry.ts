/**
 * A key on its way in or out of a keyspace: what every format is read into, and written from.
 *
 * A large collection comes in several entries, its parts, one right after the other, so that nobody needs
 * memory for all of it. A part is never empty. Strings come whole.
 *
 * All texts are bytes, one a character, as in the engine. Times are wall-clock milliseconds; 0: never.
 *
 * Tests: test/keyspace/portable/part-builder.test.ts
 */
import type { ByteString } from '../engine/index.ts'

/** What a part of a key holds. `times` has a time per member; undefined: none of them expires. */
export type PortableValue =
  | { readonly type: 'string'; readonly text: ByteString }
  | { readonly type: 'list'; readonly elements: readonly ByteString[] }
  | {
      readonly type: 'set'
      readonly members: readonly ByteString[]
      readonly times: readonly number[] | undefined
    }
  | {
      readonly type: 'hash'
      readonly fields: readonly ByteString[]
      readonly values: readonly ByteString[]
      readonly times: readonly number[] | undefined
    }
  | {
      readonly type: 'zset'
      readonly members: readonly ByteString[]
      /** Never NaN. */
      readonly scores: readonly number[]
      readonly times: readonly number[] | undefined
    }

export type PortableType = PortableValue['type']

/** A key, or a part of one. */
export interface PortableEntry {
  readonly db: number
  readonly key: ByteString
  /** When the key expires. */
  readonly expireAt: number
  /** 0 for the first part of a key. */
  readonly part: number
  readonly isLast: boolean
  readonly value: PortableValue
}

/** Something that was met and cannot be held. */
export interface SkippedItem {
  readonly kind: SkippedKind
  readonly db: number
  /** Empty for what is no key; of one that is too long, the beginning. */
  readonly key: ByteString
  /** How long the key is, where `key` is its beginning. */
  readonly keyBytes?: number
  /** Its module or type, where it has one. */
  readonly name: string
}

/**
 * `empty`: a collection without members, which old versions of Redis may have left in a file; `key`: one that
 * is longer than KEY_BYTES_MAX.
 */
export type SkippedKind = 'stream' | 'module' | 'module data' | 'function' | 'empty' | 'key' | 'other type'

/** The latest time of a key: exact as a number. */
export const EXPIRE_AT_MAX: number = Number.MAX_SAFE_INTEGER

/** The latest time of a member, as HPEXPIREAT takes it. */
export const MEMBER_EXPIRE_AT_MAX: number = 2 ** 46 - 1

/** A part is closed when it holds so many members, or so many bytes of text; then one member more at most. */
export const PART_MEMBERS_MAX = 512
export const PART_BYTES_MAX: number = 128 * 1024

/** How many bytes of text a value has. */
export function textBytesOf(value: PortableValue): number {
  switch (value.type) {
    case 'string':
      return value.text.length
    case 'list':
      return sumOf(value.elements)
    case 'hash':
      return sumOf(value.fields) + sumOf(value.values)
    default:
      return sumOf(value.members)
  }
}

/** How many members a value has; 1 for a string. */
export function memberCountOf(value: PortableValue): number {
  switch (value.type) {
    case 'string':
      return 1
    case 'list':
      return value.elements.length
    case 'hash':
      return value.fields.length
    default:
      return value.members.length
  }
}

function sumOf(texts: readonly ByteString[]): number {
  let sum = 0
  for (const text of texts) sum += text.length
  return sum
}
