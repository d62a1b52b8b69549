/**
 * Positions behind records of a log, as their writer knew them when it appended each: in a group that is
 * sealed others came behind it, and all of them have the place of the group.
 *
 * Tests: test/keyspace/durability/recovery.prop.test.ts
 */
import { type LogRecord, MAGIC_BYTES, recordBytes } from '../../src/storage/log-format.ts'
import { GROUP_OVERHEAD_BYTES } from '../../src/storage/sealed-group.ts'
import type { SegmentInfo } from '../../src/storage/segment-info.ts'

/** Goes along a log. */
export class LogPlaces {
  #position = 0

  /** The position behind the next record. */
  behind({ offset, endOffset, index, payload, participants }: LogRecord, info: SegmentInfo): number {
    const end = info.base + endOffset - MAGIC_BYTES
    if (info.sealing === undefined || offset === MAGIC_BYTES) return end
    const begin = info.base + offset - MAGIC_BYTES + GROUP_OVERHEAD_BYTES
    this.#position = (index === 0 ? begin : this.#position) + recordBytes(payload.length, participants.length)
    return this.#position
  }
}
