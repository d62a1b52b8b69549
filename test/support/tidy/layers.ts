/**
 * Direction: who may import whom, as data. The drawing is in docs/ARCHITECTURE.md.
 *
 * An allow-list and not a rank, because a rank alone would let `storage` import `runtime`. Across folders
 * only `../x/index.ts` is imported: what it names is what others may use. There are no cycles between files,
 * and types count, since a cycle of types is a cycle in the reader's head. Some modules of Node and some
 * packages have one home each, so that what they bring (threads, files, sockets) enters in one place.
 *
 * Tests: test/tidy.test.ts
 */
import { importsOf } from './imports.ts'
import { type Check, CODE_PLACES, isFixture, isIn, type Project } from './project.ts'

/**
 * Room → rooms that it may import. A room is a folder of `src/`, or one within it that has narrower rules.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  memory: ['base'],
  codec: ['base'],
  storage: ['base', 'codec'],
  observe: ['base', 'memory'],
  transport: ['base', 'memory', 'codec'],
  actor: ['base', 'memory', 'codec', 'transport', 'observe'],
  runtime: ['base', 'memory', 'codec', 'transport', 'actor', 'observe'],
  'supervise/policy': ['base'],
  supervise: ['base', 'codec', 'actor', 'runtime', 'observe'],
  'keyspace/engine': ['base', 'memory', 'codec'],
  'keyspace/commands': ['base', 'keyspace/engine', 'keyspace/portable'],
  'keyspace/transactions': ['base'],
  'keyspace/durability': ['base', 'storage', 'keyspace/engine'],
  'keyspace/portable': ['base', 'codec', 'keyspace/engine'],
  keyspace: ['base', 'memory', 'codec', 'storage', 'transport', 'actor', 'runtime', 'supervise', 'observe'],
  events: ['base', 'codec', 'storage', 'actor', 'supervise', 'observe'],
  'server/resp': ['base', 'codec', 'keyspace/engine'],
  'server/catalog': ['base', 'keyspace/engine', 'keyspace/commands'],
  'server/acl': ['base', 'keyspace/engine', 'server/catalog'],
  'server/parameters': ['base', 'keyspace/engine'],
  'server/listen': ['base'],
  server: [
    ...['base', 'codec', 'storage', 'actor', 'runtime', 'supervise', 'events', 'observe'],
    ...['keyspace', 'keyspace/engine', 'keyspace/commands'],
    ...['server/resp', 'server/catalog', 'server/acl', 'server/parameters', 'server/listen'],
  ],
  client: ['base', 'keyspace', 'keyspace/engine', 'keyspace/commands'],
  host: [
    'base',
    'runtime',
    'supervise',
    'keyspace',
    'keyspace/engine',
    'server',
    'server/parameters',
    'observe',
  ],
  admin: ['base', 'host', 'supervise', 'keyspace', 'events', 'observe'],
  cli: [
    ...['base', 'actor', 'runtime', 'supervise', 'keyspace', 'keyspace/durability', 'keyspace/portable'],
    ...['server', 'server/resp', 'server/parameters', 'client', 'host'],
  ],
  dashboard: ['base'],
  testkit: [
    'base',
    'memory',
    'codec',

    'observe',
    'transport',
    'actor',
    'runtime',
    'supervise',
    'keyspace',
    'events',
  ],
}

/** Module → places that may import it. */
const HOMES: readonly { modules: RegExp; places: readonly string[] }[] = [
  { modules: /^(?:node:)?worker_threads$/, places: ['src/runtime', 'src/transport', 'workers'] },
  {
    modules: /^(?:node:)?fs(?:\/promises)?$/,
    places: ['src/storage', 'src/host', 'src/cli', 'src/runtime', 'src/server'],
  },
  {
    modules: /^(?:node:)?(?:net|tls|http|https|http2)$/,
    // A lock on a directory is a socket that the kernel closes with its process.
    places: ['src/server', 'src/admin', 'src/cli', 'src/client', 'src/storage/directory-lock.ts'],
  },
  // A program may be asked for the key that files are encrypted with.
  // A listening socket is given to another thread by way of a process that inherits it.
  { modules: /^(?:node:)?child_process$/, places: ['src/storage/key-command.ts', 'src/server/listen'] },
  { modules: /^(?:@redis\/client|cockatiel)/, places: ['src/client'] },
  { modules: /^pino/, places: ['src/host'] },
  { modules: /^smol-toml/, places: ['src/host'] },
  { modules: /^(?:node:)?(?:cluster|vm)$/, places: [] },
  { modules: /^msgpackr/, places: ['src/codec'] },
  { modules: /^xstate/, places: ['src/supervise'] },
  { modules: /^comlink/, places: ['src/supervise'] },
  { modules: /^piscina/, places: ['src/supervise', 'workers'] },
]

