/**
 * The page of commands, written from the command table, and from the list of those that Redis 7.2 has.
 *
 * What Redis has and we have not is listed with what will bring it: a name that is in neither list fails the
 * test, so that the page leaves nothing out in silence.
 *
 * Tests: test/keyspace/commands/table.test.ts (`UPDATE=1 npm test -- test/keyspace/commands/table.test.ts`
 * writes the page again)
 */
import type { CommandSpec } from '../../../src/keyspace/engine/index.ts'

/** Names by the groups of Redis' documentation. */
export type RedisGroups = Readonly<Record<string, readonly string[]>>

const TITLES: Readonly<Record<CommandSpec['group'], string>> = {
  string: 'Strings',
  hash: 'Hashes',
  list: 'Lists',
  set: 'Sets',
  sorted_set: 'Sorted sets',
  generic: 'Keys',
  pubsub: 'Publish and subscribe',
  limit: 'Limits',
  lock: 'Locks, semaphores and leases',
  server: 'Server',
}

/** What a session does itself: no rows of the table, since no shard runs them. */
const SESSION: Readonly<Record<string, string>> = {
  multi: 'Begins a transaction: commands are queued until `EXEC`.',
  exec: 'Runs the queued commands as one, over any shards; null when a watched key has changed.',
  discard: 'Forgets the queued commands and the watched keys.',
  watch: [
    'Lets `EXEC` run nothing if one of the keys changes before.',
    'One that was missing, and is missing again by then, has not changed; in Redis it has.',
  ].join(' '),
  unwatch: 'Forgets the watched keys.',
  select: 'Selects a database.',
  reset: 'Forgets everything of the session: database, transaction, watched keys.',
  quit: 'The same.',
}

/** Groups of Redis of which nothing is there yet → what brings them. */
const LATER: Readonly<Record<string, string>> = {
  bitmap: 'bit operations',
  hyperloglog: 'HyperLogLog',
  geo: 'geo',
  stream: 'streams',
  scripting: 'scripting',
  connection: 'nothing: there is no use for it',
  server: 'replication, or modules',
  cluster: 'several machines; shards of one process need no cluster',
}

/** Single commands that are left out of a group → what brings them, or why nothing will. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  migrate: 'several machines',
}

/** A command of the server, as the page shows it. */
export interface ServerRow {
  readonly name: string
  readonly syntax: string
  readonly summary: string
  readonly differs?: string
}

/** The page. @throws Error when a command of Redis is neither there nor known to be left out */
export function renderCommandPage(
  rows: readonly CommandSpec[],
  redis: RedisGroups,
  server: readonly ServerRow[],
): string {
  const shown = rows.filter(({ flags }) => !flags.includes('internal'))
  const sections = Object.entries(TITLES).map(([group, title]) => {
    const own = shown.filter((row) => row.group === group)
    return `## ${title}\n\n${own.map(sectionOf).join('\n')}`
  })
  const session = Object.entries(SESSION).map(([name, text]) => `- \`${name.toUpperCase()}\`: ${text}`)
  return `# Commands

<!-- Generated from src/keyspace/commands: change the rows there, then run
     UPDATE=1 npm test -- test/keyspace/commands/table.test.ts -->

Every command of the keyspace: \`keyspace.command('SET', 'key', 'value')\`, or a typed method for most of
them. Names, arguments, replies and errors are those of Redis 7.2, unless a command says how it differs; a
test compares random sequences with a real server. \`Since\` is the version of Redis that has the command, or
ours.

${comparison([...shown, ...server], redis)}
## Sessions

\`keyspace.session()\` is a caller with a state of its own, as a connection is. It also has:

${session.join('\n')}

${sections.join('\n')}
## Of the server

What a connection, a thread or the whole server answers itself, over the network only. \`COMMAND DOCS\` has
the same.

| command | what it does |
| --- | --- |
${server.map(serverLine).join('\n')}
`
}

function serverLine({ name, syntax, summary }: ServerRow): string {
  const shown = [titleOf(name), syntax].join(' ').trim().replaceAll('|', '\\|')
  return `| \`${shown}\` | ${summary} |`
}

function sectionOf({ name, syntax, summary, complexity, since, differs }: CommandSpec): string {
  const lines = [
    `### ${titleOf(name)}`,
    '',
    `\`${[titleOf(name), syntax].join(' ').trim()}\``,
    '',
    summary,
    '',
    `- Cost: ${complexity}.`,
    `- Since: ${since}.`,
    ...(differs === undefined ? [] : [`- Differs from Redis: ${differs}`]),
    '',
  ]
  return lines.join('\n')
}

/** Against Redis' own list. */
function comparison(rows: readonly ServerRow[], redis: RedisGroups): string {
  const names = new Set([...rows.map(({ name }) => name), ...Object.keys(SESSION)])
  // A container is there when its subcommands are.
  for (const { name } of rows) if (name.includes('|')) names.add(name.split('|')[0]!)
  const all = new Set(Object.values(redis).flat())
  const counts = Object.entries(redis).map(([group, own]) => {
    const here = own.filter((name) => names.has(name)).length
    return `| ${group} | ${own.length} | ${here} |`
  })
  const missing = Object.entries(redis).flatMap(([group, own]) => {
    const left = own.filter((name) => !names.has(name))
    const reasons = [...new Set(left.map((name) => reasonOf(name, group)))]
    return reasons.map((reason) => {
      const some = left.filter((name) => reasonOf(name, group) === reason)
      return `| ${group} | ${some.map((name) => `\`${titleOf(name)}\``).join(', ')} | ${reason} |`
    })
  })
  const differing = rows.filter(({ name, differs }) => differs !== undefined && all.has(name))
  const own = rows.filter(({ name }) => !all.has(name)).map(({ name }) => `\`${titleOf(name)}\``)
  const total = Object.values(redis).flat()
  return `## Against Redis 7.2

Of the ${total.length} names that \`COMMAND LIST\` of Redis 7.2 has, subcommands among them,
${total.filter((name) => names.has(name)).length} are here.

| group of Redis | names | here |
| --- | ---: | ---: |
${counts.join('\n')}

### Here, and different

| command | how, and why |
| --- | --- |
${differing.map(({ name, differs }) => `| \`${titleOf(name)}\` | ${differs} |`).join('\n')}

Throughout: numbers that stand for positions and counts are exact up to 2^53, and times end there.

### Left out

| group of Redis | commands | come with |
| --- | --- | --- |
${missing.join('\n')}

### Not in Redis 7.2

${own.join(', ')}.
`
}

function reasonOf(name: string, group: string): string {
  const reason = LEFT_OUT[name] ?? LATER[group]
  if (reason === undefined)
    throw new Error(`${name} is in Redis 7.2, and neither here nor listed as left out`)
  return reason
}

function titleOf(name: string): string {
  return name.toUpperCase().replace('|', ' ')
}
