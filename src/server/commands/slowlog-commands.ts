/**
 * SLOWLOG: commands that took long, of all threads.
 *
 * Tests: test/server/commands/info-commands.race.test.ts
 */
import { type Argument, byteString, err, OK } from '../../keyspace/engine/index.ts'
import { helpReply } from '../catalog/index.ts'
import { newestOf, SLOW_TOPIC, type SlowEntry } from '../report/index.ts'
import type { ServerReply } from '../resp/index.ts'
import type { ServerCommand, Session } from './server-command.ts'

const COUNT = 10
const BAD_COUNT = err('count should be greater than or equal to -1')
const TOO_MANY = err("unknown subcommand or wrong number of arguments for 'get'. Try SLOWLOG HELP.")

async function get({ thread }: Session, argv: readonly Argument[]): Promise<ServerReply> {
  if (argv.length > 3) return TOO_MANY
  const word = argv[2] === undefined ? String(COUNT) : byteString(argv[2])
  if (!/^(?:-1|\d{1,15})$/.test(word)) return BAD_COUNT
  const countMax = thread.parameters.get('slowlogMaxLen')
  const count = word === '-1' ? countMax : Math.min(countMax, Number(word))
  const logs = await thread.peers.ask<readonly SlowEntry[]>(SLOW_TOPIC, count)
  return newestOf(logs, count).map(({ id, wallMs, durationUs, argv: words, address, client }) => [
    ...[id, Math.floor(wallMs / 1000), durationUs],
    words,
    ...[address, client],
  ])
}

async function length({ thread }: Session): Promise<ServerReply> {
  const lengths = await thread.peers.ask<number>(`${SLOW_TOPIC}.len`)
  const sum = lengths.reduce((total, one) => total + one, 0)
  return Math.min(sum, thread.parameters.get('slowlogMaxLen'))
}

async function reset({ thread }: Session): Promise<ServerReply> {
  await thread.peers.change(`${SLOW_TOPIC}.reset`, undefined)
  return OK
}

const COMMON = { group: 'server', flags: ['admin', 'loading', 'stale'] } as const

export const slowlogCommands: readonly ServerCommand[] = [
  {
    ...COMMON,
    name: 'slowlog|get',
    arity: -2,
    summary: 'Lists commands that took long, the newest first; -1: all of them.',
    complexity: 'O(N) with N entries',
    syntax: '[count]',
    since: '2.2.12',
    differs:
      'A command for a shard of another thread is timed with the way there and back, and a quick one is ' +
      'not listed for that. Commands of one EXEC have equal shares of its time. Of quick commands in a ' +
      'dense stream one in some 128 is timed. With slowlog-log-slower-than below 1000 neither is so.',
    run: get,
  },
  {
    ...COMMON,
    name: 'slowlog|len',
    arity: 2,
    summary: 'Counts the entries.',
    complexity: 'O(1)',
    syntax: '',
    since: '2.2.12',
    run: length,
  },
  {
    ...COMMON,
    name: 'slowlog|reset',
    arity: 2,
    summary: 'Forgets all entries.',
    complexity: 'O(1)',
    syntax: '',
    since: '2.2.12',
    run: reset,
  },
  {
    group: 'server',
    flags: ['loading', 'stale'],
    name: 'slowlog|help',
    arity: 2,
    summary: 'Tells what the subcommands of SLOWLOG do.',
    complexity: 'O(1)',
    syntax: '',
    since: '6.2.0',
    run: ({ thread }) => helpReply(thread.catalog, 'slowlog'),
  },
]
