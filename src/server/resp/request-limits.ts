/**
 * How large a request may be, and what the refusals say.
 *
 * A client that has not said who it is gets less: what it sends before is a greeting and a password, and
 * nobody should fill our memory without one. The figures of both are Redis'.
 *
 * Tests: test/server/resp/request-parser.test.ts
 */
import { type ErrorReply, err } from '../../keyspace/engine/index.ts'

/** Bounds of one request. */
export interface RequestLimits {
  /** Arguments of a request, the name included. */
  readonly argumentsMax: number
  /** Bytes of one argument (`proto-max-bulk-len`). */
  readonly argumentBytesMax: number
  /** Bytes of a line: an inline request, or the digits of a count. */
  readonly inlineBytesMax: number
  /** Bytes of a whole request (`client-query-buffer-limit`). */
  readonly requestBytesMax: number
  /** Set while the client is a stranger: beyond these the refusal says that it should authenticate. */
  readonly stranger?: StrangerLimits | undefined
}

/** Bounds of one request before authentication. */
export interface StrangerLimits {
  readonly argumentsMax: number
  readonly argumentBytesMax: number
}

export const REQUEST_LIMITS: RequestLimits = {
  argumentsMax: 1024 * 1024,
  argumentBytesMax: 512 * 1024 * 1024,
  inlineBytesMax: 64 * 1024,
  requestBytesMax: 1024 * 1024 * 1024,
}

export const STRANGER_LIMITS: StrangerLimits = { argumentsMax: 10, argumentBytesMax: 16 * 1024 }

/** The limits of a client that has to authenticate first. */
export function strangerLimits(limits: RequestLimits): RequestLimits {
  return { ...limits, stranger: STRANGER_LIMITS }
}

/** A refusal after which nothing of the stream can be trusted. */
export function protocolError(text: string): ErrorReply {
  return err(`Protocol error: ${text}`)
}
