/**
 * Short Latin-1 text out of bytes, and into them.
 *
 * A call into Node costs 60 ns whatever the length, a loop of additions 6 ns a character, and a slice of one
 * long decoded text keeps that whole text alive. `String.fromCharCode` with all characters at once is an
 * inlined built-in: 10 to 30 ns, and the text owns its memory.
 *
 * Cost: bench/codec.ts. Tests: test/codec/latin1-text.test.ts
 */

export const SHORT_CHARS_MAX = 16

const text = String.fromCharCode

/**
 * The text of `length` bytes, at most SHORT_CHARS_MAX; so many bytes must be readable at `start` whatever the
 * length.
 */
export function shortLatin1(bytes: Uint8Array, start: number, length: number): string {
  const a = bytes[start]!
  if (length < 2) return length === 1 ? text(a) : ''
  const b = bytes[start + 1]!
  const c = bytes[start + 2]!
  const d = bytes[start + 3]!
  if (length < 5) return length === 2 ? text(a, b) : length === 3 ? text(a, b, c) : text(a, b, c, d)
  const e = bytes[start + 4]!
  const f = bytes[start + 5]!
  const g = bytes[start + 6]!
  const h = bytes[start + 7]!
  if (length === 5) return text(a, b, c, d, e)
  if (length === 6) return text(a, b, c, d, e, f)
  if (length === 7) return text(a, b, c, d, e, f, g)
  if (length === 8) return text(a, b, c, d, e, f, g, h)
  const i = bytes[start + 8]!
  const j = bytes[start + 9]!
  const k = bytes[start + 10]!
  const l = bytes[start + 11]!
  if (length === 9) return text(a, b, c, d, e, f, g, h, i)
  if (length === 10) return text(a, b, c, d, e, f, g, h, i, j)
  if (length === 11) return text(a, b, c, d, e, f, g, h, i, j, k)
  if (length === 12) return text(a, b, c, d, e, f, g, h, i, j, k, l)
  const m = bytes[start + 12]!
  const n = bytes[start + 13]!
  const o = bytes[start + 14]!
  const p = bytes[start + 15]!
  if (length === 13) return text(a, b, c, d, e, f, g, h, i, j, k, l, m)
  if (length === 14) return text(a, b, c, d, e, f, g, h, i, j, k, l, m, n)
  if (length === 15) return text(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o)
  return text(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)
}

/** The longest text of `middleLatin1`: from there on the call into Node costs less. */
export const MIDDLE_CHARS_MAX = 24

/** The same for more than SHORT_CHARS_MAX bytes, and at most MIDDLE_CHARS_MAX. */
export function middleLatin1(bytes: Uint8Array, start: number, length: number): string {
  const a = bytes[start]!
  const b = bytes[start + 1]!
  const c = bytes[start + 2]!
  const d = bytes[start + 3]!
  const e = bytes[start + 4]!
  const f = bytes[start + 5]!
  const g = bytes[start + 6]!
  const h = bytes[start + 7]!
  const i = bytes[start + 8]!
  const j = bytes[start + 9]!
  const k = bytes[start + 10]!
  const l = bytes[start + 11]!
  const m = bytes[start + 12]!
  const n = bytes[start + 13]!
  const o = bytes[start + 14]!
  const p = bytes[start + 15]!
  const q = bytes[start + 16]!
  if (length === 17) return text(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q)
  const r = bytes[start + 17]!
  if (length === 18) return text(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r)
  const s = bytes[start + 18]!
  if (length === 19) return text(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s)
  const t = bytes[start + 19]!
  if (length === 20) return text(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t)
  const u = bytes[start + 20]!
  if (length === 21) return text(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u)
  const v = bytes[start + 21]!
  if (length === 22) return text(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v)
  const w = bytes[start + 22]!
  if (length === 23) return text(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w)
  const x = bytes[start + 23]!
  return text(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x)
}

/** A buffer with a method of Node's that its types leave out. */
export type Latin1Buffer = Buffer & { latin1Write(text: string, offset: number, length: number): number }

/** Longer texts are written by native code. */
const LOOPED_CHARS = 24

/** Writes text, a byte a character, where there is room for it. */
export function writeLatin1(bytes: Latin1Buffer, value: string, offset: number): void {
  const count = value.length
  if (count > LOOPED_CHARS) bytes.latin1Write(value, offset, count)
  else for (let i = 0; i < count; i++) bytes[offset + i] = value.charCodeAt(i)
}
