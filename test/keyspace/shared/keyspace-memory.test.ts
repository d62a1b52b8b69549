/** The shared words of a keyspace, as two threads would see them: two instances over one buffer. */
import { describe, expect, test } from 'vitest'
import { HASH_SLOTS } from '../../../src/keyspace/hash-slot.ts'
import { KeyspaceMemory, SHARDS_MAX } from '../../../src/keyspace/shared/keyspace-memory.ts'
import { recordAccesses } from '../../support/instrumented-memory.ts'

function pair(shards = 3): { one: KeyspaceMemory; other: KeyspaceMemory } {
  const one = KeyspaceMemory.allocate(shards)
  return { one, other: new KeyspaceMemory(one.buffer) }
}

describe('slots', () => {
  test.each([1, 2, 3, 7, 1000, SHARDS_MAX])('are dealt out evenly, in ranges, to %d shards', (shards) => {
    const { one, other } = pair(shards)
    expect([one.shardCount, other.shardCount]).toEqual([shards, shards])
    const counts = new Array<number>(shards).fill(0)
    let last = 0
    for (let slot = 0; slot < HASH_SLOTS; slot++) {
      const owner = other.ownerOf(slot)
      if (owner !== last && owner !== last + 1) expect.fail(`slot ${slot} is of ${owner} behind ${last}`)
      last = owner
      counts[owner]!++
    }
    expect(last).toBe(shards - 1)
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
  })

  test('given to another shard are found there by everybody, and no other slot is', () => {
    const { one, other } = pair()
    const before = Array.from({ length: HASH_SLOTS }, (_, slot) => one.ownerOf(slot))
    one.setOwner(5, 2)
    one.setOwner(HASH_SLOTS - 1, 0)
    const after = Array.from({ length: HASH_SLOTS }, (_, slot) => other.ownerOf(slot))
    expect(after).toEqual(before.with(5, 2).with(HASH_SLOTS - 1, 0))
  })

  test('change between two changes of the epoch', () => {
    const { one, other } = pair()
    expect(other.epoch).toBe(0)
    const accesses = recordAccesses(one.buffer, () => new KeyspaceMemory(one.buffer).setOwner(9, 1))
    const changes = accesses.filter((access) => !access.startsWith('atomic_load'))
    expect(changes).toEqual(['add 4', expect.stringMatching(/^atomic_store \d+$/), 'add 4'])
    expect(other.epoch).not.toBe(0)
    expect(other.settledEpoch).toBe(other.epoch)
    expect(other.ownerOf(9)).toBe(1)
  })
})

describe('the address of a shard', () => {
  test('is unknown until it has run, and then what was written last, with a new incarnation', () => {
    const { one, other } = pair()
    expect(other.addressOf(1)).toBeUndefined()
    expect(other.incarnationOf(1)).toBe(0)
    one.setAddress(1, { thread: 2, slot: 30, generation: 4 })
    const first = other.addressOf(1)!
    expect(first).toMatchObject({ thread: 2, slot: 30, generation: 4 })
    one.setAddress(1, { thread: 0, slot: -1, generation: 2 ** 31 - 1 })
    const second = other.addressOf(1)!
    expect(second).toMatchObject({ thread: 0, slot: -1, generation: 2 ** 31 - 1 })
    expect(second.incarnation).toBeGreaterThan(first.incarnation)
    expect(other.incarnationOf(1)).toBe(second.incarnation)
    expect([other.addressOf(0), other.addressOf(2)]).toEqual([undefined, undefined])
  })
})

