/** What records say, by their kind. */
import { expect, test } from 'vitest'
import { writeCommit } from '../../../../src/keyspace/durability/commit-payload.ts'
import {
  decodeRecord,
  KIND_NAMES,
  keysOf,
} from '../../../../src/keyspace/durability/offline/decoded-record.ts'
import type { Effect, KeyChange } from '../../../../src/keyspace/engine/index.ts'
import * as storage from '../../../../src/storage/index.ts'
import { LogChain } from '../../../../src/storage/log-chain.ts'
import { HEADER_BYTES } from '../../../../src/storage/log-format.ts'

/** Where a record says how long its payload is. */
const LENGTH = 8

/** A payload, as a sink writes it. */
function payloadOf(kind: number, write: (sink: storage.RecordSink) => void): Uint8Array {
  const sink = new storage.RecordSink(new LogChain())
  sink.begin()
  write(sink)
  sink.end({ kind, revision: 1, atMs: 0, participants: [] })
  const record = Buffer.from(sink.take())
  return record.subarray(HEADER_BYTES, HEADER_BYTES + record.readUInt32LE(LENGTH))
}

const commitOf = (effects: Effect[], changes: KeyChange[]) => {
  const kind = storage.KIND_COMMIT
  return decodeRecord({ kind, payload: payloadOf(kind, (sink) => writeCommit(sink, { effects, changes })) })
}

test('a commit tells its commands, and the keys that it changed, each once', () => {
  const effects = [
    { db: 0, argv: ['SET', 'a', '1'] },
    { db: 2, argv: ['SADD', 'b', 'x'] },
  ]
  const changes = [
    { db: 0, key: 'a', event: 'set' },
    { db: 0, key: 'a', event: 'expire' },
    { db: 2, key: 'b', event: 'sadd' },
  ]
  const decoded = commitOf(effects, changes)
  expect(decoded).toEqual({ effects, changes, state: undefined })
  expect(keysOf(decoded)).toEqual([
    { db: 0, key: 'a' },
    { db: 2, key: 'b' },
  ])
})

test('a command that changed no key is taken to be about its first', () => {
  expect(keysOf(commitOf([{ db: 1, argv: ['X', 'k'] }], []))).toEqual([{ db: 1, key: 'k' }])
  expect(keysOf(commitOf([{ db: 1, argv: ['FLUSHALL'] }], []))).toEqual([])
})

test('a state tells its key, and must end with its value', () => {
  const kind = storage.KIND_STATE
  const write = (sink: storage.RecordSink): void => {
    sink.number(3)
    sink.block('key')
    sink.number(77)
    sink.number(12)
    sink.block(Uint8Array.of(1, 2, 3))
  }
  const decoded = decodeRecord({ kind, payload: payloadOf(kind, write) })
  expect(decoded.state).toEqual({
    db: 3,
    key: 'key',
    expireAt: 77,
    revision: 12,
    payload: Uint8Array.of(1, 2, 3),
  })
  expect(keysOf(decoded)).toEqual([{ db: 3, key: 'key' }])
  const long = payloadOf(kind, (sink) => {
    write(sink)
    sink.number(1)
  })
  expect(() => decodeRecord({ kind, payload: long })).toThrow('a state ends with its value')
  expect(() => decodeRecord({ kind, payload: long.subarray(0, 5) })).toThrow()
})

test('every kind of record has a name, and the others say nothing', () => {
  const kinds = Object.entries(storage).flatMap(([name, kind]) =>
    name.startsWith('KIND_') ? [kind as number] : [],
  )
  expect(Object.keys(KIND_NAMES).map(Number).sort()).toEqual(kinds.sort())
  const nothing = { effects: [], changes: [], state: undefined }
  expect(decodeRecord({ kind: storage.KIND_DECIDED, payload: new Uint8Array() })).toEqual(nothing)
})
