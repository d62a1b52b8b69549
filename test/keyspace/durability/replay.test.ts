/** Records of a log, one by one: what they make of an engine, and which of them may not be there. */
import { describe, expect, test } from 'vitest'
import { writeCommit } from '../../../src/keyspace/durability/commit-payload.ts'
import { dumpValue } from '../../../src/keyspace/engine/index.ts'
import {
  KIND_COMMIT,
  KIND_CONCLUDED,
  KIND_DECIDED,
  KIND_PREPARED,
  KIND_SNAPSHOT_BEGIN,
  KIND_SNAPSHOT_END,
  KIND_STATE,
  RecordSink,
} from '../../../src/storage/index.ts'
import { LogChain } from '../../../src/storage/log-chain.ts'
import { HEADER_BYTES, type LogRecord } from '../../../src/storage/log-format.ts'
import { makeReplay } from '../../support/durable-shard.ts'
import { makeEngine, START_MS } from '../../support/engine.ts'

/** A record with the payload that is written. */
function record(
  kind: number,
  revision: number,
  write: (sink: RecordSink) => void = () => undefined,
  atMs = START_MS,
): LogRecord {
  const sink = new RecordSink(new LogChain())
  sink.begin()
  write(sink)
  const fields = { kind, revision, atMs, participants: [] }
  sink.end(fields)
  const bytes = Buffer.from(sink.take())
  const payload = bytes.subarray(HEADER_BYTES, HEADER_BYTES + bytes.readUInt32LE(8))
  const place = { bytes, payloadOffset: HEADER_BYTES, payloadEnd: HEADER_BYTES + payload.length }
  return { ...fields, payload, ...place, offset: 16, endOffset: 16 + bytes.length, index: 0 }
}

const doing = (kind: number, revision: number, atMs: number, ...commands: string[][]): LogRecord =>
  record(
    kind,
    revision,
    (sink) => writeCommit(sink, { effects: commands.map((argv) => ({ db: 0, argv })), changes: [] }),
    atMs,
  )

const commit = (revision: number, ...commands: string[][]): LogRecord =>
  doing(KIND_COMMIT, revision, START_MS, ...commands)

/** The state of a key as it is in another engine; without commands: there is no such key. */
function state(key: string, revision: number, ...commands: string[][]): LogRecord {
  const { engine, run } = makeEngine()
  for (const argv of commands) run(...argv)
  return record(KIND_STATE, revision, (sink) => {
    sink.number(0)
    sink.block(key)
    sink.number(0)
    sink.number(revision)
    sink.block(dumpValue(engine.database(0), key) ?? '')
  })
}

function replayOf(...records: LogRecord[]) {
  const made = makeReplay()
  for (const one of records) made.replay.take(one)
  const { engine } = made.shard
  return { ...made, engine, get: (key: string) => engine.atomically(() => engine.database(0).string(key)) }
}

describe('a replay', () => {
  test('runs commits at their revisions and times, and says how far it has come', () => {
    const { replay, engine, get } = replayOf(
      commit(3, ['SET', 'a', '1']),
      doing(KIND_COMMIT, 5, START_MS + 10, ['INCR', 'a'], ['APPEND', 'b', 'x']),
    )
    expect([get('a'), get('b')]).toEqual(['2', 'x'])
    expect([engine.database(0).revisionOf('a'), engine.database(0).revisionOf('b')]).toEqual([5, 5])
    expect(replay.end()).toEqual({ commits: 2, states: 0, revision: 5, atMs: START_MS + 10 })
  })

  test('changes a key that was alive then, however long ago', () => {
    const expires = String(START_MS + 100)
    const { engine, get, replay } = replayOf(
      commit(1, ['SET', 'k', 'v', 'PXAT', expires]),
      doing(KIND_COMMIT, 2, START_MS + 50, ['APPEND', 'k', 'w']),
      doing(KIND_COMMIT, 3, START_MS + 99, ['PERSIST', 'k']),
    )
    expect(get('k')).toBe('vw')
    replay.end()
    expect(engine.clock.wallMs()).toBeGreaterThan(START_MS + 1e8)
  })

  test('tells of changes as they were told at first, whatever the effects would cause', () => {
    const { replay } = makeReplay()
    const told: unknown[] = []
    replay.remember({
      forget: () => undefined,
      plainSet: () => undefined,
      commit: ({ revision, changes }) => told.push([revision, changes]),
    })
    const changes = [{ db: 0, key: 'k', event: 'lpop' }]
    const effects = [{ db: 0, argv: ['DEL', 'k'] }]
    replay.take(commit(1, ['RPUSH', 'k', 'x']))
    replay.take(record(KIND_COMMIT, 2, (sink) => writeCommit(sink, { effects, changes })))
    expect(told).toEqual([
      [1, []],
      [2, changes],
    ])
  })

  test('refuses a command that fails, with the command and the place', () => {
    const { replay } = replayOf(commit(1, ['SET', 'k', 'text']))
    expect(() => replay.take(commit(2, ['RPUSH', 'k', 'x']))).toThrow(
      expect.objectContaining({
        code: 'SHL_LOG_DAMAGED',
        message: expect.stringMatching(/RPUSH of revision 2 fails: .*wrong kind/),
        details: expect.objectContaining({ offset: 16 }),
      }),
    )
  })
})

