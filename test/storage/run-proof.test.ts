/** Many records proven at once: the same that are right one by one, and none when a single bit is not. */
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../src/base/index.ts'
import { LogChain } from '../../src/storage/log-chain.ts'
import { HEADER_BYTES, KIND_COMMIT, KIND_SEGMENT, KIND_SYNCED } from '../../src/storage/log-format.ts'
import { areaOf, type RecordArea } from '../../src/storage/record-area.ts'
import { RecordSink } from '../../src/storage/record-sink.ts'
import { RunProof } from '../../src/storage/run-proof.ts'

const BEGIN = { offset: 64, mark: 0xdeadbeef, checksum: 0x89abcdef }

/** Records with payloads of such lengths, behind the place that a chain has come to. */
function recordsOf(lengths: readonly number[], place = BEGIN, seed = 1): Buffer {
  const random = seededRandom(seed)
  const sink = new RecordSink(new LogChain(place))
  for (const [i, length] of lengths.entries()) {
    const participants = i % 7 === 6 ? [1, 2, 3] : []
    sink.begin(participants.length)
    sink.raw(Uint8Array.from({ length }, () => random.below(256)))
    sink.end({ kind: i % 5 === 4 ? KIND_SYNCED : KIND_COMMIT, revision: i, atMs: 1e12 + i, participants })
  }
  return Buffer.from(sink.take())
}

/** How far records are right, one by one. */
function provenAlone(area: RecordArea, end: number, sizes: readonly number[]): number {
  const chain = new LogChain(BEGIN)
  let at = 0
  for (const size of sizes) {
    if (at + size > end || !chain.hasHeader(area, at) || !chain.hasBody(area, at, size)) return at
    chain.pass(area, at, size)
    at += size
  }
  return at
}

function sizesOf(lengths: readonly number[]): number[] {
  return lengths.map((length, i) => (HEADER_BYTES + (i % 7 === 6 ? 6 : 0) + length + 7) & -8)
}

describe('a run of records', () => {
  test('is proven when each of them is, whatever they are long and wherever they are cut', () => {
    const random = seededRandom(4)
    const proof = new RunProof()
    for (let round = 0; round < 60; round++) {
      const lengths = Array.from({ length: 4 + random.below(60) }, () =>
        random.below(round % 2 === 0 ? 40 : 980),
      )
      const bytes = recordsOf(lengths, BEGIN, round)
      const area = areaOf(bytes)
      expect(proof.prove(area, 0, bytes.length, BEGIN)).toBe(bytes.length)
      const end = random.below(bytes.length)
      const alone = provenAlone(area, end, sizesOf(lengths))
      const together = proof.prove(area, 0, end, BEGIN)
      expect([0, alone]).toContain(together)
      expect(proof.tried).toBe(alone)
      if (together === 0)
        expect(
          sizesOf(lengths)
            .slice(0, 4)
            .reduce((a, b) => a + b),
        ).toBeGreaterThan(end)
    }
  })

  test('is not when a bit of it is another one', () => {
    const proof = new RunProof()
    const lengths = [0, 5, 16, 33, 1, 64, 8, 0, 40]
    const bytes = recordsOf(lengths)
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      const together = proof.prove(areaOf(bytes), 0, bytes.length, BEGIN)
      // A length that is another one may end the run before it.
      expect(together, `bit ${bit}`).toBeLessThanOrEqual(bit >> 3)
      expect(together).toBeLessThanOrEqual(provenAlone(areaOf(bytes), bytes.length, sizesOf(lengths)))
      bytes[bit >> 3]! ^= 1 << (bit & 7)
    }
    expect(proof.prove(areaOf(bytes), 0, bytes.length, BEGIN)).toBe(bytes.length)
  })

  test('is not when two checksums are wrong by the same, or are exchanged', () => {
    const proof = new RunProof()
    const random = seededRandom(6)
    const lengths = [24, 24, 24, 24, 24, 24]
    const size = sizesOf([24])[0]!
    for (let round = 0; round < 3000; round++) {
      const bytes = recordsOf(lengths)
      const [first, second] = [random.below(6), random.below(6)]
      const mask = 1 + random.below(2 ** 31)
      const view = new DataView(bytes.buffer, bytes.byteOffset)
      const flip = (at: number) => view.setUint32(at, (view.getUint32(at, true) ^ mask) >>> 0, true)
      const field = () => random.below(3) * 4
      const [one, other] = [first * size + field(), second * size + field()]
      if (one === other) continue
      flip(one)
      flip(other)
      const alone = provenAlone(areaOf(bytes), bytes.length, sizesOf(lengths))
      const together = proof.prove(areaOf(bytes), 0, bytes.length, BEGIN)
      expect(together, `${one} and ${other} by ${mask}`).toBeLessThanOrEqual(alone)
    }
  })

  test('is not one of another place, of another file, behind another record, or in another order', () => {
    const proof = new RunProof()
    const lengths = [24, 24, 24, 24, 24, 24]
    const bytes = recordsOf(lengths)
    const area = areaOf(bytes)
    for (const other of [{ offset: 72 }, { mark: 1 }, { checksum: 1 }]) {
      expect(proof.prove(area, 0, bytes.length, { ...BEGIN, ...other })).toBe(0)
    }
    const size = sizesOf([24])[0]!
    const swapped = Buffer.concat([
      bytes.subarray(0, size),
      bytes.subarray(2 * size, 3 * size),
      bytes.subarray(size, 2 * size),
      bytes.subarray(3 * size),
    ])
    expect(proof.prove(areaOf(swapped), 0, swapped.length, BEGIN)).toBe(0)
    const without = Buffer.concat([bytes.subarray(0, size), bytes.subarray(2 * size)])
    expect(proof.prove(areaOf(without), 0, without.length, BEGIN)).toBe(0)
  })

  test('ends before a long record, before the description of another file, and with too few', () => {
    const proof = new RunProof()
    const bytes = recordsOf([8, 8, 8, 8, 5000, 8, 8])
    const short = 4 * sizesOf([8])[0]!
    expect(proof.prove(areaOf(bytes), 0, bytes.length, BEGIN)).toBe(short)
    expect(proof.prove(areaOf(recordsOf([8, 8, 8])), 0, 3 * sizesOf([8])[0]!, BEGIN)).toBe(0)
    const sink = new RecordSink(new LogChain(BEGIN))
    for (let i = 0; i < 6; i++) {
      sink.begin()
      sink.end({ kind: i === 4 ? KIND_SEGMENT : KIND_COMMIT, revision: 0, atMs: 0, participants: [] })
    }
    const described = Buffer.from(sink.take())
    expect(proof.prove(areaOf(described), 0, described.length, BEGIN)).toBe(4 * HEADER_BYTES)
  })
})
