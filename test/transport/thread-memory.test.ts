/** Admission: places in a mailbox, taken by any thread and given back by one. */
import { describe, expect, test } from 'vitest'
import * as memory from '../../src/transport/thread-memory.ts'

function actor(depthMax: number, bytesMax: number, policy = memory.POLICY_REFUSE) {
  const { actors } = memory.attachThread(memory.allocateThread(1, 4, 4))
  const base = 2 * memory.ACTOR_WORDS
  actors[base + memory.ACTOR_DEPTH_MAX] = depthMax
  actors[base + memory.ACTOR_BYTES_MAX] = bytesMax
  actors[base + memory.ACTOR_POLICY] = policy
  actors[base + memory.ACTOR_GENERATION] = 7
  return {
    admit: (sizeBytes = 0, generation = 7) => memory.admit(actors, 2, generation, sizeBytes),
    release: (count: number, sizeBytes = 0) => memory.release(actors, 2, count, sizeBytes),
    depth: () => actors[base + memory.ACTOR_DEPTH],
    bytes: () => actors[base + memory.ACTOR_BYTES],
  }
}

describe('admission', () => {
  test('counts up to the bound and leaves no trace of a refusal', () => {
    const { admit, release, depth } = actor(2, 100)
    expect([admit(), admit(), admit()]).toEqual([memory.ADMITTED, memory.ADMITTED, memory.REFUSED_DEPTH])
    expect(depth()).toBe(2)
    release(1)
    expect(admit()).toBe(memory.ADMITTED)
  })

  test('bounds bytes, but never a single message alone', () => {
    const { admit, release, bytes, depth } = actor(10, 100)
    expect(admit(500)).toBe(memory.ADMITTED)
    expect(admit(1)).toBe(memory.REFUSED_BYTES)
    expect([depth(), bytes()]).toEqual([1, 500])
    release(1, 500)
    expect([admit(60), admit(60), admit(40)]).toEqual([
      memory.ADMITTED,
      memory.REFUSED_BYTES,
      memory.ADMITTED,
    ])
  })

  test('refuses another generation', () => {
    const { admit, depth } = actor(10, 100)
    expect(admit(0, 6)).toBe(memory.REFUSED_GONE)
    expect(depth()).toBe(0)
  })

  test('obeys the policies', () => {
    const newest = actor(1, 100, memory.POLICY_DROP_NEWEST)
    expect([newest.admit(), newest.admit()]).toEqual([memory.ADMITTED, memory.REFUSED_DROPPED])
    const oldest = actor(1, 100, memory.POLICY_DROP_OLDEST)
    expect([oldest.admit(90), oldest.admit(90)]).toEqual([memory.ADMITTED, memory.ADMITTED])
    expect(oldest.depth()).toBe(2)
  })
})
