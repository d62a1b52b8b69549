/**
 * The format of an encoded value: one tag byte, then what the tag says. Little-endian.
 *
 *     size      varint, 7 bits a byte, up to 32 bits
 *     text      a string: LATIN1 size bytes | UTF16 size units (exact, lone surrogates included)
 *     object    each object, array, map … gets the next number when it begins; BACK_REFERENCE names one by it
 *
 *     ARRAY size items…                  SPARSE length count (index value)…
 *     OBJECT size (text)… values…        the names make a shape, numbered from 0 on
 *     SHAPED shape values…               another object of a shape seen before in this message
 *     MAP size (key value)…              SET size values…
 *     BYTES kind size bytes              a typed array, DataView or Buffer: the viewed bytes only
 *     ARRAY_BUFFER size bytes            OBJECT_VIEW kind index offset length: a view of a transferred buffer
 *     EXTERNAL index                     what travels beside the bytes, by MessagePort
 *     ERROR class text, message text, stack text, fields (object), cause value, errors value
 *     EXTENSION type value               a class of a higher layer
 *
 * Both ends are always the same version of the package, in one process: the format is not stored and may change.
 */
export const TAG_UNDEFINED = 0
export const TAG_NULL = 1
export const TAG_TRUE = 2
export const TAG_FALSE = 3
export const TAG_UINT8 = 4
export const TAG_INT32 = 5
export const TAG_DOUBLE = 6
export const TAG_LATIN1 = 7
export const TAG_UTF16 = 8
export const TAG_BIGINT = 9
export const TAG_DATE = 10
export const TAG_REGEXP = 11
export const TAG_ARRAY = 12
export const TAG_SPARSE = 13
export const TAG_OBJECT = 14
export const TAG_SHAPED = 15
export const TAG_MAP = 16
export const TAG_SET = 17
export const TAG_BYTES = 18
export const TAG_ARRAY_BUFFER = 19
export const TAG_OBJECT_VIEW = 20
export const TAG_EXTERNAL = 21
export const TAG_ERROR = 22
export const TAG_EXTENSION = 23
export const TAG_BACK_REFERENCE = 24
export const TAG_BOXED = 25

/** Nested deeper than this cannot cross: the decoder's own stack is a limit too. */
export const DEPTH_MAX = 1000

type ViewConstructor = new (buffer: ArrayBufferLike, byteOffset?: number, length?: number) => ArrayBufferView

/** Views by their number in the format. `Buffer` is last because it is a `Uint8Array` too. */
export const VIEW_NAMES = [
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'DataView',
  'Buffer',
  'Float16Array',
] as const

/** The constructors; an entry is undefined where this Node has no such view. */
export const VIEW_CONSTRUCTORS: readonly (ViewConstructor | undefined)[] = VIEW_NAMES.map(
  (name) => (globalThis as unknown as Record<string, ViewConstructor | undefined>)[name],
)

/** The number of `Buffer`, whose constructor is not called like the others. */
export const VIEW_BUFFER = VIEW_NAMES.indexOf('Buffer')

/** The number of a view's type, -1 for none of ours. */
export function viewKind(view: ArrayBufferView): number {
  if (Buffer.isBuffer(view)) return VIEW_BUFFER
  return VIEW_NAMES.indexOf(Object.prototype.toString.call(view).slice(8, -1) as (typeof VIEW_NAMES)[number])
}