describe('counters', () => {
  test('of revisions, transactions and tokens never give a number twice, whoever draws', () => {
    const { one, other } = pair()
    expect([one.drawRevisions(1), other.drawRevisions(10), one.drawRevisions(1)]).toEqual([1, 2, 12])
    expect(other.revision).toBe(12)
    expect([one.drawTransaction(), other.drawTransaction(), one.drawTransaction()]).toEqual([1, 2, 3])
    expect([one.drawToken(), other.drawToken()]).toEqual([1, 2])
    expect(one.token).toBe(2)
    expect(other.revision).toBe(12)
  })

  test('of tokens are raised, and never lowered', () => {
    const { one, other } = pair()
    one.raiseToken(2 ** 40)
    expect(other.drawToken()).toBe(2 ** 40 + 1)
    other.raiseToken(5)
    expect(one.drawToken()).toBe(2 ** 40 + 2)
    other.raiseToken(2 ** 40 + 2)
    expect(one.token).toBe(2 ** 40 + 2)
  })

  test('of tables are of one shard each', () => {
    const { one, other } = pair()
    expect(other.tablesOf(1)).toBe(0)
    expect([one.nextTables(1), one.nextTables(1), one.nextTables(2)]).toEqual([1, 2, 1])
    expect([0, 1, 2].map((shard) => other.tablesOf(shard))).toEqual([0, 2, 1])
  })

  test('of shards that are watched say whether any is', () => {
    const { one, other } = pair()
    expect(other.isWatched).toBe(false)
    one.addWatched(1)
    other.addWatched(1)
    one.addWatched(-1)
    expect(other.isWatched).toBe(true)
    one.addWatched(-1)
    expect(other.isWatched).toBe(false)
  })
})

describe('the wall clock', () => {
  test('never goes backwards on a thread whose machine does', () => {
    const { one } = pair()
    expect([1000, 900, 1000, 1001, 5].map((ms) => one.wallMs(ms))).toEqual([1000, 1000, 1000, 1001, 1001])
  })

  test('is past for all where one thread has acted upon it', () => {
    const { one, other } = pair()
    expect(one.wallMs(2000)).toBe(2000)
    expect(other.wallMs(1500)).toBe(2000)
    expect(other.wallMs(2001)).toBe(2001)
    expect(one.wallMs(1)).toBe(2001)
    expect(new KeyspaceMemory(one.buffer).wallMs(0)).toBe(2001)
  })
})

describe('decisions', () => {
  test('are seen by all until they are forgotten', () => {
    const { one, other } = pair()
    expect(other.isDecided(1, 7)).toBe(false)
    const at = one.decide(1, 7)!
    expect(other.isDecided(1, 7)).toBe(true)
    expect([other.isDecided(0, 7), other.isDecided(2, 7), other.isDecided(1, 8)]).toEqual([
      false,
      false,
      false,
    ])
    other.forgetDecision(at)
    expect(one.isDecided(1, 7)).toBe(false)
  })

  test('have so much room per shard, which is used again', () => {
    const { one, other } = pair(2)
    const places: number[] = []
    for (;;) {
      const at = one.decide(1, places.length + 1)
      if (at === undefined) break
      places.push(at)
    }
    expect(new Set(places).size).toBe(places.length)
    expect(places.length).toBeGreaterThan(20)
    expect(one.isDecided(1, places.length)).toBe(true)
    expect(one.isDecided(1, places.length + 1)).toBe(false)
    // Of another shard there is room still.
    const elsewhere = one.decide(0, 5000)
    expect(places).not.toContain(elsewhere)
    expect([other.isDecided(0, 5000), other.isDecided(1, 5000), other.isDecided(0, 1)]).toEqual([
      true,
      false,
      false,
    ])
    one.forgetDecision(places[20]!)
    expect(other.decide(1, 6000)).toBe(places[20])
    expect([one.isDecided(1, 6000), one.isDecided(1, 21), one.isDecided(1, 22)]).toEqual([true, false, true])
  })

  test('of a shard are listed with their places, and one is forgotten unless another stands there', () => {
    const { one, other } = pair(3)
    const [first, second] = [one.decide(1, 7)!, one.decide(1, 9)!]
    one.decide(2, 8)
    expect(other.decisionsOf(1)).toEqual([
      [first, 7],
      [second, 9],
    ])
    expect(other.decisionsOf(0)).toEqual([])
    other.forgetDecision(first, 9)
    expect(one.isDecided(1, 7)).toBe(true)
    other.forgetDecision(first, 7)
    expect(one.decisionsOf(1)).toEqual([[second, 9]])
  })
})

test('who is above its ceiling is known to all, each shard for itself', () => {
  const { one, other } = pair()
  expect([other.isAnyFull, other.isFull(1)]).toEqual([false, false])
  one.setFull(1, true)
  expect([0, 1, 2].map((shard) => other.isFull(shard))).toEqual([false, true, false])
  expect(other.isAnyFull).toBe(true)
  one.setFull(1, false)
  expect([other.isAnyFull, other.isFull(1)]).toEqual([false, false])
})
