/**
 * Where a log is begun with: what is run of logs with several snapshots, unfinished ones, and missing
 * segments.
 */
import { describe, expect, test } from 'vitest'
import { writeCommit } from '../../../src/keyspace/durability/commit-payload.ts'
import { LogRun } from '../../../src/keyspace/durability/log-run.ts'
import type { PastCommits } from '../../../src/keyspace/durability/replay.ts'
import {
  examineLog,
  KIND_COMMIT,
  KIND_SNAPSHOT_BEGIN,
  KIND_SNAPSHOT_END,
  KIND_STATE,
  LogWriter,
  segmentName,
} from '../../../src/storage/index.ts'
import { SimulatedDisk } from '../../../src/testkit/index.ts'
import { DIRECTORY, FOLDER, makeShard, openShard, STORE } from '../../support/durable-shard.ts'
import { START_MS } from '../../support/engine.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { stateOf } from '../../support/shard-state.ts'

type Step = 'begin' | 'end' | readonly ['state', key: string, value: string] | readonly string[]

const OWNER = { directory: DIRECTORY, shard: 0 }

/**
 * A log of one segment for each list of steps: commands, or parts of snapshots. The first `gone` are removed.
 */
async function logOf(segments: readonly (readonly Step[])[], gone = 0): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk()
  disk.putFolder(FOLDER)
  const clock = new ManualClock()
  const options = { ...STORE, disk, clock, ...OWNER }
  const log = await LogWriter.open(options, await examineLog(disk, FOLDER, OWNER, () => undefined))
  let revision = 0
  for (const [i, steps] of segments.entries()) {
    if (i > 0) log.nextSegment()
    for (const step of steps) {
      revision++
      const sink = log.begin()
      const isState = step[0] === 'state'
      if (isState) {
        sink.number(0)
        sink.block(step[1]!)
        sink.number(0)
        sink.number(revision)
        sink.block(`\0${step[2]}`)
      } else if (typeof step !== 'string') {
        writeCommit(sink, {
          effects: [{ db: 0, argv: step }],
          changes: [{ db: 0, key: step[1]!, event: 'set' }],
        })
      }
      const mark = step === 'begin' ? KIND_SNAPSHOT_BEGIN : KIND_SNAPSHOT_END
      const kind = isState ? KIND_STATE : typeof step === 'string' ? mark : KIND_COMMIT
      log.append({ kind, revision, atMs: START_MS, participants: [] })
    }
  }
  await log.close()
  for (let number = 1; number <= gone; number++) await disk.remove(`${FOLDER}/${segmentName(number)}`)
  return disk.afterKill()
}

async function keysIn(disk: SimulatedDisk): Promise<Record<string, string>> {
  const { engine } = (await openShard(disk)).shard
  const found: Record<string, string> = {}
  engine.atomically(() =>
    engine.database(0).scanAll(0, 1000, (key) => {
      found[key] = engine.database(0).string(key) ?? 'no string'
    }),
  )
  engine.database(0).table.checkTable()
  return found
}

const set = (key: string, value: string): Step => ['SET', key, value]
const LOCKED: Step = ['LOCK.GRANTED', 'l', 'o', 'exclusive', '7', '100000', '0', '1']
const REFUSED = { code: 'SHL_LOG_DAMAGED', details: { reason: expect.stringContaining('no whole snapshot') } }

describe('a log that has its first segment', () => {
  test('is run from there, through snapshots that are whole, and one that is not', async () => {
    const disk = await logOf([
      [set('a', '1'), set('b', '1')],
      ['begin', ['state', 'a', '1'], set('b', '2'), ['state', 'b', '2'], 'end', set('a', '3')],
      ['begin', ['state', 'a', '3'], set('c', '4'), ['state', 'b', '2']],
      ['begin', ['state', 'a', '3'], set('d', '5')],
    ])
    expect(await keysIn(disk)).toEqual({ a: '3', b: '2', c: '4', d: '5' })
  })
})

