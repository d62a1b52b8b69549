/**
 * A message on its way out, before it has found its ring: the arguments of one `LinkWriter.write`.
 *
 * One such object per thread is filled and reused for each message on the hot path, which keeps the call
 * monomorphic and free of allocation; a copy is made only for what has to wait (`WaitingRecord`).
 * Tests: test/transport/link.test.ts
 */

/** The header fields of `record-layout.ts`, with the payload still a value. */
export class OutgoingRecord {
  kind = 0
  flags = 0
  targetSlot = 0
  targetGeneration = 0
  askSlot = -1
  askGeneration = 0
  senderSlot = -1
  senderGeneration = 0
  argument = 0
  deadlineMs = 0
  type = ''
  payload: unknown = undefined
  transfer: readonly unknown[] | undefined = undefined
}
