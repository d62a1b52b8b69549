/** What a thread notes of its commands: which are timed, which are slow, and which keys are hot. */
import { describe, expect, test } from 'vitest'
import { commandTable } from '../../../src/keyspace/commands/index.ts'
import type { Argument } from '../../../src/keyspace/engine/index.ts'
import { CommandCatalog } from '../../../src/server/catalog/index.ts'
import type {
  CommandEntry,
  SampleObserver,
  ServerThread,
  Session,
  TimeObserver,
} from '../../../src/server/commands/server-command.ts'
import { serverCommands } from '../../../src/server/commands/table.ts'
import { ParameterStore } from '../../../src/server/parameters/index.ts'
import type { HotKey } from '../../../src/server/report/hot-keys.ts'
import type { LatencyEvent } from '../../../src/server/report/latency-events.ts'
import type { SlowEntry } from '../../../src/server/report/slow-log.ts'
import { sumCommands, type ThreadReport } from '../../../src/server/report/thread-report.ts'
import { ThreadWatch } from '../../../src/server/report/thread-watch.ts'
import { CommandIndex } from '../../../src/server/thread/command-index.ts'
import { NextIds } from '../../../src/server/thread/next-ids.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const catalog = new CommandCatalog(commandTable.rows, serverCommands)
const session = { db: 0, address: '127.0.0.1:5', name: 'me' } as Session

/** A thread with nothing but what is watched. */
class Lab {
  readonly clock = new ManualClock()
  readonly topics = new Map<string, (content?: unknown) => unknown>()
  readonly parameters = ParameterStore.of({})
  readonly timers = new Set<TimeObserver>()
  readonly onEnd = new Set<() => void>()
  readonly commands = new CommandIndex(catalog, serverCommands)
  sampled: SampleObserver = () => undefined
  load = 0.5

  constructor() {
    const { clock, topics, parameters, timers, onEnd, commands } = this
    const counters = { connections: 3, bytesIn: 0, bytesOut: 0, errors: 0 }
    const facts = { threads: [1, 2] }
    const parts = { clock, parameters, timers, onEnd, commands, counters, facts, catalog, id: 1 }
    const thread = { ...parts, peers: { topics }, sessions: new Map(), errors: new Map([['ERR', 2]]) }
    const lab = this
    const whole = {
      ...thread,
      wallMs: () => clock.wallMs(),
      ids: new NextIds(NextIds.buffer()),
      get sampled() {
        return lab.sampled
      },
      set sampled(sampled: SampleObserver) {
        lab.sampled = sampled
      },
    }
    new ThreadWatch(whole as unknown as ServerThread, () => this.load)
  }

  entry(name: string): CommandEntry {
    return this.commands.get(name)!
  }

  ask<T>(topic: string, content?: unknown): T {
    return this.topics.get(topic)!(content) as T
  }

  /** A command that was timed. */
  took(
    argv: readonly Argument[],
    ms: number,
    name = String(argv[0]).toLowerCase(),
    isElsewhere = false,
  ): void {
    const entry = this.entry(name)
    entry.calls++
    for (const observe of this.timers) observe(session, entry, argv, ms, 'OK', isElsewhere)
  }

  /** A GET by the short way, as `runShort` does it: whether it was timed. */
  get(key: string, ms: number): boolean {
    const entry = this.entry('get')
    entry.calls++
    const isTimed = entry.shortCalls >= entry.sampleAt
    const startMs = this.clock.nowMs()
    this.clock.advance(ms)
    entry.shortCalls++
    if (!isTimed) return false
    this.sampled(session, entry, () => ['GET', key], startMs)
    return true
  }

  times(name: string): number {
    const reports = [this.ask<ThreadReport>('report', true)]
    return sumCommands(reports).find((one) => one.name === name)?.times.total ?? 0
  }
}

describe('on the short way', () => {
  test('every command is timed that comes a while after the last', () => {
    const lab = new Lab()
    for (let i = 0; i < 50; i++) {
      expect(lab.get('k', 0.001)).toBe(true)
      lab.clock.advance(2)
    }
    expect(lab.times('get')).toBe(50)
  })

  test('one in some 128 of a stream is timed, and counts for all since', () => {
    const lab = new Lab()
    let timed = 0
    for (let i = 0; i < 64_000; i++) if (lab.get('k', 0.0005)) timed++
    expect(timed).toBeGreaterThan(1400)
    expect(timed).toBeLessThan(1600)
    expect(lab.times('get')).toBeGreaterThan(63_800)
    expect(lab.times('get')).toBeLessThanOrEqual(64_000)
    expect(lab.entry('get').usec).toBeCloseTo(64_000 * 0.5, -3)
  })

  test('those that were timed on the long way count for themselves', () => {
    const lab = new Lab()
    for (let i = 0; i < 6400; i++) {
      if (i % 2 === 0) lab.get('k', 0.0005)
      else lab.took(['GET', 'k'], 0.002)
    }
    expect(lab.times('get')).toBeGreaterThan(6200)
    expect(lab.times('get')).toBeLessThanOrEqual(6400)
  })

  test('all are timed when the threshold of the slow log is below a millisecond', () => {
    const lab = new Lab()
    for (let i = 0; i < 1000; i++) lab.get('k', 0.0005)
    lab.parameters.set([['slowlog-log-slower-than', '0']])
    for (let i = 0; i < 100; i++) expect(lab.get(`k${i}`, 0.0005)).toBe(true)
    const slow = lab.ask<readonly SlowEntry[]>('slowlog', 200)
    expect(slow).toHaveLength(100)
    expect(slow[0]).toMatchObject({ id: 99, argv: ['GET', 'k99'], address: '127.0.0.1:5', client: 'me' })
  })
})

