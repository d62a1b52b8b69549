/**
 * LATENCY: how long commands take, and what was slow when, over all threads.
 *
 * Tests: test/server/commands/info-commands.race.test.ts
 */
import { type Argument, byteString, err, MapReply } from '../../keyspace/engine/index.ts'
import { helpReply } from '../catalog/index.ts'
import {
  LATENCY_TOPIC,
  type LatencyEvent,
  latencyAdvice,
  latencyGraph,
  mergeEvents,
  REPORT_TOPIC,
  sumCommands,
  type ThreadReport,
} from '../report/index.ts'
import { type ServerReply, VerbatimReply } from '../resp/index.ts'
import type { ServerCommand, ServerThread, Session } from './server-command.ts'

async function eventsOf({ peers }: ServerThread): Promise<LatencyEvent[]> {
  return mergeEvents(await peers.ask<readonly LatencyEvent[]>(LATENCY_TOPIC))
}

async function latest({ thread }: Session): Promise<ServerReply> {
  return (await eventsOf(thread)).map(({ name, maxMs, samples }) => {
    const last = samples.at(-1)!
    return [name, last.second, last.ms, maxMs]
  })
}

async function history({ thread }: Session, argv: readonly Argument[]): Promise<ServerReply> {
  const name = byteString(argv[2]!)
  const event = (await eventsOf(thread)).find((one) => one.name === name)
  return event?.samples.map(({ second, ms }) => [second, ms]) ?? []
}

async function graph({ thread }: Session, argv: readonly Argument[]): Promise<ServerReply> {
  const name = byteString(argv[2]!)
  const event = (await eventsOf(thread)).find((one) => one.name === name)
  if (event === undefined) return err(`No samples available for event '${name}'`)
  return new VerbatimReply(latencyGraph(event, Math.floor(thread.wallMs() / 1000)))
}

async function doctor({ thread }: Session): Promise<ServerReply> {
  const { parameters } = thread
  const settings = {
    thresholdMs: parameters.get('latencyMonitorThreshold'),
    slowlogUs: parameters.get('slowlogLogSlowerThan'),
    nowSecond: Math.floor(thread.wallMs() / 1000),
  }
  return new VerbatimReply(latencyAdvice(await eventsOf(thread), settings))
}

async function reset({ thread }: Session, argv: readonly Argument[]): Promise<ServerReply> {
  const names = argv.slice(2).map(byteString)
  const found = await thread.peers.ask<readonly string[]>(`${LATENCY_TOPIC}.reset`, names)
  return new Set(found.flat()).size
}

/** Of commands, and of all subcommands of a container. */
async function histogram({ thread }: Session, argv: readonly Argument[]): Promise<ServerReply> {
  const reports = await thread.peers.ask<ThreadReport>(REPORT_TOPIC, true)
  const timed = sumCommands(reports).filter(({ times }) => times.total > 0)
  const asked = argv.slice(2).map((word) => byteString(word).toLowerCase())
  const found =
    asked.length === 0
      ? timed
      : asked.flatMap((name) => timed.filter((one) => one.name === name || one.name.startsWith(`${name}|`)))
  return new MapReply(
    found.flatMap(({ name, times }) => [
      name,
      new MapReply(['calls', times.total, 'histogram_usec', new MapReply(times.cumulative().flat())]),
    ]),
  )
}

const COMMON = { group: 'server', flags: ['admin', 'noscript', 'loading', 'stale'] } as const

export const latencyCommands: readonly ServerCommand[] = [
  {
    ...COMMON,
    name: 'latency|doctor',
    arity: 2,
    summary: 'Tells what was slow, and what may be done about it.',
    complexity: 'O(1)',
    syntax: '',
    since: '2.8.13',
    run: doctor,
  },
  {
    ...COMMON,
    name: 'latency|graph',
    arity: 3,
    summary: 'Draws the samples of an event.',
    complexity: 'O(1)',
    syntax: 'event',
    since: '2.8.13',
    run: graph,
  },
  {
    ...COMMON,
    name: 'latency|histogram',
    arity: -2,
    summary: 'Tells how often commands took how long.',
    complexity: 'O(N) with N commands',
    syntax: '[command [command ...]]',
    since: '7.0.0',
    differs:
      'Of quick commands in a dense stream one in some 128 is timed, and counts for all of them. Commands ' +
      'that may wait for keys are not timed.',
    run: histogram,
  },
  {
    ...COMMON,
    name: 'latency|history',
    arity: 3,
    summary: 'Lists the samples of an event: times in seconds, and milliseconds.',
    complexity: 'O(1)',
    syntax: 'event',
    since: '2.8.13',
    run: history,
  },
  {
    ...COMMON,
    name: 'latency|latest',
    arity: 2,
    summary: 'Lists the last sample and the worst of each event.',
    complexity: 'O(1)',
    syntax: '',
    since: '2.8.13',
    differs: 'The events are command and fast-command.',
    run: latest,
  },
  {
    ...COMMON,
    name: 'latency|reset',
    arity: -2,
    summary: 'Forgets events, all where none is named.',
    complexity: 'O(1)',
    syntax: '[event [event ...]]',
    since: '2.8.13',
    run: reset,
  },
  {
    group: 'server',
    flags: ['loading', 'stale'],
    name: 'latency|help',
    arity: 2,
    summary: 'Tells what the subcommands of LATENCY do.',
    complexity: 'O(1)',
    syntax: '',
    since: '2.8.13',
    run: ({ thread }) => helpReply(thread.catalog, 'latency'),
  },
]
