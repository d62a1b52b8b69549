/**
 * Nonces of sealed records, over all that ever was on some disk: one that is seen a second time with the same
 * file key must be of the same record.
 *
 * Tests: test/storage/log-writer.crash.test.ts
 */
import { join } from 'node:path'
import { claimedBytesAt, KIND_SEALED, kindAt } from '../../src/storage/log-format.ts'
import { areaOf } from '../../src/storage/record-area.ts'
import { GROUP_HEAD_BYTES } from '../../src/storage/sealed-group.ts'
import { decodeSegmentInfo, segmentName } from '../../src/storage/segment-info.ts'
import type { SimulatedDisk } from '../../src/testkit/simulated-disk.ts'

const FIRST_BYTES = 16
const SEGMENTS_MAX = 400

/** Remembers nonces. */
export class NonceBook {
  readonly #seen = new Map<string, string>()

  get count(): number {
    return this.#seen.size
  }

  /** Reads the logs of a folder, also records that are cut short. @throws when a nonce was used twice */
  read(disk: SimulatedDisk, folder: string): void {
    for (let number = 1; number < SEGMENTS_MAX; number++) {
      const content = disk.contentOf(join(folder, segmentName(number)))
      if (content === undefined || content.length < 56) continue
      const bytes = Buffer.from(content)
      const area = areaOf(bytes)
      const info = decodeSegmentInfo(bytes.subarray(48, 48 + bytes.readUInt32LE(24)))
      if (info?.sealing === undefined) continue
      for (let at = 16; at + GROUP_HEAD_BYTES + FIRST_BYTES <= bytes.length; ) {
        const size = claimedBytesAt(area, at)
        if (size === 0) break
        if (kindAt(area, at) === KIND_SEALED) this.#note(info.sealing.salt, bytes, at)
        at += size
      }
    }
  }

  #note(salt: string, bytes: Buffer, at: number): void {
    const nonce = `${salt} ${bytes.toString('hex', at + 36, at + GROUP_HEAD_BYTES)}`
    const first = `${at} ${bytes.toString('hex', at + GROUP_HEAD_BYTES, at + GROUP_HEAD_BYTES + FIRST_BYTES)}`
    const before = this.#seen.get(nonce)
    // What was lost in a power cut has become zeros.
    if (before !== undefined && before !== first && !/0{24}/.test(`${before} ${first} ${nonce}`)) {
      throw new Error(`nonce ${nonce} was used twice: ${before}, ${first}`)
    }
    this.#seen.set(nonce, first)
  }
}