describe('a command that takes long', () => {
  test('is in the slow log from the threshold on, without secrets', () => {
    const lab = new Lab()
    lab.took(['SET', 'k', 'v'], 9.99)
    lab.took(['SET', 'k', 'v'], 10)
    lab.took(['AUTH', 'secret'], 11)
    lab.took(['CONFIG', 'SET', 'requirepass', 'secret'], 12, 'config|set')
    lab.took(['EXEC'], 50)
    const slow = lab.ask<readonly SlowEntry[]>('slowlog', 10)
    expect(slow.map(({ id, argv, durationUs }) => [id, argv.join(' '), durationUs])).toEqual([
      [2, 'CONFIG SET requirepass (redacted)', 12_000],
      [1, 'AUTH (redacted)', 11_000],
      [0, 'SET k v', 10_000],
    ])
    expect(lab.ask('slowlog.len')).toBe(3)
    lab.parameters.set([['slowlog-log-slower-than', '-1']])
    lab.took(['SET', 'k', 'v'], 1e6)
    expect(lab.ask('slowlog.len')).toBe(3)
    lab.ask('slowlog.reset')
    expect(lab.ask('slowlog.len')).toBe(0)
  })

  test('is an event from the other threshold on, by whether it should be fast', () => {
    const lab = new Lab()
    lab.took(['SORT', 'k'], 500)
    expect(lab.ask('latency')).toEqual([])
    lab.parameters.set([['latency-monitor-threshold', '20']])
    lab.took(['SORT', 'k'], 19.9)
    lab.took(['SORT', 'k'], 25)
    lab.took(['HGET', 'k', 'f'], 30)
    const events = lab.ask<readonly LatencyEvent[]>('latency')
    expect(events.map(({ name, maxMs }) => [name, maxMs])).toEqual([
      ['command', 25],
      ['fast-command', 30],
    ])
    expect(lab.ask('latency.reset', ['command', 'other'])).toEqual(['command'])
  })

  test('is neither when it is a quick one that another thread has had no time for', () => {
    const lab = new Lab()
    for (const name of ['SET', 'INCR', 'SORT']) lab.took([name, 'k'], 20, name.toLowerCase(), true)
    expect(lab.ask<readonly SlowEntry[]>('slowlog', 9).map(({ argv }) => argv[0])).toEqual(['SORT'])
    lab.parameters.set([['slowlog-log-slower-than', '0']])
    lab.took(['INCR', 'k'], 20, 'incr', true)
    expect(lab.ask('slowlog.len')).toBe(2)
  })

  test('is neither when it waited for keys', () => {
    const lab = new Lab()
    lab.parameters.set([['latency-monitor-threshold', '1']])
    lab.took(['BLPOP', 'k', '0'], 5000)
    lab.took(['WAITAOF', '1', '0', '0'], 5000)
    expect(lab.ask('slowlog.len')).toBe(0)
    expect(lab.ask('latency')).toEqual([])
    expect(lab.times('blpop')).toBe(0)
  })
})

test('hot keys are told with what they are used per second', () => {
  const lab = new Lab()
  for (let second = 0; second < 5; second++) {
    for (let i = 0; i < 1000; i++) {
      lab.get('hot', 0.0005)
      if (i % 5 === 0) lab.took(['MSET', 'one', '1', 'two', '2'], 0.01)
    }
    lab.clock.advance(1000)
  }
  const top = lab.ask<readonly HotKey[]>('hotkeys', 10)
  expect(top.map(({ key }) => key)).toEqual(['hot', expect.stringMatching(/one|two/), expect.anything()])
  expect(top[0]!.perSecond).toBeGreaterThan(800)
  expect(top[0]!.perSecond).toBeLessThan(1100)
  expect(top[1]!.perSecond).toBeGreaterThan(120)
  expect(top[1]!.perSecond).toBeLessThan(260)
})

test('a report has what happened since the last reset', () => {
  const lab = new Lab()
  lab.took(['SET', 'k', 'v'], 1)
  for (let tick = 0; tick < 20; tick++) lab.clock.advance(100)
  const report = lab.ask<ThreadReport>('report', true)
  expect(report).toMatchObject({ thread: 1, accepted: 3, utilization: 0.5, errorCodes: [['ERR', 2]] })
  expect(report.commands).toMatchObject([{ name: 'set', calls: 1 }])
  expect(report.commands[0]!.times).toHaveLength(2)
  expect(lab.ask<ThreadReport>('report', false).commands[0]!.times).toEqual([])
  lab.ask('resetstat')
  expect(lab.ask<ThreadReport>('report', true)).toMatchObject({ accepted: 0, commands: [], errorCodes: [] })
  // The next one is timed, however many came before.
  expect(lab.get('k', 0.001)).toBe(true)
})

test('nothing goes on when the thread has ended', () => {
  const lab = new Lab()
  for (const end of lab.onEnd) end()
  lab.took(['SET', 'k', 'v'], 1)
  lab.clock.advance(5000)
  expect(lab.ask('hotkeys', 1)).toEqual([])
})
