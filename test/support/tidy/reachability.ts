/**
 * What belongs together: sources and their tests, files and those who import them, comments and what they
 * name.
 *
 * A test file in `test/<layer>/` begins with the name of a source of that layer; a test of several lives in
 * another folder of `test/`. A source has a test of its name, or its head names the one that covers it. A
 * path in a comment exists. A file that nobody imports is dead, unless it is where something begins.
 *
 * Tests: test/tidy.test.ts
 */
import { importsOf } from './imports.ts'
import { type Check, CODE_PLACES, isFixture, isIn, lineAt, type Project } from './project.ts'

/** Test file → why no source has its name. */
const TESTS_OF_SEVERAL: Readonly<Record<string, string>> = {
  'test/actor/ask.race.test.ts': 'an ask passes ref, outbox, host and codec',
  'test/actor/lifecycle.race.test.ts': 'ends are told across host, lifecycle and runtime',
  'test/actor/registry.race.test.ts': 'the registry is an actor and its client',
  'test/actor/streams.race.test.ts': 'a stream is a producing and a consuming end',
  'test/server/acl/users-over-threads.race.test.ts': 'rates, logins and certificates: the whole server',
  'test/server/connection/pipeline.prop.test.ts': 'whole conversations, beside a real Redis',
  'test/server/robust/drain.race.test.ts': 'one client cannot harm another: the whole server',
  'test/server/robust/garbage.race.test.ts': 'one client cannot harm another: the whole server',
  'test/server/robust/gate.race.test.ts': 'one client cannot harm another: the whole server',
  'test/server/robust/large-values.race.test.ts': 'one client cannot harm another: the whole server',
  'test/server/robust/order.race.test.ts': 'one client cannot harm another: the whole server',
  'test/server/robust/hung-thread.race.test.ts': 'a thread that hangs: server, runtime and shards',
  'test/server/robust/keep-alive.race.test.ts': 'the kernel is asked: the whole server',
  'test/server/robust/half-open.race.test.ts': 'one client cannot harm another: the whole server',
  'test/server/robust/kill.race.test.ts': 'one client cannot harm another: the whole server',
  'test/server/robust/limits.race.test.ts': 'one client cannot harm another: the whole server',
  'test/server/robust/lost-thread.race.test.ts': 'one client cannot harm another: the whole server',
  'test/server/robust/many-connections.race.test.ts': 'one client cannot harm another: the whole server',
  'test/server/robust/unread.race.test.ts': 'one client cannot harm another: the whole server',
  'test/cli/cli.test.ts': 'the command line as a whole',
  'test/keyspace/commands/table.test.ts': 'the rows of all families',
  'test/keyspace/compat/cases.test.ts': 'public cases of every family',
  'test/keyspace/compute-once.race.test.ts': 'single flight and limiters, from their faces to their shards',
  'test/keyspace/lock-kin.prop.test.ts': 'several locks, semaphores and single flight in simulated worlds',
  'test/keyspace/locks.prop.test.ts': 'locks, from their faces to their shards, in simulated worlds',
  'test/keyspace/locks.race.test.ts': 'locks, from their faces to their shards, on real threads',
  'test/keyspace/redis/families.prop.test.ts': 'every family against a real Redis',
  'test/keyspace/redis/newer.test.ts': 'every family, where that Redis is too old',
  'test/keyspace/redis/runtime.race.test.ts': 'every family, over a runtime, against a real Redis',
  'test/server/push/lost-shard.race.test.ts': 'all that is pushed to clients, when a shard is lost',
  'test/server/push/push-redis.race.test.ts': 'all that is pushed to clients, against a real Redis',
  'test/cli/prompt/modes.test.ts': 'what `shardloom cli` does besides commands',
  'test/cli/bench.test.ts': 'the command `shardloom bench` as a whole',
  'test/keyspace/consistency/keyspace.prop.test.ts': 'histories of the whole keyspace in simulated worlds',
  'test/keyspace/consistency/keyspace.race.test.ts': 'histories of the whole keyspace on real threads',
  'test/keyspace/consistency/losses.prop.test.ts': 'what is left of the keyspace when threads are lost',
  'test/keyspace/consistency/planted-bugs.prop.test.ts': 'bugs planted anywhere, seen by the checkers',
  'test/keyspace/engine/memory-ceiling.test.ts': 'the ceiling: engine, evictor and access clocks',
  'test/keyspace/durability/durable-keyspace.race.test.ts':
    'a durable keyspace, from its options to its files',
  'test/keyspace/durability/encryption.race.test.ts': 'an encrypted keyspace, from its options to its files',
  'test/keyspace/durability/key-rotation.crash.test.ts':
    'another key, from the store of a shard to its snapshot',
  'test/keyspace/durability/histories-bugs.prop.test.ts': 'planted bugs, seen by histories over crashes',
  'test/keyspace/durability/histories.crash.prop.test.ts': 'histories of the whole keyspace over crashes',
  'test/keyspace/durability/histories.kill.race.test.ts': 'histories over processes that are killed',
  'test/keyspace/durability/kill.race.test.ts': 'processes that are killed under load',
  'test/keyspace/durability/recovery.prop.test.ts': 'journal, snapshots and replay, at every prefix of a log',
  'test/keyspace/durability/offline/encrypted-directory.test.ts':
    'all that works on files, on encrypted ones',
  'test/keyspace/durability/offline/given-up.test.ts': 'parts that will never be, for all that reads logs',
  'test/keyspace/durability/slot-orders.crash.test.ts':
    'slots that move between shards with logs, in odd orders',
  'test/keyspace/durability/slot-moves.crash.test.ts':
    'slots that move between shards with logs, cut off anywhere',
  'test/keyspace/durability/transaction-levels.test.ts': 'transactions over shards, and levels of durability',
  'test/keyspace/durability/transactions.crash.test.ts':
    'transactions over shards, and crashes at every call of their disks',
  'test/keyspace/durability/watch-over-restart.race.test.ts': 'the log, its replay, and watchers',
  'test/keyspace/faces.race.test.ts': 'the typed faces of all collections',
  'test/keyspace/sort-over-shards.race.test.ts': 'SORT, from its client to its shards',
  'test/server/clients/ioredis.race.test.ts': 'a client of others, against the whole server',
  'test/server/clients/node-redis.race.test.ts': 'a client of others, against the whole server',
  'test/server/clients/other-languages.race.test.ts': 'clients of others, against the whole server',
  'test/server/clients/redis-tools.race.test.ts': 'clients of others, against the whole server',
  'test/server/clients/stores.race.test.ts': 'stores of others, against the whole server',
  'test/server/clients/migrate.race.test.ts': 'a Redis that moves its keys, into the whole server',
  'test/server/clients/redis-cli-tls.race.test.ts': 'clients of others, against the whole server',
  'test/server/clients/redis-py.race.test.ts': 'clients of others, against the whole server',
  'test/server/commands/swapdb.race.test.ts': 'databases over shards, as clients see them',
  'test/server/connection/one-write.race.test.ts': 'from the bytes of a client to shards, and back',
  'test/cli/prompt/own-server.race.test.ts': '`shardloom cli` and the server, together',
  'test/cli/top/own-server.race.test.ts': '`shardloom top` and the server, together',
  'test/server/compat/suite-habits.race.test.ts': 'what suites of others rely on, all over the server',
  'test/server/compat/network-cases.race.test.ts': 'public cases of every family, over the network',
  'test/keyspace/keyspace.race.test.ts': 'a keyspace from its face to its shards',
  'test/keyspace/pubsub/pubsub-commands.test.ts': 'commands of a family, over the hub that serves them',
  'test/keyspace/pubsub/pubsub.race.test.ts': 'publishing, from its face to its shards',
  'test/keyspace/session.race.test.ts': 'a session over shards',
  'test/keyspace/shard/transactions.test.ts': 'a transaction at one shard: coordinator, participants, plan',
  'test/keyspace/slots.race.test.ts': 'a move of slots: exporter, keeper, routers',
  'test/keyspace/transaction.race.test.ts': 'a transaction: client, coordinator, participants',
  'test/keyspace/watch/watch-simulated.test.ts': 'watching, in simulated worlds',
  'test/keyspace/watch/watch.race.test.ts': 'watching, from its face to its shards',
  'test/memory/key-table/put-plain.test.ts': 'one search and one write section for a plain string',
  'test/runtime/close.race.test.ts': 'the end of a runtime and of its process',
  'test/runtime/thread-loss.race.test.ts': 'a loss is noticed by the pool and settled by everybody',
  'test/server/commands/own-state.race.test.ts': 'what a server tells of itself, beside a real Redis',
  'test/server/parameters/redis-texts.test.ts': 'every type of values, and CONFIG, against a real Redis',
  'test/server/parameters/types.prop.test.ts': 'every type of values, by way of the table',
  'test/server/resp/parser.fuzz.test.ts': 'the parser of requests and all that it is made of',
  'test/server/resp/round-trip.prop.test.ts': 'what the writer of replies writes and the decoder reads',
  'test/transport/link.test.ts': 'a link is a writer and a reader',
}

