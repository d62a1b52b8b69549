/**
 * Watches what a thread does: how long commands take, which were slow, which keys they use, and how much goes
 * on; and answers for it when another thread is asked.
 *
 * Every command is timed that does not take the short way, or is not quick. Of the others the first thousand
 * are timed, each that comes a millisecond after the last one or later, and of a stream of them one in some
 * 128, by chance, which then counts for all since: two looks at the clock would cost a third of a GET. A
 * threshold of the slow log below a millisecond has all of them timed.
 *
 * Commands that may wait for keys are not timed: it would be the wait. What goes to a shard of another thread
 * is timed as its client sees it, with the way there and back; where that is long, and the command is a quick
 * one, it was others' time, and it is not said to be slow.
 *
 * Cost: some 15 ns per command that is timed anyway; 1 to 4 ns on the short way.
 * Tests: test/server/report/thread-watch.test.ts
 */
import type { TimerHandle } from '../../base/index.ts'
import { type Argument, byteString } from '../../keyspace/engine/index.ts'
import { headOf, LOGGED_NAME_BYTES, redactedRequest } from '../acl/index.ts'
import type { CommandEntry, ServerThread, Session } from '../commands/server-command.ts'
import { parameterNamed } from '../parameters/index.ts'
import { CommandTimes } from './command-times.ts'
import { type HotKey, HotKeys } from './hot-keys.ts'
import { type LatencyEvent, LatencyEvents } from './latency-events.ts'
import { RateSampler } from './rate-sampler.ts'
import { type SlowEntry, SlowLog } from './slow-log.ts'
import { countClients, type ThreadReport, type TrackingCounts } from './thread-report.ts'

/** Requests of a stream between two samples: from half as many to half as many again. */
const SAMPLE_EVERY = 128
/** Keys of one request that are looked at. */
const KEYS_MAX = 256
/** Commands of the short way that are further apart are all timed. */
const CLOSE_MS = 1
/** So many of a command are all timed, after a start and after a reset: figures of few calls are exact. */
const EXACT_CALLS = 1000
const TICK_MS = 100
const TICKS_PER_SECOND = 10
/** They wait for others, and say how long by an argument. */
const UNTIMED: ReadonlySet<string> = new Set(['wait', 'waitaof', 'shutdown'])

/** Topics by which threads ask each other. */
export const REPORT_TOPIC = 'report'
export const SLOW_TOPIC = 'slowlog'
export const LATENCY_TOPIC = 'latency'
export const HOT_TOPIC = 'hotkeys'
export const RESET_STATS_TOPIC = 'resetstat'

/** How busy an event loop was since it was asked last. */
export type LoopLoad = () => number

/** One thread. */
export class ThreadWatch {
  readonly #thread: ServerThread
  readonly #slow: SlowLog
  readonly #latency = new LatencyEvents()
  readonly #hot = new HotKeys()
  readonly #rates = new RateSampler()
  readonly #loopLoad: LoopLoad
  readonly #tracking: () => TrackingCounts
  #slowMs = Number.POSITIVE_INFINITY
  #slowMax = 0
  #latencyMs = Number.POSITIVE_INFINITY
  #isTracking = true
  #timesAll = false
  /** Timed commands since the last one whose keys were looked at, and at which the next one is. */
  #sinceKeys = 0
  #keysAt = 1
  #seed = 0x9e3779b9
  #sampledMs = 0
  #utilization = 0
  #ticks = 0
  #timer: TimerHandle | undefined

