/**
 * What INFO is made of: the reports of all threads, the figures of all shards, and the process.
 *
 * Only what the wanted sections need is asked for: a tool that reads one section every second disturbs
 * nobody. Tests: test/server/commands/info-commands.race.test.ts
 */
import { type ShardFigures, shardFigures } from '../../keyspace/serving/index.ts'
import type { ServerThread } from '../commands/server-command.ts'
import { PEAK_TOPIC } from './peak-memory.ts'
import { type CommandSum, sumCommands, type ThreadReport } from './thread-report.ts'
import { REPORT_TOPIC } from './thread-watch.ts'

/** Everything that sections are written from. */
export interface InfoSource {
  /** Of the client that asks. */
  readonly thread: ServerThread
  readonly nowWallMs: number
  readonly threads: readonly ThreadReport[]
  readonly shards: readonly ShardFigures[]
  readonly commands: readonly CommandSum[]
  /** Bytes of keys and values: now, and the most there were. */
  readonly usedBytes: number
  readonly peakBytes: number
  readonly residentBytes: number
  /** Lines that the audit log lacks; undefined: the main thread does not say. */
  readonly auditLost: number | undefined
}

/** What has to be asked for. */
export interface InfoNeeds {
  readonly threads?: boolean
  readonly times?: boolean
  readonly shards?: boolean
  readonly audit?: boolean
}

/** Gathers it. A thread or a shard that is down is left out. */
export async function gatherInfo(thread: ServerThread, needs: InfoNeeds): Promise<InfoSource> {
  const { peers, client } = thread
  const [threads, shards, peaks, auditLost] = await Promise.all([
    needs.threads === true ? peers.ask<ThreadReport>(REPORT_TOPIC, needs.times === true) : [],
    needs.shards === true ? shardFigures(client) : [],
    needs.shards === true ? peers.ask<number>(PEAK_TOPIC) : [],
    needs.audit === true ? thread.request('audit.lost', undefined).catch(() => undefined) : undefined,
  ])
  const usedBytes = sumOf(shards, ({ stats }) => stats.usedBytes)
  return {
    thread,
    nowWallMs: thread.wallMs(),
    threads,
    shards,
    commands: sumCommands(threads),
    usedBytes,
    peakBytes: Math.max(usedBytes, ...peaks),
    residentBytes: needs.shards === true ? process.memoryUsage.rss() : 0,
    auditLost: auditLost === undefined ? undefined : Number(auditLost),
  }
}

/** The sum of something over all of some. */
export function sumOf<T>(all: readonly T[], of: (one: T) => number): number {
  return all.reduce((sum, one) => sum + of(one), 0)
}