/** Files where something begins: package.json names them, or a script, or a path at run time. */
const ENTRY_POINTS = [
  /^src\/(?:index|actor\/public|keyspace\/public|server\/public|cli\/main|client\/index|testkit\/index)\.ts$/,
  /^workers\/(?:thread|task)-main\.ts$/,
  /^examples\/[\w-]+\/main\.ts$/,
  /^bench\/main\.ts$/,
  // Types of peers that bring none: found by the compiler, not by an import.
  /^bench\/peers\/modules\.d\.ts$/,
]

/** Paths in comments that a reader would follow. */
const PATH_IN_COMMENT = /(?<![\w/.-])(?:src|test|bench|docs|workers|examples)\/[\w\-./]*\w\.(?:ts|mjs|md)\b/g

/** Test files and sources name each other. */
export const testsCheck: Check = {
  name: 'every test has its source, and every source its test',
  run: (project) => {
    const tests = project.files.filter(
      (file) => /^test\/.+\.test\.ts$/.test(file.path) && !isFixture(file.path),
    )
    const orphans = tests.filter((file) => {
      const [, layer = ''] = file.path.split('/')
      return (
        project.paths.has(`src/${layer}`) && !sourceOf(project, file.path) && !TESTS_OF_SEVERAL[file.path]
      )
    })
    const sources = project.files.filter((file) => isIn(file.path, ['src']) && holdsCode(file.code))
    const untested = sources.filter((file) => {
      const folder = file.path.replace(/^src\//, 'test/').replace(/[^/]+$/, '')
      const name = file.path.slice(file.path.lastIndexOf('/') + 1, -'.ts'.length)
      const isNamed = /\btest\/[\w\-./*]+\.ts\b/.test(file.comments)
      return !isNamed && !tests.some((test) => test.path.startsWith(folder + name))
    })
    return [
      ...orphans.map(({ path }) => ({
        path,
        line: 1,
        text: 'no source has this name: see the head of this check',
      })),
      ...untested.map(({ path }) => ({
        path,
        line: 1,
        text: 'no test has this name, and its head names none',
      })),
    ]
  },
  badSample: {
    files: {
      'src/memory/ring.ts': 'export function ring() {}\n',
      'src/memory/gone-dark.ts': 'export function dark() {}\n',
      'src/memory/covered.ts': '/** Tests: test/memory/ring.test.ts */\nexport const a = () => 1\n',
      'src/memory/types.ts': 'export interface A { f(): void }\n',
      'test/memory/ring.test.ts': '',
      'test/memory/ring-wrap.model.test.ts': '',
      'test/memory/rung.test.ts': '',
      'test/package/whole.test.ts': '',
    },
    expected: ['test/memory/rung.test.ts:1', 'src/memory/gone-dark.ts:1'],
  },
}

/** Files that nobody imports. */
export const unusedFilesCheck: Check = {
  name: 'every file is imported, or is where something begins',
  run: (project) => {
    const files = project.files.filter((file) => isIn(file.path, CODE_PLACES) && file.code !== '')
    // Tests do not count: what only they use belongs to test/support.
    const imported = new Set(files.flatMap((file) => importsOf(project, file).map((found) => found.target)))
    return files
      .filter((file) => !imported.has(file.path) && !ENTRY_POINTS.some((entry) => entry.test(file.path)))
      .map(({ path }) => ({ path, line: 1, text: 'nobody imports this file' }))
  },
  badSample: {
    files: {
      'src/index.ts': "export { a } from './base/a.ts'\n",
      'src/base/a.ts': 'const a = 1',
      'src/base/b.ts': 'const b = 1',
      'examples/e/main.ts': "spawn(new URL('./actor.js', import.meta.url))\nimport('./later.ts')\n",
      'examples/e/actor.ts': 'const actor = 1',
      'examples/e/later.ts': 'const later = 1',
      'test/b.test.ts': "import { c } from '../src/base/c.ts'\n",
      'src/base/c.ts': 'const c = 1',
    },
    expected: ['src/base/b.ts:1', 'src/base/c.ts:1'],
  },
}

/** Paths that comments name and that are not there. */
export const commentPathsCheck: Check = {
  name: 'paths in comments exist',
  run: (project) =>
    project.files
      .filter((file) => isIn(file.path, CODE_PLACES))
      .flatMap((file) =>
        [...file.comments.matchAll(PATH_IN_COMMENT)]
          .filter((match) => !project.paths.has(match[0]))
          .map((match) => ({
            path: file.path,
            line: lineAt(file.text, match.index),
            text: `${match[0]} does not exist`,
          })),
      ),
  badSample: {
    files: {
      'src/base/a.ts':
        "/** Tests: test/base/a.test.ts, and\n * test/base/gone.test.ts */\nconst x = 'test/base/no.ts'\n",
      'test/base/a.test.ts': '',
    },
    expected: ['src/base/a.ts:2'],
  },
}

/**
 * The source that a test file is named after: the longest that fits, with words of its own behind it allowed.
 */
function sourceOf(project: Project, testPath: string): string | undefined {
  const stem = testPath.replace(/^test\//, 'src/').replace(/(?:\.[a-z]+)?\.test\.ts$/, '')
  const folder = stem.slice(0, stem.lastIndexOf('/') + 1)
  const words = stem.slice(folder.length).split('-')
  for (let count = words.length; count > 0; count--) {
    const path = `${folder}${words.slice(0, count).join('-')}.ts`
    if (project.paths.has(path)) return path
  }
  return undefined
}

/** Whether there is anything to run: a file of types, constants or names has nothing to test. */
function holdsCode(code: string): boolean {
  return /\bfunction\b|=>\s*[^;]|\bclass\b/.test(
    code.replace(/^(?:export )?(?:interface|type)\b[\s\S]*?\n(?=\S)/gm, ''),
  )
}
