/**
 * Checks what a caller lists in `transfer`, before anything is encoded: what `postMessage` would only say
 * without the place, and after the message has been taken apart.
 *
 * Tests: test/codec/transfer-list.test.ts
 */
import { ShardloomError } from '../base/index.ts'
import {
  describeClass,
  isDetached,
  KIND_BUFFER,
  KIND_SHARED_BUFFER,
  KIND_TRANSFERABLE,
  KIND_VIEW,
  kindOf,
} from './value-kind.ts'

/** The list as a set, in order. Throws `SHL_VALUE_NOT_SENDABLE` with the place of the first wrong entry. */
export function checkTransfer(transfer: readonly unknown[]): ReadonlySet<unknown> {
  const given = new Set<unknown>()
  for (const [index, entry] of transfer.entries()) {
    const what = given.has(entry) ? 'listed twice' : describeEntry(entry)
    if (what !== undefined) {
      throw new ShardloomError('SHL_VALUE_NOT_SENDABLE', { path: `transfer[${index}]`, what })
    }
    given.add(entry)
  }
  return given
}

/** What is wrong with an entry. */
function describeEntry(entry: unknown): string | undefined {
  if (typeof entry !== 'object' || entry === null) return `not transferable: ${String(entry)}`
  const kind = kindOf(entry)
  if (kind === KIND_TRANSFERABLE) return undefined
  if (kind === KIND_BUFFER) return isDetached(entry as ArrayBuffer) ? 'a detached ArrayBuffer' : undefined
  if (kind === KIND_SHARED_BUFFER) return 'a SharedArrayBuffer, which is shared and needs no listing'
  if (kind === KIND_VIEW) return `${describeClass(entry)}: list its buffer instead`
  return `${describeClass(entry)}, which is not transferable`
}
