/**
 * What a thread tells of itself, as plain data for INFO, and the sum over threads.
 * Tests: test/server/report/thread-report.test.ts
 */
import type { Session } from '../commands/server-command.ts'
import { CommandTimes } from './command-times.ts'
import type { Rates } from './rate-sampler.ts'

/** One command on one thread. */
export interface CommandCounts {
  readonly name: string
  readonly calls: number
  readonly usec: number
  readonly rejected: number
  readonly failed: number
  /** As `CommandTimes.sparse`; empty when nobody asked for it. */
  readonly times: readonly number[]
}

/** Clients of a thread. */
export interface ClientCounts {
  readonly connected: number
  readonly blocked: number
  readonly tracking: number
  readonly monitors: number
  /** In a transaction, with watched keys, listening to channels. */
  readonly queueing: number
  readonly watching: number
  readonly listening: number
  /** The largest, and all together, in bytes. */
  readonly inputMax: number
  readonly outputMax: number
  readonly bufferBytes: number
}

/** What is remembered for clients that cache. */
export interface TrackingCounts {
  readonly keys: number
  /** Pairs of a key and a client. */
  readonly items: number
  readonly prefixes: number
}

/** One thread. */
export interface ThreadReport {
  readonly thread: number
  readonly clients: ClientCounts
  /** Since it began, or since CONFIG RESETSTAT. */
  readonly accepted: number
  readonly refused: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly errors: number
  readonly authFailures: number
  readonly aclDenied: number
  readonly slowReaders: number
  readonly evictedClients: number
  readonly rates: Rates
  /** Part of the last second in which its event loop was busy. */
  readonly utilization: number
  /** Bytes of its JavaScript heap. */
  readonly heapBytes: number
  readonly commands: readonly CommandCounts[]
  readonly errorCodes: readonly (readonly [code: string, count: number])[]
  readonly tracking: TrackingCounts
}

/** Counts clients. */
export function countClients(sessions: Iterable<Session>): ClientCounts {
  const counts = {
    connected: 0,
    blocked: 0,
    tracking: 0,
    monitors: 0,
    queueing: 0,
    watching: 0,
    listening: 0,
    inputMax: 0,
    outputMax: 0,
    bufferBytes: 0,
  }
  for (const session of sessions) {
    const { queryBytes, outputBytes } = session
    counts.connected++
    if (session.blockedIn !== undefined || session.isPostponed) counts.blocked++
    if (session.tracking !== undefined) counts.tracking++
    if (session.isMonitor) counts.monitors++
    if (session.queued >= 0) counts.queueing++
    if (session.watchedKeys > 0) counts.watching++
    if (session.isSubscribed) counts.listening++
    counts.inputMax = Math.max(counts.inputMax, queryBytes)
    counts.outputMax = Math.max(counts.outputMax, outputBytes)
    counts.bufferBytes += queryBytes + outputBytes
  }
  return counts
}

/** Commands of all threads, by name. */
export interface CommandSum {
  readonly name: string
  calls: number
  usec: number
  rejected: number
  failed: number
  readonly times: CommandTimes
}

/** Adds up commands; in the order in which they are met first. */
export function sumCommands(reports: readonly ThreadReport[]): CommandSum[] {
  const sums = new Map<string, CommandSum>()
  for (const { name, calls, usec, rejected, failed, times } of reports.flatMap((one) => one.commands)) {
    const sum = sums.get(name) ?? {
      name,
      calls: 0,
      usec: 0,
      rejected: 0,
      failed: 0,
      times: new CommandTimes(),
    }
    sums.set(name, sum)
    sum.calls += calls
    sum.usec += usec
    sum.rejected += rejected
    sum.failed += failed
    sum.times.addSparse(times)
  }
  return [...sums.values()]
}

/** Adds up errors by their first word, in the order of the alphabet. */
export function sumErrors(reports: readonly ThreadReport[]): [code: string, count: number][] {
  const sums = new Map<string, number>()
  for (const [code, count] of reports.flatMap((one) => one.errorCodes)) {
    sums.set(code, (sums.get(code) ?? 0) + count)
  }
  return [...sums].sort(([one], [other]) => (one < other ? -1 : 1))
}
