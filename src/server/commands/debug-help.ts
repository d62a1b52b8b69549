/**
 * What DEBUG HELP says. Tests: test/server/commands/own-state.race.test.ts
 */
import { StatusReply } from '../../keyspace/engine/index.ts'

const LINES: readonly string[] = [
  'DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:',
  'CHANGE-REPL-ID',
  '    Is taken: there are no replicas.',
  'DIGEST',
  '    Output a hex signature representing the current DB content.',
  'DIGEST-VALUE <key> [<key> ...]',
  '    Output a hex signature of the values of all the specified keys.',
  'ERROR <string>',
  '    Return a Redis protocol error with <string> as message. Useful for clients',
  '    unit tests to simulate Redis errors.',
  'HTSTATS <dbid>',
  '    Return how many keys, and how many with an expiry, a database has.',
  'LISTPACK <key>',
  '    Tell whether a value would be kept as a listpack.',
  'LOG <message>',
  '    Write <message> to the server log.',
  'OBJECT <key>',
  '    Show low level info about `key` and associated value.',
  'POPULATE <count> [<prefix>] [<size>]',
  '    Create <count> string keys named key:<num>. If <prefix> is specified then',
  "    it is used instead of the 'key' prefix.",
  'PROTOCOL <type>',
  '    Reply with a test value of the specified type. <type> can be: string,',
  '    integer, double, bignum, null, array, set, map, attrib, push, verbatim,',
  '    true, false.',
  'QUICKLIST <key>',
  '    Tell whether a value would be kept as a quicklist.',
  'RELOAD [option ...]',
  '    Make a snapshot, where there is a directory.',
  'SDSLEN <key>',
  '    Show the lengths of a key and of its string.',
  'SET-ACTIVE-EXPIRE <0|1>',
  '    Setting it to 0 disables expiring keys in background when they are not',
  '    accessed. Setting it to 1 reenables back the default.',
  'SLEEP <seconds>',
  '    Answer after <seconds>. Decimals allowed. Other clients do not wait.',
  'HELP',
  '    Prints this help.',
]

export const DEBUG_HELP: readonly StatusReply[] = LINES.map((line) => new StatusReply(line))
