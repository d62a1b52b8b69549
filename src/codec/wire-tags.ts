/**
 * How a value looks as bytes: the first byte says what follows.
 *
 *     0        1
 *     +--------+----------------------------------------------------------+
 *     | flags  | value                                                    |
 *     +--------+----------------------------------------------------------+
 *     value = tag, then what the tag says; `size` is LEB128, numbers are little-endian
 *
 * Small integers, short texts and the classes of higher layers are tags themselves. Texts are Latin-1 or
 * UTF-16 and never UTF-8: both copy without transcoding, lone surrogates survive, and no decoder can be led
 * astray by bytes that change under it. Objects are numbered in the order in which they begin;
 * `TAG_REFERENCE` names one of them again. The keys of a record are written once per message, later records
 * name them by number.
 *
 * A message never outlives its process: the layout carries no version and may change with any release.
 * Tests: test/codec/value-codec.test.ts
 */

/** The message holds references, so the decoder must number what it builds. */
export const FLAG_REFERENCES = 1

/** `0x00..0x3f`: the integer itself. */
export const INTEGER_TAG_MAX = 0x3f
/** `0x40..0x5f`: a class of a higher layer, then its plain form. */
export const EXTENSION_TAG_MIN = 0x40
export const EXTENSION_TAG_MAX = 0x5f
/** `0x60..0x7f`: a Latin-1 text of 0 to 31 characters. */
export const SHORT_TEXT_TAG = 0x60
export const SHORT_TEXT_CHARS_MAX = 31

export const TAG_UNDEFINED = 0x80
export const TAG_NULL = 0x81
export const TAG_FALSE = 0x82
export const TAG_TRUE = 0x83
/** One byte, unsigned. */
export const TAG_BYTE = 0x84
/** Four bytes, signed. */
export const TAG_INT32 = 0x85
/** Eight bytes. */
export const TAG_DOUBLE = 0x86
/** Eight bytes, signed. */
export const TAG_BIGINT64 = 0x87
/** Sign byte, then a text of hexadecimal digits. */
export const TAG_BIGINT = 0x88
/** Size in characters, then a byte each. */
export const TAG_LATIN1 = 0x89
/** Size in code units, then two bytes each. */
export const TAG_UTF16 = 0x8a
/** Size, then the elements. */
export const TAG_ARRAY = 0x8b
/** Length, size, then index or name and value of each property. */
export const TAG_SPARSE_ARRAY = 0x8c
/** Hash of the keys (4 bytes), size of the definition (2 bytes), count (1 byte), keys; then the values. */
export const TAG_RECORD_DEFINITION = 0x8d
/** Tag, hash, size, count. */
export const DEFINITION_HEAD_BYTES = 8
/** Number of the definition within this message, then the values. */
export const TAG_RECORD = 0x8e
/** Size, then key and value of each property. */
export const TAG_OBJECT = 0x8f
/** Count (4 bytes), then keys and values. */
export const TAG_MAP = 0x90
/** Count (4 bytes), then values. */
export const TAG_SET = 0x91
/** Milliseconds, a double. */
export const TAG_DATE = 0x92
/** Source, flags. */
export const TAG_REGEXP = 0x93
/** Size, bytes. */
export const TAG_BUFFER = 0x94
/** Size, largest size, bytes. */
export const TAG_RESIZABLE_BUFFER = 0x95
/** Kind, size in bytes, bytes: a view that nothing else in the message looks through. */
export const TAG_VIEW = 0x96
/** Kind, offset and size in bytes (size + 1, or 0 when it follows its buffer), the buffer as a value. */
export const TAG_VIEW_OF = 0x97
/** Index of an object that travels beside the bytes. */
export const TAG_PORTED = 0x98
/** Number of an object in this message. */
export const TAG_REFERENCE = 0x99
/** The head of an error as texts, then the rest as an object. */
export const TAG_ERROR = 0x9a
/** The primitive of a Number, String, Boolean or BigInt object. */
export const TAG_BOXED = 0x9b

/** Deeper nesting is refused: the receiver must have the stack to build it again. */
export const DEPTH_MAX = 1000