/** Which imports cross a border that they may not cross. */
export const layersCheck: Check = {
  name: 'folders import only downwards, and only what an index.ts names',
  run: (project) =>
    codeFiles(project).flatMap((file) =>
      importsOf(project, file).flatMap(({ specifier, target, line, kind }) => {
        const text =
          target === undefined
            ? forbiddenModule(file.path, specifier)
            : forbiddenFile(project, file.path, target)
        return text === undefined || kind === 'url' ? [] : [{ path: file.path, line, text }]
      }),
    ),
  badSample: {
    files: {
      'src/base/index.ts': "export { a } from './a.ts'\n",
      'src/base/a.ts': "import { m } from '../memory/index.ts'\n",
      'src/memory/index.ts': "import { a } from '../base/a.ts'\nimport { b } from './gone.ts'\n",
      'src/codec/index.ts': "import { isMainThread } from 'node:worker_threads'\nimport 'node:buffer'\n",
      'src/runtime/index.ts':
        "import { Worker } from 'node:worker_threads'\nimport { x } from '../base/index.ts'\n",
      'examples/e/main.ts': "import { a } from '../../src/base/index.ts'\nimport { b } from 'shardloom'\n",
    },
    expected: [
      'examples/e/main.ts:1',
      'src/base/a.ts:1',
      'src/codec/index.ts:1',
      'src/memory/index.ts:1',
      'src/memory/index.ts:2',
    ],
  },
}

/** Which files import each other in a circle. */
export const cyclesCheck: Check = {
  name: 'no import cycles, types included',
  run: (project) => {
    const edges = new Map(
      codeFiles(project).map((file) => {
        const targets = importsOf(project, file).filter((found) => found.kind !== 'url' && found.target)
        return [file.path, targets.map((found) => found.target as string)] as const
      }),
    )
    return findCycles(edges).map((cycle) => ({
      path: cycle[0] as string,
      line: 1,
      text: `imports itself, a circle: ${cycle.join(' → ')}: move what both need to a third file`,
    }))
  },
  badSample: {
    files: {
      'src/base/a.ts': "import type { B } from './b.ts'\n",
      'src/base/b.ts': "import { c } from './c.ts'\n",
      'src/base/c.ts': "export type A = import('./a.ts').A\n",
      'src/base/d.ts': "import { c } from './c.ts'\n",
    },
    expected: ['src/base/a.ts:1'],
  },
}

function codeFiles(project: Project) {
  return project.files.filter((file) => isIn(file.path, CODE_PLACES) && !isFixture(file.path))
}

function forbiddenModule(path: string, specifier: string): string | undefined {
  if (!isIn(path, ['src', 'workers'])) return undefined
  const home = HOMES.find(({ modules }) => modules.test(specifier))
  if (!home || isIn(path, home.places)) return undefined
  return `${specifier} belongs to ${home.places.join(', ') || 'nobody'}: take what you need by argument`
}

function forbiddenFile(project: Project, path: string, target: string): string | undefined {
  if (!project.paths.has(target)) return `imports ${target}, which does not exist`
  const from = roomOf(path)
  const to = roomOf(target)
  if (from === to) return undefined
  if (path.startsWith('examples/')) return "examples import 'shardloom' and files of their own, like any user"
  if (to.startsWith(`${from}/`) && !target.endsWith('/index.ts'))
    return `import ${to}/index.ts, not ${target}`
  if (!/^src\/.+\/index\.ts$/.test(target)) {
    // A thread starts from `workers/`, which is the other end of `runtime/`: it loads what it needs, and no
    // more.
    if ((from === 'workers' && to === 'runtime') || (from === 'runtime' && to === 'workers')) return undefined
    return `import the index.ts of ${to}, not ${target}`
  }
  const allowed = MAY_IMPORT[from]
  if (!path.startsWith('src/') || path === 'src/index.ts') return undefined
  if (!allowed) return `src/${from} has no row in the table of test/support/tidy/layers.ts`
  if (allowed.includes(to) || to.startsWith(`${from}/`)) return undefined
  return `${from} may import ${allowed.join(', ') || 'nothing'}, not ${to}`
}

function roomOf(path: string): string {
  const parts = path.split('/')
  if (parts[0] !== 'src') return parts[0] === 'examples' ? parts.slice(0, 2).join('/') : (parts[0] as string)
  const nested = parts.slice(1, 3).join('/')
  return nested in MAY_IMPORT ? nested : parts.length > 2 ? (parts[1] as string) : 'index'
}

/** One circle for each group of files that reach each other, as short as any through the first of them. */
function findCycles(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const seen = new Set<string>()
  const cycles: string[][] = []
  for (const start of edges.keys()) {
    if (seen.has(start)) continue
    const cycle = shortestWayBack(edges, start)
    if (!cycle) continue
    cycles.push(cycle)
    // The others of the group would tell of the same knot.
    for (const file of edges.keys()) {
      if (reaches(edges, start, file) && reaches(edges, file, start)) seen.add(file)
    }
  }
  return cycles
}

function shortestWayBack(edges: ReadonlyMap<string, readonly string[]>, start: string): string[] | undefined {
  const cameFrom = walk(edges, start)
  const last = [...cameFrom.keys()].find((file) => edges.get(file)?.includes(start))
  if (last === undefined) return undefined
  const path = [start]
  for (let file: string | undefined = last; file !== undefined && file !== start; file = cameFrom.get(file)) {
    path.splice(1, 0, file)
  }
  return [...path, start]
}

function reaches(edges: ReadonlyMap<string, readonly string[]>, from: string, to: string): boolean {
  return walk(edges, from).has(to)
}

/** Every file that `start` reaches, nearest first, with the file that it was reached from. */
function walk(edges: ReadonlyMap<string, readonly string[]>, start: string): Map<string, string | undefined> {
  const cameFrom = new Map<string, string | undefined>([[start, undefined]])
  for (const file of cameFrom.keys()) {
    for (const next of edges.get(file) ?? []) if (!cameFrom.has(next)) cameFrom.set(next, file)
  }
  return cameFrom
}