describe('a snapshot', () => {
  const begin = record(KIND_SNAPSHOT_BEGIN, 9)
  const end = record(KIND_SNAPSHOT_END, 12)

  test('replaces what commits have made of keys that had not come', () => {
    const { get, replay, engine } = replayOf(
      begin,
      commit(10, ['APPEND', 'k', 'rest']),
      commit(11, ['RPUSH', 'l', 'x']),
      // It is a string, of which only this replay knows nothing yet.
      commit(11, ['LPOP', 'k']),
      state('k', 11, ['SET', 'k', 'whole']),
      state('l', 11),
      end,
    )
    expect(get('k')).toBe('whole')
    expect(engine.database(0).revisionOf('k')).toBe(11)
    expect(engine.database(0).exists('l')).toBe(false)
    expect(replay.report.states).toBe(2)
    // From here on everything is there.
    expect(() => replay.take(commit(13, ['LPOP', 'k']))).toThrow(/LPOP of revision 13 fails/)
  })

  test('excuses nothing when the replay did not begin with it', () => {
    const { replay } = replayOf(commit(1, ['SET', 'k', 'text']), begin)
    expect(() => replay.take(commit(2, ['RPUSH', 'k', 'x']))).toThrow(/RPUSH/)
  })
})

describe('parts of transactions', () => {
  const prepared = (revision: number, value: string): LogRecord =>
    doing(KIND_PREPARED, revision, START_MS, ['SET', `k${revision}`, value])

  test('are told to whoever wants to know what has happened, also when they were in doubt', () => {
    const { replay } = makeReplay()
    const told: number[] = []
    replay.remember({
      forget: () => undefined,
      plainSet: (_bytes, _at, _length, _valueAt, _valueLength, revision) => told.push(revision),
      commit: ({ revision, part, effects }) => {
        expect(part).toBeDefined()
        expect(effects.length).toBe(1)
        told.push(revision)
      },
    })
    for (const one of [prepared(1, 'x'), prepared(2, 'y'), prepared(3, 'z')]) replay.take(one)
    replay.take(record(KIND_CONCLUDED, 2))
    expect(told).toEqual([2])
    expect(replay.resolve(new Set([1]))).toEqual([1])
    expect(told).toEqual([2, 1])
  })

  test('are true when they are concluded, in that order, at their own revisions', () => {
    const { get, engine, replay } = replayOf(
      prepared(1, 'x'),
      prepared(2, 'y'),
      prepared(2, 'z'),
      commit(3, ['SET', 'other', '1']),
      record(KIND_CONCLUDED, 2),
    )
    expect([get('k1'), get('k2')]).toEqual([undefined, 'z'])
    expect(engine.database(0).revisionOf('k2')).toBe(2)
    expect(replay.inDoubt).toEqual([1])
  })

  test('that are in doubt are true when they were decided, and nothing otherwise', () => {
    const { get, replay } = replayOf(
      prepared(1, 'x'),
      prepared(2, 'y'),
      prepared(4, 'q'),
      record(KIND_DECIDED, 4),
    )
    expect(replay.decided).toEqual([4])
    expect(replay.resolve(new Set([4, 1, 99]))).toEqual([1, 4])
    expect([get('k1'), get('k2'), get('k4')]).toEqual(['x', undefined, 'q'])
    expect(replay.inDoubt).toEqual([])
  })

  test('that were prepared before the first record are those of a snapshot', () => {
    const { engine } = replayOf(record(KIND_SNAPSHOT_BEGIN, 1), record(KIND_CONCLUDED, 1))
    expect(engine.database(0).size).toBe(0)
  })
})