describe('a log that has lost its first segments', () => {
  const whole: Step[] = [
    'begin',
    ['state', 'a', '1'],
    set('b', '2'),
    ['state', 'b', '2'],
    'end',
    set('c', '3'),
  ]

  test('is run from a whole snapshot, whatever comes behind', async () => {
    const more: Step[] = ['begin', ['state', 'a', '1'], set('d', '4')]
    expect(await keysIn(await logOf([[set('x', 'gone')], whole, more], 1))).toEqual({
      a: '1',
      b: '2',
      c: '3',
      d: '4',
    })
    const { report } = await openShard(await logOf([[set('x', 'gone')], whole], 1))
    expect(report).toMatchObject({ commits: 2, states: 2 })
  })

  test('has nothing of a snapshot before, that was not finished', async () => {
    const unfinished: Step[] = [
      'begin',
      ['state', 'old', 'x'],
      set('a', 'old'),
      ['RPUSH', 'list', 'x'],
      ['SADD', 'set', 'x'],
      ['SET', 'short', 'x', 'PXAT', String(START_MS + 1e12)],
      LOCKED,
      ['SWAPDB', '0', '1'],
      // It fails, since the key has not come.
      ['INCR', 'a'],
    ]
    const disk = await logOf([[set('x', 'gone')], unfinished, [set('y', 'gone')], whole], 1)
    const { shard, report } = await openShard(disk)
    const expected = await openShard(await logOf([[set('x', 'gone')], whole], 1))
    const state = stateOf(shard.engine).map((one) => one.replace(/ at \d+/, ''))
    expect(state).toEqual(stateOf(expected.shard.engine).map((one) => one.replace(/ at \d+/, '')))
    expect(report).toMatchObject({ commits: 2, states: 2 })
    expect(report.bytes).toBe(expected.report.bytes)
    for (const database of shard.engine.openDatabases()) {
      expect(database.index).toBe(database.id)
      expect(database.volatileCount).toBe(0)
      database.table.checkTable()
    }
    expect(shard.engine.locks.size).toBe(0)
  })

  test('is begun with the snapshot that is whole, when segments before it could not be removed', async () => {
    const disk = await logOf([[], [set('p', '1')], [set('q', '2')], whole], 1)
    expect(await keysIn(disk)).toEqual({ a: '1', b: '2', c: '3' })
  })

  test('is refused when no snapshot has an end, and when there is none', async () => {
    const disk = await logOf([[], ['begin', ['state', 'a', '1']], ['begin', ['state', 'a', '1']]], 1)
    await expect(openShard(disk)).rejects.toMatchObject(REFUSED)
    await expect(openShard(await logOf([[], [set('a', '1')]], 1))).rejects.toMatchObject(REFUSED)
    // It is the end of one whose beginning is gone.
    await expect(openShard(await logOf([['begin'], [set('a', '1'), 'end']], 1))).rejects.toMatchObject(
      REFUSED,
    )
  })
})

describe('a run', () => {
  test('leaves nothing when the log is damaged further on', async () => {
    const disk = await logOf([[set('a', '1'), LOCKED, set('b', '2')], []])
    const path = `${FOLDER}/${segmentName(1)}`
    const bytes = Uint8Array.from(disk.contentOf(path)!)
    bytes[bytes.length - 1]! ^= 1
    disk.putFile(path, bytes)
    const shard = makeShard()
    await expect(shard.durability.recover(disk, STORE)).rejects.toMatchObject({
      code: 'SHL_LOG_DAMAGED',
      details: { reason: expect.stringContaining('checksum') },
    })
    // It had come so far.
    expect(shard.engine.stats.commands).toBe(2)
    expect(stateOf(shard.engine)).toEqual([])
    expect(shard.engine.locks.size).toBe(0)
  })

  test('tells how far it is, in steps that grow to the end', async () => {
    const disk = await logOf([Array.from({ length: 500 }, (_, i) => set(`key ${i}`, 'x'.repeat(i)))])
    const { told } = await runOf(disk)
    expect(told).toEqual([...told].sort((a, b) => a - b))
    expect(told.length).toBeGreaterThan(90)
    expect(told.length).toBeLessThan(110)
    expect(told.at(-1)).toBe(1)
  })

  test('remembers for watchers what came behind the walk of the snapshot that it began with', async () => {
    const old: Step[] = ['begin', set('walk', '1')]
    const disk = await logOf(
      [
        [],
        old,
        ['begin', set('in', '1'), ['state', 'in', '1'], 'end', set('a', '2'), ['INCR', 'n'], set('b', '3')],
      ],
      1,
    )
    const { heard, forgotten } = await runOf(disk)
    expect(heard).toEqual(['a=2', 'INCR n', 'b=3'])
    expect(Math.max(...forgotten)).toBe(6)
  })
})

/** Runs a log, and notes what it tells. */
async function runOf(disk: SimulatedDisk) {
  const told: number[] = []
  const heard: string[] = []
  const forgotten: number[] = []
  const past: PastCommits = {
    forget: (revision) => void forgotten.push(revision),
    commit: ({ effects }) => void heard.push(effects.map(({ argv }) => argv.join(' ')).join()),
    plainSet(bytes, keyOffset, keyLength, valueOffset, valueLength) {
      const text = (from: number, length: number) =>
        Buffer.from(bytes).toString('latin1', from, from + length)
      heard.push(`${text(keyOffset, keyLength)}=${text(valueOffset, valueLength)}`)
    },
  }
  const names = await disk.list(FOLDER)
  const bytes = names.reduce((sum, name) => sum + disk.contentOf(`${FOLDER}/${name}`)!.length, 0)
  const run = new LogRun(makeShard(), bytes, (fraction) => void told.push(fraction), past)
  const examined = await examineLog(disk, FOLDER, OWNER, (record, info) => run.take(record, info))
  run.end(examined)
  return { told, heard, forgotten }
}
