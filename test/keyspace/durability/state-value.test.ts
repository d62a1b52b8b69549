/** Plain strings of a snapshot: found where they are, and nothing else is taken for one. */
import { expect, test } from 'vitest'
import { seededRandom } from '../../../src/base/index.ts'
import {
  findPlainState,
  type PlainStatePlace,
  writeStateValue,
} from '../../../src/keyspace/durability/state-value.ts'
import { RecordSink } from '../../../src/storage/index.ts'
import { LogChain } from '../../../src/storage/log-chain.ts'
import { HEADER_BYTES } from '../../../src/storage/log-format.ts'
import { makeEngine } from '../../support/engine.ts'

function place(): PlainStatePlace {
  return { keyOffset: -1, keyLength: -1, valueOffset: -1, valueLength: -1, revision: -1 }
}

/** The payload of a `state` record; without a command: of a key that is gone. */
function stateOf(
  db: number,
  key: string,
  expireAt: number,
  revision: number,
  command?: string[],
): Uint8Array {
  const { engine, run } = makeEngine()
  if (command !== undefined) run(...command)
  const sink = new RecordSink(new LogChain())
  sink.begin()
  sink.number(db)
  sink.block(key)
  sink.number(expireAt)
  sink.number(revision)
  writeStateValue(sink, engine.database(0), key)
  sink.end({ kind: 4, revision: 1, atMs: 1, participants: [] })
  const bytes = Buffer.from(sink.take())
  return bytes.subarray(HEADER_BYTES, HEADER_BYTES + bytes.readUInt32LE(8))
}

test('a string of database 0 that never expires is found, whatever is in it', () => {
  const random = seededRandom(2)
  for (let i = 0; i < 25; i++) {
    const key = 'k\xff\0'.repeat(random.below(60))
    const value = '\0\xff v'.repeat(random.below(60))
    const revision = random.below(2 ** 31) * 2 ** random.below(20)
    const payload = stateOf(0, key, 0, revision, ['SET', key, value])
    const found = place()
    expect(findPlainState(payload, 0, payload.length, found)).toBe(true)
    const text = (at: number, length: number) => Buffer.from(payload).toString('latin1', at, at + length)
    expect(text(found.keyOffset, found.keyLength)).toBe(key)
    expect(text(found.valueOffset, found.valueLength)).toBe(value)
    expect(found.revision).toBe(revision)
    for (let end = 0; end < payload.length; end++) {
      expect(findPlainState(payload, 0, end, found), `cut at ${end}`).toBe(false)
    }
  }
})

function isPlain(payload: Uint8Array): boolean {
  return findPlainState(payload, 0, payload.length, place())
}

test('nothing else is: another database, an expiry, a key that is gone, another type, a raw string', () => {
  expect(isPlain(stateOf(1, 'k', 0, 5, ['SET', 'k', 'v']))).toBe(false)
  expect(isPlain(stateOf(0, 'k', 1e12, 5, ['SET', 'k', 'v']))).toBe(false)
  expect(isPlain(stateOf(0, 'k', 0, 5))).toBe(false)
  expect(isPlain(stateOf(0, 'k', 0, 5, ['RPUSH', 'k', 'v']))).toBe(false)
  expect(isPlain(stateOf(0, 'k', 0, 5, ['SETRANGE', 'k', '1', 'v']))).toBe(false)
})
