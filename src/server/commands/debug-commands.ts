/**
 * DEBUG: what the public test suites of Redis and of its clients use, where `enable-debug-command` allows it.
 *
 * What would crash the server, or look into structures that there are none of here, is no subcommand. What
 * only sets something that has no meaning here is taken.
 *
 * Tests: test/server/commands/own-state.race.test.ts
 * Source: DEBUG of Redis 7.0.15
 */
import {
  type Argument,
  byteString,
  ErrorReply,
  err,
  globMatches,
  isInteger64,
  NO_SUCH_KEY,
  NOT_INTEGER,
  OK,
  type Reply,
  StatusReply,
  strtod,
} from '../../keyspace/engine/index.ts'
import { changeShards, shardFigures, snapshotAll } from '../../keyspace/serving/index.ts'
import { datasetDigest, valueDigest } from '../report/index.ts'
import { type ServerReply, VerbatimReply } from '../resp/index.ts'
import { DEBUG_HELP } from './debug-help.ts'
import { debugObject, debugStringLengths } from './debug-object.ts'
import { protocolReply } from './debug-protocol.ts'
import { isLocalClient } from './local-client.ts'
import type { CommandResult, ServerCommand, ServerThread, Session } from './server-command.ts'

const NOT_ALLOWED = err(
  'DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a ' +
    'local connection, otherwise you need to set this option in the configuration file, and then restart ' +
    'the server.',
)
const NOT_POSITIVE = err('value is out of range, must be positive')
const BAD_DATABASE = err('Out of range database')
const POPULATE_CHUNK = 1000

/** A subcommand: the least and the most arguments behind it, and what it does. */
interface Subcommand {
  readonly least: number
  readonly most: number
  run(session: Session, args: readonly Argument[]): CommandResult
}

function taken(least: number, most: number = least): Subcommand {
  return { least, most, run: () => OK }
}

function sleep({ thread }: Session, [seconds]: readonly Argument[]): CommandResult {
  const ms = (strtod(byteString(seconds!)) ?? 0) * 1000
  const { clock } = thread
  const dueMs = clock.nowMs() + ms
  return new Promise((resolve) => {
    // A timer of Node's may fire a fraction of a millisecond early; a sleep is never too short.
    const wait = (): void => {
      const leftMs = dueMs - clock.nowMs()
      if (leftMs > 0) clock.after(Math.max(1, leftMs), wait, { unref: true })
      else resolve(OK)
    }
    wait()
  })
}

async function activeExpire({ thread }: Session, [word]: readonly Argument[]): Promise<ServerReply> {
  await changeShards(thread.client, { expiresActively: byteString(word!) !== '0' })
  return OK
}

async function reload({ thread }: Session, args: readonly Argument[]): Promise<ServerReply> {
  const words = args.map((word) => byteString(word).toUpperCase())
  if (!words.every((word) => ['MERGE', 'NOFLUSH', 'NOSAVE'].includes(word))) {
    return err('DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.')
  }
  if (thread.facts.isDurable && !words.includes('NOSAVE')) await snapshotAll(thread.client)
  return OK
}

function runner(thread: ServerThread): (argv: readonly Argument[], db: number) => Promise<Reply> {
  return (argv, db) => thread.call(argv, db)
}

async function digest({ thread }: Session): Promise<ServerReply> {
  const shards = await shardFigures(thread.client)
  const used = shards.flatMap(({ databases }) => databases.filter(({ keys }) => keys > 0))
  const databases = [...new Set(used.map(({ db }) => db))].sort((one, other) => one - other)
  return new StatusReply(await datasetDigest(runner(thread), databases))
}

async function digestValues({ thread, db }: Session, keys: readonly Argument[]): Promise<ServerReply> {
  const digests = await Promise.all(keys.map((key) => valueDigest(runner(thread), key, db)))
  return digests.map((hex) => new StatusReply(hex))
}

async function populate({ thread, db }: Session, args: readonly Argument[]): Promise<ServerReply> {
  const [countWord, prefix = 'key', sizeWord = '0'] = args.map(byteString)
  if (!/^\d{1,12}$/.test(countWord!) || !/^\d{1,9}$/.test(sizeWord)) return NOT_POSITIVE
  const [count, size] = [Number(countWord), Number(sizeWord)]
  for (let from = 0; from < count; from += POPULATE_CHUNK) {
    const chunk = Array.from({ length: Math.min(POPULATE_CHUNK, count - from) }, (_, i) => {
      const value = `value:${from + i}`
      const filled = size === 0 ? value : value.slice(0, size).padEnd(size, '\0')
      return thread.call(['SET', `${prefix}:${from + i}`, filled, 'NX'], db)
    })
    const refused = (await Promise.all(chunk)).find((reply) => reply instanceof ErrorReply)
    if (refused !== undefined) return refused as ErrorReply
  }
  return OK
}

function structure(encoding: string, title: string): Subcommand['run'] {
  return async ({ thread, db }, [key]) => {
    const found = await thread.call(['OBJECT', 'ENCODING', key!], db)
    if (found === null) return NO_SUCH_KEY
    if (found !== encoding) return err(`Not a ${encoding} encoded object.`)
    return new StatusReply(`${title} structure printed on stdout`)
  }
}

