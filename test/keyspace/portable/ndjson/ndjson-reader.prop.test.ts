/**
 * Any keys, written and read again; and files that were damaged in any way: read or refused, nothing else.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ShardloomError } from '../../../../src/base/index.ts'
import { NdjsonReader, writeNdjson } from '../../../../src/keyspace/portable/index.ts'
import { anyKeys, entriesOf } from '../../../support/portable/arbitrary-keys.ts'
import { collect, cut, joined, plainKey, type WholeKey } from '../../../support/portable/entries.ts'

const RUNS = process.env['SHL_SOAK'] ? 20_000 : 250

async function write(keys: readonly WholeKey[], membersMax: number, lineTextMax: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  const batches = [keys.flatMap((key) => entriesOf(key, membersMax))]
  for await (const chunk of writeNdjson(batches, { lineTextMax })) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function read(file: Uint8Array, size: number) {
  return collect(new NdjsonReader({ source: 'f', lineBytesMax: 100_000 }).read(cut(file, size)))
}

const size = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constant(100_000))

describe('an export', () => {
  test('of any keys is read as they were, however lines, parts and chunks are cut', async () => {
    await fc.assert(
      fc.asyncProperty(anyKeys, size, size, size, async (keys, membersMax, lineTextMax, chunk) => {
        const file = await write(keys, membersMax, lineTextMax)
        const { entries, error } = await read(file, chunk)
        expect(error).toBeUndefined()
        expect(joined(entries).map(plainKey)).toEqual(keys.map(plainKey))
      }),
      { numRuns: RUNS },
    )
  })

  test('that is cut off anywhere gives the keys before, and is refused', async () => {
    await fc.assert(
      fc.asyncProperty(anyKeys, size, fc.nat(), async (keys, lineTextMax, at) => {
        const file = await write(keys, 100, lineTextMax)
        // Without its last line feed it is whole.
        const { entries, error } = await read(file.subarray(0, at % (file.length - 1)), 64)
        expect(error).toMatchObject({ code: 'SHL_IMPORT_INVALID' })
        const whole = joined(entries)
        expect(whole.map(plainKey)).toEqual(keys.slice(0, whole.length).map(plainKey))
      }),
      { numRuns: RUNS },
    )
  })

  test('of which a line is gone, doubled or in another place is refused', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyKeys,
        size,
        fc.nat(),
        fc.nat(),
        fc.nat(2),
        async (keys, lineTextMax, from, to, kind) => {
          const lines = (await write(keys, 5, lineTextMax)).toString('utf8').split('\n').slice(0, -1)
          const changed = [...lines]
          const [line] = changed.splice(from % lines.length, kind === 0 ? 0 : 1)
          if (kind === 0) changed.splice(to % (lines.length + 1), 0, lines[from % lines.length]!)
          if (kind === 2) changed.splice(to % lines.length, 0, line!)
          const { error } = await read(Buffer.from(changed.join('\n')), 1000)
          // Whole keys may change places, and be equal.
          if (error === undefined) expect([...changed].sort()).toEqual([...lines].sort())
          else expect(error).toMatchObject({ code: 'SHL_IMPORT_INVALID' })
        },
      ),
      { numRuns: RUNS },
    )
  })

  test('with any bytes changed is read or refused', async () => {
    const change = fc.tuple(fc.nat(), fc.uint8Array({ minLength: 0, maxLength: 4 }), fc.nat(4))
    await fc.assert(
      fc.asyncProperty(anyKeys, fc.array(change, { minLength: 1, maxLength: 3 }), async (keys, changes) => {
        let file: Uint8Array = await write(keys, 100, 50)
        for (const [place, put, gone] of changes) {
          const at = place % file.length
          file = Buffer.concat([file.subarray(0, at), put, file.subarray(at + gone)])
        }
        const { error } = await read(file, 1000)
        if (error === undefined) return
        if (!(error instanceof ShardloomError)) throw error
        expect(error.code).toBe('SHL_IMPORT_INVALID')
        expect(error.details['offset']).toBeLessThanOrEqual(file.length)
      }),
      { numRuns: RUNS },
    )
  })
})
