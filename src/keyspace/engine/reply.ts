/**
 * What a command answers: the values of RESP3, of which RESP2 and the embedded API are narrower views.
 *
 * Plain JavaScript values stand for the common kinds, so that a handler reads as what it returns; the rest
 * are small classes. An error is a value with no stack, since one is made for each wrong request; it may be
 * returned or thrown.
 *
 * Tests: test/keyspace/engine/reply.test.ts
 */
import type { ByteString } from './byte-string.ts'

/** One answer. A string or an array of bytes is a bulk string, a number an integer. */
export type Reply =
  | null
  | number
  | bigint
  | ByteString
  | Uint8Array
  | StatusReply
  | DoubleReply
  | MapReply
  | SetReply
  | ErrorReply
  | NullArrayReply
  | readonly Reply[]

/** A short word such as `OK`, which no client takes for data. */
export class StatusReply {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** A score: a double in RESP3, its text as a bulk string in RESP2. */
export class DoubleReply {
  readonly value: number
  constructor(value: number) {
    this.value = value
  }
}

/** Pairs: a map in RESP3, a flat array in RESP2. `flat` is key, value, key, value. */
export class MapReply {
  readonly flat: readonly Reply[]
  constructor(flat: readonly Reply[]) {
    this.flat = flat
  }
}

/** Members in no order: a set in RESP3, an array in RESP2. */
export class SetReply {
  readonly members: readonly Reply[]
  constructor(members: readonly Reply[]) {
    this.members = members
  }
}

/** No array, such as a blocking pop that found nothing: RESP2 tells it from a missing string. */
export class NullArrayReply {
  readonly isNull = true
}

/** A refusal. `code` is the first word, which clients match on. */
export class ErrorReply {
  readonly code: string
  readonly message: string
  constructor(code: string, message: string) {
    this.code = code
    this.message = message
  }
  /** As Redis prints it. */
  get text(): string {
    return `${this.code} ${this.message}`
  }
}

export const OK: StatusReply = new StatusReply('OK')
export const QUEUED: StatusReply = new StatusReply('QUEUED')
export const NULL_ARRAY: NullArrayReply = new NullArrayReply()

/** An error with Redis' most common first word. */
export function err(message: string): ErrorReply {
  return new ErrorReply('ERR', message)
}

export const WRONG_TYPE: ErrorReply = new ErrorReply(
  'WRONGTYPE',
  'Operation against a key holding the wrong kind of value',
)
export const SYNTAX_ERROR: ErrorReply = err('syntax error')
export const NOT_INTEGER: ErrorReply = err('value is not an integer or out of range')
export const NOT_FLOAT: ErrorReply = err('value is not a valid float')
export const NO_SUCH_KEY: ErrorReply = err('no such key')
export const OUT_OF_RANGE: ErrorReply = err('index out of range')
export const OUT_OF_MEMORY: ErrorReply = new ErrorReply(
  'OOM',
  "command not allowed when used memory > 'maxmemory'.",
)
