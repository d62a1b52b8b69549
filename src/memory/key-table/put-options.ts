/**
 * What a put may say of a record besides its value.
 * Tests: test/memory/key-table/key-table-writer.test.ts
 */
import { KEEP } from './record-times.ts'

/** What a put may set besides the value. */
export interface PutOptions {
  /** Milliseconds since the epoch, 0 for none. Kept when it is not given. */
  readonly expireAt?: number | undefined
  /** Kept when it is not given. */
  readonly revision?: number | undefined
}

/** What is stored for an expiry; KEEP: nothing is. */
export function expireOf(options: PutOptions | undefined): number {
  return options?.expireAt ?? KEEP
}

/** The same for a revision. */
export function revisionOf(options: PutOptions | undefined): number {
  return options?.revision ?? KEEP
}
