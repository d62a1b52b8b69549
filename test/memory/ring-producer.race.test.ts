/**
 * The ring between two real threads: records of all lengths, every byte compared with what it must be.
 *
 * On x64 this cannot show what a weaker machine does with plain stores; the model test can. It shows that
 * nothing between the source and the processor takes the order away, and it is ready to run on arm64.
 */
import { expect, test } from 'vitest'
import { allocateRing, HEAD_WORD, TAIL_WORD } from '../../src/memory/ring-layout.ts'
import { race, SOAK_FACTOR } from '../support/memory-race.ts'

test.each([
  [256, 20_000],
  [4096, 50_000],
  [65_536, 10_000],
])(
  'a ring of %d bytes carries %d records, none lost, doubled, moved or changed',
  async (capacityBytes, count) => {
    const memory = allocateRing(capacityBytes)
    // On the way the positions wrap from the largest number to the smallest.
    new Int32Array(memory)[TAIL_WORD] = 2 ** 31 - 4096
    new Int32Array(memory)[HEAD_WORD] = 2 ** 31 - 4096
    const records = count * SOAK_FACTOR
    const [producer, consumer] = await race([
      { role: 'produce', memory, records },
      { role: 'consume', memory, records },
    ])
    expect(consumer!['bytes']).toBeGreaterThan(records)
    for (const mark of ['aborted', 'shrunk', 'batches'])
      expect(producer![mark]).toBeGreaterThan(records / 100)
  },
)
