/**
 * One place of a simulated disk: what may be there after a power cut, through syncs that succeed and fail.
 */
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/base/index.ts'
import { DiskVersions } from '../../src/testkit/disk-versions.ts'

function written(...moments: number[]): DiskVersions<number> {
  const place = new DiskVersions(0)
  for (const moment of moments) place.write(moment, moment)
  return place
}

test('what was not synced may be any of its versions', () => {
  const place = written(1, 2, 3)
  expect(place.possible).toEqual([0, 1, 2, 3])
  expect(place.isCertain).toBe(false)
  const random = seededRandom(1)
  const picked = new Set(Array.from({ length: 100 }, () => place.pick(random, 0)))
  expect([...picked].sort()).toEqual([0, 1, 2, 3])
  expect(new Set(Array.from({ length: 100 }, () => place.pick(random, 1)))).toEqual(new Set([3]))
})

test('a sync makes durable what was there when it began, and leaves the rest open', () => {
  const place = written(1, 2, 3)
  place.sync(2)
  expect(place.possible).toEqual([2, 3])
  place.sync(3)
  expect(place.possible).toEqual([3])
  expect(place.isCertain).toBe(true)
  place.sync(9)
  expect(place.durable).toBe(3)
})

test('a sync that failed takes all for written: the next one does nothing for it', () => {
  const place = written(1, 2)
  place.abandon(2)
  place.sync(2)
  expect(place.possible).toEqual([0, 1, 2])
  place.write(3, 3)
  place.sync(2)
  expect(place.possible).toEqual([0, 1, 2, 3])
  place.sync(3)
  expect(place.possible).toEqual([3])
})

test('a sync that failed leaves alone what came after it began', () => {
  const place = written(1, 2)
  place.abandon(1)
  place.sync(2)
  expect(place.possible).toEqual([2])
})

test('a copy goes its own way', () => {
  const place = written(1)
  const copy = place.copy((value) => value + 10)
  place.sync(1)
  expect(copy.possible).toEqual([10, 11])
})
