/** Revisions grow, whatever a batch was thought to need, and what is left of a block is never used later. */
import { describe, expect, it } from 'vitest'
import { Revisions } from '../../../src/keyspace/shard/revisions.ts'

function source(): { drawRevisions(count: number): number; newest: number } {
  return {
    newest: 0,
    drawRevisions(count) {
      const first = this.newest + 1
      this.newest += count
      return first
    },
  }
}

describe('Revisions', () => {
  it('draws one for each that nobody has announced, and none twice', () => {
    const shared = source()
    const revisions = new Revisions(shared)
    const drawn = Array.from({ length: 5 }, () => revisions.next())
    expect(drawn).toEqual([1, 2, 3, 4, 5])
    expect(shared.newest).toBe(5)
  })

  it('goes on beyond what a batch was thought to need', () => {
    const shared = source()
    const revisions = new Revisions(shared)
    revisions.begin(3)
    const drawn = Array.from({ length: 40 }, () => revisions.next())
    expect(drawn).toEqual(Array.from({ length: 40 }, (_, i) => i + 1))
    expect(shared.newest).toBe(40)
  })

  it('drops what a batch has left', () => {
    const shared = source()
    const revisions = new Revisions(shared)
    revisions.begin(20)
    expect(revisions.next()).toBe(1)
    revisions.end()
    expect(shared.drawRevisions(1)).toBe(21)
    expect(revisions.next()).toBe(22)
  })
})