async function tableStats({ thread }: Session, [word]: readonly Argument[]): Promise<ServerReply> {
  const text = byteString(word!)
  if (!isInteger64(text)) return NOT_INTEGER
  const number = Number(text)
  if (number < 0 || number >= thread.parameters.get('databases')) return BAD_DATABASE
  const found = (await shardFigures(thread.client)).flatMap(({ databases }) => databases)
  const parts = found.filter(({ db }) => db === number)
  const sum = (of: (part: (typeof parts)[number]) => number): number =>
    parts.reduce((total, part) => total + of(part), 0)
  const table = (title: string, count: number): string =>
    `[${title} HT]\nHash table 0 stats (main hash table):\n` +
    ` table size: ${count}\n number of elements: ${count}\n`
  const keys = table(
    'Dictionary',
    sum((part) => part.keys),
  )
  return new VerbatimReply(
    keys +
      table(
        'Expires',
        sum((part) => part.volatileKeys),
      ),
  )
}

/** Prints it as it is: the first word is the code. */
function errorOf(text: string): ErrorReply {
  const line = text.replaceAll(/[\r\n]/g, ' ')
  const blank = line.indexOf(' ')
  return blank < 0 ? new LoneError(line, '') : new ErrorReply(line.slice(0, blank), line.slice(blank + 1))
}

/** An error of one word. */
class LoneError extends ErrorReply {
  override get text(): string {
    return this.code
  }
}

const SUBCOMMANDS: Readonly<Record<string, Subcommand>> = {
  help: { least: 0, most: 0, run: () => DEBUG_HELP },
  sleep: { least: 1, most: 1, run: sleep },
  object: {
    least: 1,
    most: 2,
    run: ({ thread, db }, [key]) => debugObject(thread, key!, db),
  },
  sdslen: { least: 1, most: 1, run: ({ thread, db }, [key]) => debugStringLengths(thread, key!, db) },
  digest: { least: 0, most: 0, run: digest },
  'digest-value': { least: 0, most: Number.POSITIVE_INFINITY, run: digestValues },
  protocol: {
    least: 1,
    most: 1,
    run: (session, [kind]) => protocolReply(session, byteString(kind!).toLowerCase()),
  },
  error: { least: 1, most: 1, run: (_session, [text]) => errorOf(byteString(text!)) },
  log: {
    least: 1,
    most: 1,
    run({ thread }, [text]) {
      thread.log('warn', 'DEBUG LOG', { text: byteString(text!) })
      return OK
    },
  },
  populate: { least: 1, most: 3, run: populate },
  reload: { least: 0, most: 3, run: reload },
  loadaof: { least: 0, most: 0, run: (session) => reload(session, []) },
  listpack: { least: 1, most: 1, run: structure('listpack', 'Listpack') },
  quicklist: { least: 1, most: 2, run: structure('quicklist', 'Quicklist') },
  htstats: { least: 1, most: 2, run: tableStats },
  'set-active-expire': { least: 1, most: 1, run: activeExpire },
  'stringmatch-len': {
    least: 2,
    most: 2,
    run(_session, [length, pattern]) {
      const text = 'a'.repeat(Math.min(1 << 20, Number(byteString(length!)) || 0))
      globMatches(byteString(pattern!), text)
      return OK
    },
  },
  'stringmatch-test': {
    least: 0,
    most: 0,
    run: () => new StatusReply('Apparently Redis did not crash: test passed'),
  },
  jmap: taken(0),
  'change-repl-id': taken(0),
  'quicklist-packed-threshold': taken(1),
  'set-skip-checksum-validation': taken(1),
  'set-disable-deny-scripts': taken(1),
  'dict-resizing': taken(1),
  'pause-cron': taken(1),
  replybuffer: taken(2),
  replicate: taken(1, Number.POSITIVE_INFINITY),
  'aof-flush-sleep': taken(1),
  'client-enforce-reply-list': taken(1),
}

function debug(session: Session, argv: readonly Argument[]): CommandResult {
  const allowed = session.thread.parameters.get('enableDebugCommand')
  if (allowed === 'no' || (allowed === 'local' && !isLocalClient(session))) return NOT_ALLOWED
  const name = byteString(argv[1]!)
  const found = Object.hasOwn(SUBCOMMANDS, name.toLowerCase()) ? SUBCOMMANDS[name.toLowerCase()] : undefined
  const args = argv.slice(2)
  if (found === undefined || args.length < found.least || args.length > found.most) {
    return err(`unknown subcommand or wrong number of arguments for '${name}'. Try DEBUG HELP.`)
  }
  return found.run(session, args)
}

export const debugCommands: readonly ServerCommand[] = [
  {
    name: 'debug',
    arity: -2,
    flags: ['admin', 'noscript', 'loading', 'stale'],
    group: 'server',
    summary: 'Things that tests need, and nobody else.',
    complexity: 'Depends on the subcommand',
    syntax: '',
    since: '1.0.0',
    differs:
      'SLEEP holds up its own client alone. RELOAD makes a snapshot, and nothing without a directory. ' +
      'Nothing crashes the server.',
    run: debug,
  },
]
