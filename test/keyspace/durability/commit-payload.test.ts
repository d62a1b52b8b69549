/** Commits as payloads: what is written is read again, in few bytes. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PayloadReader, readCommit, writeCommit } from '../../../src/keyspace/durability/commit-payload.ts'
import type { Commit } from '../../../src/keyspace/engine/index.ts'
import { RecordSink } from '../../../src/storage/index.ts'
import { LogChain } from '../../../src/storage/log-chain.ts'
import { HEADER_BYTES, KIND_COMMIT } from '../../../src/storage/log-format.ts'

type Parts = Pick<Commit, 'effects' | 'changes'>

/** The payload of a record that holds what was written. */
function payloadOf(write: (sink: RecordSink) => void): Uint8Array {
  const sink = new RecordSink(new LogChain())
  sink.begin()
  write(sink)
  sink.end({ kind: KIND_COMMIT, revision: 1, atMs: 1, participants: [] })
  const record = Buffer.from(sink.take())
  return record.subarray(HEADER_BYTES, HEADER_BYTES + record.readUInt32LE(8))
}

const payload = (commit: Parts): Uint8Array => payloadOf((sink) => writeCommit(sink, commit))

const text = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 40,
})
const db = fc.integer({ min: 0, max: 300 })
const effect = fc.record({ db, argv: fc.array(text, { minLength: 1, maxLength: 6 }) })
const event = fc.oneof(fc.constantFrom('set', 'del', 'setrange', 'expired'), text)
const commits = fc.array(effect, { maxLength: 8 }).chain((effects) => {
  const keys = effects.flatMap(({ db, argv }) => (argv[1] === undefined ? [] : [{ db, key: argv[1] }]))
  const key = fc.oneof(fc.record({ db, key: text }), ...(keys.length > 0 ? [fc.constantFrom(...keys)] : []))
  const change = fc.tuple(key, event).map(([where, name]) => ({ ...where, event: name }))
  return fc.record({ effects: fc.constant(effects), changes: fc.array(change, { maxLength: 8 }) })
})

describe('the payload of a commit', () => {
  test('is read as it was written, whatever the words, keys and events', () => {
    fc.assert(
      fc.property(commits, (commit) => {
        expect(readCommit(payload(commit))).toEqual(commit)
      }),
    )
  })

  test('keeps long words as bytes of their own', () => {
    const long = new Uint8Array(100_000).map((_, i) => i % 251)
    const bytes = payload({
      effects: [{ db: 3, argv: ['SET', 'k', long] }],
      changes: [{ db: 3, key: 'k', event: 'set' }],
    })
    const { effects } = readCommit(bytes)
    bytes.fill(0)
    expect(effects[0]?.argv[2]).toEqual(long)
  })

  test('takes two bytes for a change of a key that an effect names', () => {
    const effects = [{ db: 0, argv: ['SET', 'key', 'value'] }]
    const without = payload({ effects, changes: [] }).length
    expect(payload({ effects, changes: [{ db: 0, key: 'key', event: 'set' }] }).length).toBe(without + 2)
    expect(payload({ effects, changes: [{ db: 1, key: 'key', event: 'set' }] }).length).toBeGreaterThan(
      without + 2,
    )
  })

  test('that is cut short, or goes on, is refused', () => {
    const whole = payload({
      effects: [{ db: 0, argv: ['SET', 'k', 'v'] }],
      changes: [{ db: 0, key: 'x', event: 'y' }],
    })
    for (let length = 0; length < whole.length; length++) {
      expect(() => readCommit(whole.subarray(0, length)), `${length}`).toThrow()
    }
    expect(() => readCommit(Buffer.concat([whole, Buffer.from([0])]))).toThrow(
      'a commit ends with its last change',
    )
  })
})

test('numbers up to 2^53 - 1, texts and bytes are read one behind the other', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), text, (number, word) => {
      const reader = new PayloadReader(
        payloadOf((sink) => {
          sink.number(number)
          sink.block(word)
          sink.block(Buffer.from(word, 'latin1'))
        }),
      )
      expect([reader.number(), reader.text(), Buffer.from(reader.bytes()).toString('latin1')]).toEqual([
        number,
        word,
        word,
      ])
      expect(reader.isAtEnd).toBe(true)
    }),
  )
})
