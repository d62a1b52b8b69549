/** The groups of commands for the table of cases: those of the command table, and transactions. */
import { commandTable } from '../../../dist/src/keyspace/commands/index.js'

const TRANSACTIONS = ['multi', 'exec', 'discard', 'watch', 'unwatch']
const TITLES = {
  string: 'strings',
  hash: 'hashes',
  list: 'lists',
  set: 'sets',
  sorted_set: 'sorted sets',
  generic: 'keys and expiry',
  pubsub: 'publish and subscribe',
  server: 'server',
}

/** The group of a command; undefined: none that is known. */
export function groupOf(command) {
  if (TRANSACTIONS.includes(command)) return 'transactions'
  // One with subcommands has a row for each of these.
  const row =
    commandTable.get(command) ?? commandTable.rows.find(({ name }) => name.startsWith(`${command}|`))
  return row && TITLES[row.group]
}
