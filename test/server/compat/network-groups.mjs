/** The groups of commands for the table of cases over the network: the keyspace's, and the server's own. */
import { serverCommands } from '../../../dist/src/server/commands/table.js'
import { groupOf as groupOfKeyspace } from '../../keyspace/compat/groups.mjs'

const TITLES = {
  connection: 'connections',
  pubsub: 'publish and subscribe',
  scripting: 'functions',
  server: 'server',
  transactions: 'transactions',
}

/** The group of a command; undefined: none that is known. */
export function groupOf(command) {
  const found = groupOfKeyspace(command)
  if (found !== undefined) return found
  const row = serverCommands.find(({ name }) => name === command || name.startsWith(`${command}|`))
  return row && TITLES[row.group]
}