  constructor(
    thread: ServerThread,
    loopLoad: LoopLoad,
    tracking: () => TrackingCounts = () => ({ keys: 0, items: 0, prefixes: 0 }),
  ) {
    this.#thread = thread
    this.#loopLoad = loopLoad
    this.#tracking = tracking
    this.#slow = new SlowLog(() => thread.ids.slowCommand())
    thread.parameters.onChange(
      ['slowlogLogSlowerThan', 'slowlogMaxLen', 'latencyMonitorThreshold', 'latencyTracking'],
      () => this.#configure(),
    )
    this.#configure()
    thread.timers.add((session, entry, argv, durationMs, _reply, isElsewhere) =>
      this.#took(session, entry, argv, durationMs, isElsewhere),
    )
    thread.sampled = (session, entry, argv, startMs, isElsewhere) =>
      this.#sampled(session, entry, argv, startMs, isElsewhere)
    thread.onEnd.add(() => this.#timer?.cancel())
    this.#answer()
    this.#tickLater()
  }

  /** A command has run and was timed. */
  #took(
    session: Session,
    entry: CommandEntry,
    argv: readonly Argument[],
    durationMs: number,
    isElsewhere: boolean,
  ): void {
    const times = entry.times === undefined ? timesFor(entry) : entry.times
    if (times !== null) {
      if (this.#isTracking) times.add(durationMs)
      const isLong = durationMs >= this.#slowMs || durationMs >= this.#latencyMs
      if (isLong && !(isElsewhere && this.#isInnocent(entry)))
        this.#tookLong(session, entry, argv, durationMs)
    }
    if (entry.spec !== undefined && ++this.#sinceKeys >= this.#keysAt) this.#noteKeys(session, entry, argv)
  }

  /** A command of the short way was timed; its arguments are still where they were. */
  #sampled(
    session: Session,
    entry: CommandEntry,
    argumentsOf: () => readonly Argument[],
    startMs: number,
    isElsewhere = false,
  ): void {
    const nowMs = this.#thread.clock.nowMs()
    const durationMs = nowMs - startMs
    const weight = entry.shortCalls - entry.sampledAt
    const isStream = startMs - this.#sampledMs < CLOSE_MS && entry.shortCalls > EXACT_CALLS && !this.#timesAll
    this.#sampledMs = startMs
    entry.sampledAt = entry.shortCalls
    entry.sampleAt = entry.shortCalls + (isStream ? this.#draw() - 1 : 0)
    entry.usec += durationMs * 1000 * weight
    const times = entry.times ?? new CommandTimes()
    entry.times = times
    if (this.#isTracking) times.add(durationMs, weight)
    const argv = argumentsOf()
    const isLong = durationMs >= this.#slowMs || durationMs >= this.#latencyMs
    if (isLong && !(isElsewhere && this.#isInnocent(entry))) this.#tookLong(session, entry, argv, durationMs)
    this.#hot.add(session.db, byteString(argv[1]!), weight)
  }

  /** Looks at the keys of a command, for all of those since the last one that was looked at. */
  #noteKeys({ db }: Session, entry: CommandEntry, argv: readonly Argument[]): void {
    const weight = this.#sinceKeys
    this.#sinceKeys = 0
    this.#keysAt = this.#draw()
    const keys = this.#thread.catalog.keysOf(entry.info, argv)
    // Of very many each stands for several.
    const step = Math.max(1, Math.ceil(keys.length / KEYS_MAX))
    for (let i = (this.#seed >>> 0) % step; i < keys.length; i += step) {
      this.#hot.add(db, byteString(argv[keys[i]!.index]!), weight * step)
    }
  }

  /** What is quick was held up by others, where another thread had much to do. */
  #isInnocent({ flags, name }: CommandEntry): boolean {
    return !this.#timesAll && (name === 'set' || flags.has('fast'))
  }

  #tookLong(session: Session, entry: CommandEntry, argv: readonly Argument[], durationMs: number): void {
    if (durationMs >= this.#latencyMs) this.#noteLatency(entry, durationMs)
    if (durationMs < this.#slowMs || entry.flags.has('skip_slowlog')) return
    const isSecret = (name: string): boolean => parameterNamed(name)?.isSecret === true
    this.#slow.add(
      {
        wallMs: this.#thread.wallMs(),
        durationUs: Math.round(durationMs * 1000),
        argv: redactedRequest(argv, isSecret),
        address: session.address,
        client: headOf(session.name, LOGGED_NAME_BYTES),
      },
      this.#slowMax,
    )
  }

  #noteLatency(entry: CommandEntry, durationMs: number): void {
    const name = entry.flags.has('fast') ? 'fast-command' : 'command'
    this.#latency.add(name, Math.floor(this.#thread.wallMs() / 1000), durationMs)
  }

  /** From half of `SAMPLE_EVERY` to half as many again: a stream may have a period of its own. */
  #draw(): number {
    let seed = this.#seed
    seed ^= seed << 13
    seed ^= seed >>> 17
    seed ^= seed << 5
    this.#seed = seed
    return SAMPLE_EVERY / 2 + (seed & (SAMPLE_EVERY - 1))
  }

  #configure(): void {
    const { parameters } = this.#thread
    const slowUs = parameters.get('slowlogLogSlowerThan')
    const latencyMs = parameters.get('latencyMonitorThreshold')
    this.#slowMs = slowUs < 0 ? Number.POSITIVE_INFINITY : slowUs / 1000
    this.#slowMax = parameters.get('slowlogMaxLen')
    this.#latencyMs = latencyMs === 0 ? Number.POSITIVE_INFINITY : latencyMs
    this.#isTracking = parameters.get('latencyTracking')
    this.#timesAll = slowUs >= 0 && slowUs < 1000
    if (this.#timesAll) this.#timeNext()
  }

  /** The next command of each kind is timed, and those after it as they come. */
  #timeNext(): void {
    for (const entry of this.#thread.commands.all) {
      entry.sampledAt = entry.shortCalls
      entry.sampleAt = entry.shortCalls
    }
  }

  #answer(): void {
    const { topics } = this.#thread.peers
    topics.set(REPORT_TOPIC, (withTimes: boolean) => this.#report(withTimes))
    topics.set(SLOW_TOPIC, (count: number): readonly SlowEntry[] => this.#slow.newest(count))
    topics.set(`${SLOW_TOPIC}.len`, () => this.#slow.length)
    topics.set(`${SLOW_TOPIC}.reset`, () => this.#slow.reset())
    topics.set(LATENCY_TOPIC, (): readonly LatencyEvent[] => this.#latency.all())
    topics.set(`${LATENCY_TOPIC}.reset`, (names: readonly string[]) => this.#latency.reset(names))
    topics.set(HOT_TOPIC, (count: number): readonly HotKey[] => this.#hot.top(count))
    topics.set(RESET_STATS_TOPIC, () => this.#reset())
  }

  #report(withTimes: boolean): ThreadReport {
    const { id, sessions, counters, errors, commands } = this.#thread
    return {
      thread: id,
      clients: countClients(sessions.values()),
      accepted: counters.connections,
      refused: counters.rejectedConnections,
      bytesIn: counters.bytesIn,
      bytesOut: counters.bytesOut,
      errors: counters.errors,
      authFailures: counters.authFailures,
      aclDenied: counters.aclDenied,
      slowReaders: counters.slowReaders,
      evictedClients: counters.evictedClients,
      rates: this.#rates.rates,
      utilization: this.#utilization,
      heapBytes: process.memoryUsage().heapUsed,
      commands: commands.all
        .filter(({ calls, rejected, failed }) => calls + rejected + failed > 0)
        .map(({ name, calls, usec, rejected, failed, times }) => ({
          name,
          calls,
          usec,
          rejected,
          failed,
          times: withTimes ? (times?.sparse() ?? []) : [],
        })),
      errorCodes: [...errors],
      tracking: this.#tracking(),
    }
  }

  #reset(): void {
    const { counters, errors, commands } = this.#thread
    for (const name of Object.keys(counters) as (keyof typeof counters)[]) counters[name] = 0
    errors.clear()
    for (const entry of commands.all) {
      entry.calls = 0
      entry.shortCalls = 0
      entry.failed = 0
      entry.rejected = 0
      entry.usec = 0
      entry.times = undefined
    }
    this.#timeNext()
    this.#rates.reset()
  }

  #tickLater(): void {
    this.#timer = this.#thread.clock.after(TICK_MS, () => this.#tick(), { unref: true })
  }

  #tick(): void {
    const { clock, commands, counters } = this.#thread
    let calls = 0
    for (const entry of commands.all) calls += entry.calls
    const { bytesIn, bytesOut } = counters
    this.#rates.sample(clock.nowMs(), { commands: calls, bytesIn, bytesOut })
    if (++this.#ticks % TICKS_PER_SECOND === 0) {
      this.#hot.fade(1)
      this.#utilization = this.#loopLoad()
    }
    this.#tickLater()
  }
}

/** Null: it is not timed. */
function timesFor(entry: CommandEntry): CommandTimes | null {
  const isTimed = !entry.flags.has('blocking') && !UNTIMED.has(entry.name)
  const times = isTimed ? new CommandTimes() : null
  entry.times = times
  return times
}
