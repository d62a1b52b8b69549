/** The memory of a ring: which capacities there are, and what a record takes. */
import { describe, expect, test } from 'vitest'
import {
  allocateRing,
  CAPACITY_MAX,
  CAPACITY_MIN,
  DATA_OFFSET,
  recordBytes,
  recordBytesMaxOf,
  ringCapacity,
} from '../../src/memory/ring-layout.ts'

describe('capacity', () => {
  test('a ring has the capacity that was asked for', () => {
    for (const capacityBytes of [CAPACITY_MIN, 4096, 2 ** 20]) {
      expect(ringCapacity(allocateRing(capacityBytes))).toBe(capacityBytes)
    }
  })

  test.each([0, 1, 32, 63, 65, 96, 1000, -64, 64.5, Number.NaN, CAPACITY_MAX * 2, 2 ** 32])(
    '%d is refused with the value and what is allowed',
    (capacityBytes) => {
      expect(() => allocateRing(capacityBytes)).toThrowError(
        expect.objectContaining({
          code: 'SHL_OPTION_INVALID',
          message: expect.stringMatching(`capacityBytes=${capacityBytes} .*a power of two, 64..1073741824`),
        }),
      )
    },
  )

  test('memory that is not that of a ring is refused', () => {
    expect(() => ringCapacity(new SharedArrayBuffer(0))).toThrowError(/SHL_OPTION|ring capacityBytes=-256/)
    expect(() => ringCapacity(new SharedArrayBuffer(DATA_OFFSET + 100))).toThrowError(/capacityBytes=100/)
  })
})

test('a record takes its header, and its payload filled up to eight bytes', () => {
  expect([0, 1, 7, 8, 9, 16].map(recordBytes)).toEqual([8, 16, 16, 16, 24, 24])
})

test('the longest record with the padding before it takes less than half of any ring', () => {
  for (let capacityBytes = CAPACITY_MIN; capacityBytes <= CAPACITY_MAX; capacityBytes *= 2) {
    const longest = recordBytes(recordBytesMaxOf(capacityBytes))
    expect(longest).toBeLessThanOrEqual(capacityBytes / 4)
    // Padding is written only where the record does not fit, so it is shorter than the record.
    expect(longest + longest - 8).toBeLessThan(capacityBytes / 2)
  }
})
