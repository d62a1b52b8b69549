import { describe, expect, test } from 'vitest'
import {
  type ClaimedSlots,
  ownersBy,
  readSlotRecord,
  SlotClaims,
  writeClaim,
} from '../../../src/keyspace/durability/slot-claims.ts'
import { RecordSink } from '../../../src/storage/index.ts'
import { LogChain } from '../../../src/storage/log-chain.ts'
import { HEADER_BYTES, KIND_SLOTS } from '../../../src/storage/log-format.ts'

const SELF = 3

/** The payload of a claim, as it lies in a record. */
function payloadOf(claim: ClaimedSlots, isCarriedOver = false): Uint8Array {
  const sink = new RecordSink(new LogChain())
  sink.begin()
  writeClaim(sink, claim, isCarriedOver)
  sink.end({ kind: KIND_SLOTS, revision: 1, atMs: 0, participants: [] })
  const bytes = Buffer.from(sink.take())
  return bytes.subarray(HEADER_BYTES, HEADER_BYTES + bytes.readUInt32LE(8))
}

describe('a claim in a record', () => {
  test.each([
    ['coming', 1, [0]],
    ['given', 2, [16_383]],
    ['taken', SELF, [1, 2, 3, 7, 8, 100, 16_000]],
    ['given', 1023, Array.from({ length: 16_384 }, (_, slot) => slot)],
    ['coming', 0, []],
  ] as const)('is read as it was written: %s, %i', (type, shard, slots) => {
    const payload = payloadOf({ type, shard, epoch: 5, slots })
    const isClearing = type === 'coming'
    expect(readSlotRecord(payload, SELF)).toEqual({ type, shard, slots: [...slots], isClearing })
  })

  test('clears nothing when a snapshot says it again', () => {
    const payload = payloadOf({ type: 'coming', shard: 1, epoch: 0, slots: [4] }, true)
    expect(readSlotRecord(payload, SELF)).toMatchObject({ type: 'coming', isClearing: false })
  })

  test('takes some bytes for all slots, in whatever order they are given', () => {
    const slots = Array.from({ length: 16_384 }, (_, slot) => 16_383 - slot)
    expect(payloadOf({ type: 'taken', shard: SELF, epoch: 5, slots }).length).toBe(6)
  })

  test('is refused when it is none', () => {
    const payload = payloadOf({ type: 'given', shard: 1, epoch: 1, slots: [1, 2] })
    expect(() => readSlotRecord(payload.subarray(0, -1), SELF)).toThrow('this is a bug')
    expect(() => readSlotRecord(new Uint8Array([9, 0, 0]), SELF)).toThrow('this is a bug')
    expect(() => readSlotRecord(new Uint8Array([4, 1, 0, 255, 255, 3]), SELF)).toThrow('this is a bug')
  })
})

describe('the claims of a log', () => {
  test('are those of the last record on each slot, and who owns what is coming', () => {
    const claims = new SlotClaims()
    claims.set([1, 2, 3], { type: 'given', shard: 1, epoch: 10 })
    claims.set([2, 3, 4], { type: 'coming', shard: 1, epoch: 0 })
    claims.set([3], { type: 'taken', shard: 0, epoch: 20 })
    expect(claims.all()).toEqual([
      { type: 'given', shard: 1, epoch: 10, slots: [1, 2] },
      { type: 'taken', shard: 0, epoch: 20, slots: [3] },
      { type: 'coming', shard: 1, epoch: 0, slots: [2, 4] },
    ])
    expect([1, 2, 3, 4, 5].map((slot) => claims.has(slot))).toEqual([true, true, true, true, false])
    expect([1, 2, 3, 4].map((slot) => claims.isComing(slot))).toEqual([false, true, false, true])
  })
})

describe('the owner of a slot', () => {
  test('is whom the newest claim of any log names, in whatever order they are read', () => {
    const claims: ClaimedSlots[] = [
      { type: 'given', shard: 1, epoch: 10, slots: [1, 2] },
      { type: 'taken', shard: 1, epoch: 10, slots: [1, 2] },
      { type: 'given', shard: 2, epoch: 30, slots: [2] },
      { type: 'coming', shard: 0, epoch: 0, slots: [1, 2, 3] },
    ]
    const expected = [
      [1, 1],
      [2, 2],
    ]
    expect([...ownersBy(claims)].sort()).toEqual(expected)
    expect([...ownersBy(claims.reverse())].sort()).toEqual(expected)
  })
})
