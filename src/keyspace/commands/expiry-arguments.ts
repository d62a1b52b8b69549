/**
 * Times to live in arguments: four spellings, one meaning, an absolute wall-clock time.
 *
 * Redis computes in 64 bits and refuses what overflows there; a time above 2^53 ms (the year 287396) is taken
 * and stored as that, since no key lives to tell the difference.
 *
 * Tests: test/keyspace/commands/string-commands.test.ts, key-expiry-commands.test.ts
 */
import type { ByteString, Database } from '../engine/index.ts'
import { fitsInt64, int64, integer, invalidExpire } from './arguments.ts'

/** Options by which SET and GETEX name a time. */
export type ExpiryWord = 'EX' | 'PX' | 'EXAT' | 'PXAT'

/** How a command reads its time. */
export interface ExpiryForm {
  readonly isInSeconds: boolean
  readonly isRelative: boolean
}

export const EXPIRY_FORMS: Readonly<Record<ExpiryWord, ExpiryForm>> = {
  EX: { isInSeconds: true, isRelative: true },
  PX: { isInSeconds: false, isRelative: true },
  EXAT: { isInSeconds: true, isRelative: false },
  PXAT: { isInSeconds: false, isRelative: false },
}

/** A time of no more characters, in milliseconds, is below 2^53 by far. */
const SHORT_CHARS = 12
const SAFE = BigInt(Number.MAX_SAFE_INTEGER)

/** A word of `EXPIRY_FORMS`? */
export function isExpiryWord(word: string): word is ExpiryWord {
  return Object.hasOwn(EXPIRY_FORMS, word)
}

/** When a key is to expire that is set with a time above zero. @throws ErrorReply */
export function positiveExpiry(db: Database, text: ByteString, form: ExpiryForm, command: string): number {
  const time = int64(text)
  if (time <= 0n) throw invalidExpire(command)
  return absolute(db, time, form, command)
}

/** The same for EXPIRE and its like, where what has passed already is allowed. @throws ErrorReply */
export function anyExpiry(db: Database, text: ByteString, form: ExpiryForm, command: string): number {
  if (text.length > SHORT_CHARS) return absolute(db, int64(text), form, command)
  // As a number it is exact, and far from all bounds.
  const ms = integer(text) * (form.isInSeconds ? 1000 : 1)
  return form.isRelative ? ms + Math.floor(db.nowMs) : ms
}

function absolute(db: Database, time: bigint, form: ExpiryForm, command: string): number {
  const ms = form.isInSeconds ? time * 1000n : time
  if (!fitsInt64(ms)) throw invalidExpire(command)
  const atMs = form.isRelative ? ms + BigInt(Math.floor(db.nowMs)) : ms
  if (!fitsInt64(atMs)) throw invalidExpire(command)
  return Number(atMs > SAFE ? SAFE : atMs < -SAFE ? -SAFE : atMs)
}
