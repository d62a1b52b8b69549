/**
 * Bytes as the engine sees them: JavaScript strings whose code units are bytes (0–255), as Latin-1.
 *
 * V8 keeps such a string at one byte per character, compares it as `memcmp` does, and takes it as the key of
 * a `Map`; a `Uint8Array` is dearer in each of the three. Text of users is UTF-8 at the edge: for ASCII both
 * forms are the same string, so that nothing is converted. A value that is too long for a string, or that
 * comes as bytes anyway, stays a `Uint8Array`; only commands that say so (`rawValues`) see one.
 *
 * Tests: test/keyspace/engine/byte-string.test.ts
 */

/** A string of bytes: every code unit is 0–255. */
export type ByteString = string

/** What a command is given: bytes as a string, or, for large values, as they are. */
export type Argument = ByteString | Uint8Array

/** A value from this size on is handed on as bytes, not as a string. */
export const LARGE_VALUE_BYTES: number = 64 * 1024

/** The longest value: the longest string that V8 makes. Redis' proto-max-bulk-len is 24 bytes more. */
export const VALUE_BYTES_MAX: number = 2 ** 29 - 24

// biome-ignore lint/suspicious/noControlCharactersInRegex: what is asked is whether all are ASCII.
const NOT_ASCII = /[^\x00-\x7f]/

/** Whether text and its UTF-8 bytes are the same string. */
export function isAscii(text: string): boolean {
  return !NOT_ASCII.test(text)
}

/** A user's text as the bytes of its UTF-8. */
export function bytesOfText(text: string): ByteString {
  return isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1')
}

/** Bytes as a user's text. What is not UTF-8 becomes U+FFFD, as in `TextDecoder`. */
export function textOfBytes(bytes: Argument): string {
  if (typeof bytes !== 'string') return bufferOver(bytes).toString('utf8')
  return isAscii(bytes) ? bytes : Buffer.from(bytes, 'latin1').toString('utf8')
}

/** Bytes as a user's bytes: always a private copy. */
export function arrayOfBytes(bytes: Argument): Uint8Array<ArrayBuffer> {
  // Never from Buffer's pool: whoever gets the bytes may transfer what is under them.
  const copy = new Uint8Array(bytes.length)
  if (typeof bytes === 'string') bufferOver(copy).write(bytes, 'latin1')
  else copy.set(bytes)
  return copy
}

/** An argument as a string of bytes, whatever it came as. */
export function byteString(bytes: Argument): ByteString {
  return typeof bytes === 'string' ? bytes : bufferOver(bytes).toString('latin1')
}

/** All of some arguments; where none of them are bytes, what was given. */
export function byteStrings(argv: readonly Argument[]): readonly ByteString[] {
  for (let i = 0; i < argv.length; i++) if (typeof argv[i] !== 'string') return argv.map(byteString)
  return argv as readonly ByteString[]
}

/** A user's key or value, text or bytes, as an argument. */
export function argumentOf(value: string | Uint8Array): Argument {
  if (typeof value === 'string') return bytesOfText(value)
  return value.byteLength < LARGE_VALUE_BYTES ? bufferOver(value).toString('latin1') : value
}

function bufferOver(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
