/**
 * INFO, and SHARDLOOM.HOTKEYS: what the server as a whole does, over all threads and shards.
 *
 * Tests: test/server/commands/info-commands.race.test.ts
 */
import { type Argument, byteString, err, MapReply, SYNTAX_ERROR } from '../../keyspace/engine/index.ts'
import { hashSlotOf } from '../../keyspace/serving/index.ts'
import {
  gatherInfo,
  HOT_TOPIC,
  type HotKey,
  hottestOf,
  infoText,
  needsOf,
  wantedSections,
} from '../report/index.ts'
import { type ServerReply, VerbatimReply } from '../resp/index.ts'
import type { ServerCommand, Session } from './server-command.ts'

const HOT_KEYS = 10
/** As many as a thread counts. */
const HOT_KEYS_MAX = 128

async function info({ thread }: Session, argv: readonly Argument[]): Promise<ServerReply> {
  const sections = wantedSections(argv.slice(1).map(byteString))
  return new VerbatimReply(infoText(sections, await gatherInfo(thread, needsOf(sections))))
}

async function hotKeys({ thread }: Session, argv: readonly Argument[]): Promise<ServerReply> {
  let count = HOT_KEYS
  if (argv.length > 1) {
    if (argv.length !== 3 || byteString(argv[1]!).toUpperCase() !== 'COUNT') return SYNTAX_ERROR
    const word = byteString(argv[2]!)
    count = /^\d{1,9}$/.test(word) ? Number(word) : 0
    if (count < 1) return err('value is out of range, must be positive')
  }
  const threads = await thread.peers.ask<readonly HotKey[]>(HOT_TOPIC, HOT_KEYS_MAX)
  const { memory } = thread.client
  return hottestOf(threads, count).map(
    ({ db, key, perSecond }) =>
      new MapReply([
        ...['key', key, 'db', db],
        ...['shard', memory.ownerOf(hashSlotOf(key)), 'commands-per-second', Math.round(perSecond)],
      ]),
  )
}

export const infoCommands: readonly ServerCommand[] = [
  {
    name: 'info',
    arity: -1,
    flags: ['loading', 'stale'],
    group: 'server',
    summary: 'Tells what the server is, does and holds.',
    complexity: 'O(N) with N threads, shards and commands that were called',
    syntax: '[section [section ...]]',
    since: '1.0.0',
    differs:
      'There are the sections shards, threads, durability, locks and audit, which all and everything ' +
      'include. used_memory is that of keys and values, as maxmemory counts it.',
    run: info,
  },
  {
    name: 'shardloom.hotkeys',
    arity: -1,
    flags: ['readonly', 'admin', 'noscript'],
    group: 'server',
    summary: 'Tells the keys that are used most, by samples of the commands.',
    complexity: 'O(N) with N threads',
    syntax: '[COUNT count]',
    since: '0.4.0',
    categories: ['keyspace'],
    run: hotKeys,
  },
]
