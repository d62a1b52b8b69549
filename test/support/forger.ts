/**
 * Somebody who may write to the files of a log and has no key: takes a segment apart into its records,
 * changes what it likes, and puts it together again with checksums that are right.
 *
 * Tests: test/storage/sealed-group.test.ts
 */
import { LogChain } from '../../src/storage/log-chain.ts'
import { claimedBytesAt, LOG_MAGIC, type RecordFields, recordAt } from '../../src/storage/log-format.ts'
import { areaOf, newArea } from '../../src/storage/record-area.ts'

/** A record as it is in the file: of a sealed one nothing within is known. */
export interface RawRecord extends RecordFields {
  readonly payload: Buffer
}

/** The records of a segment. */
export function takenApart(bytes: Uint8Array): RawRecord[] {
  const area = areaOf(Buffer.from(bytes))
  const records: RawRecord[] = []
  for (let at = 16; at < bytes.length; ) {
    const size = claimedBytesAt(area, at)
    if (size === 0) throw new Error(`no record begins at ${at}`)
    const { kind, revision, atMs, participants, payload } = recordAt(area, at, size, 0)
    records.push({ kind, revision, atMs, participants, payload: Buffer.from(payload) })
    at += size
  }
  return records
}

/** A segment of records, and the checksum that the next one has to go on from. */
export function putTogether(records: readonly RawRecord[]): { bytes: Buffer; checksum: number } {
  const chain = new LogChain()
  const parts: Uint8Array[] = [Buffer.from(LOG_MAGIC)]
  for (const { payload, ...fields } of records) {
    const area = newArea(4096 + payload.length)
    area.bytes.set(payload, 32 + 2 * fields.participants.length)
    parts.push(area.bytes.subarray(0, chain.seal(area, 0, payload.length, fields)))
  }
  return { bytes: Buffer.concat(parts), checksum: chain.checksum }
}
