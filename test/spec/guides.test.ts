/**
 * The programs of the guides and of the README do what they say: each is run as it stands.
 *
 * A block that begins with `// name.ts` is a module of that name, which the programs of its page may load.
 * Any other block of a guide is a program, and of the README each that creates a runtime. Those that connect
 * to a server find one, in which others publish and write.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { transformSync } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestServer, testServer } from '../support/server.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const GUIDES = readdirSync(join(ROOT, 'docs', 'guides')).map((name) => join('docs', 'guides', name))
const PROGRAM_LIMIT_MS = 30_000
const folder = mkdtempSync(join(tmpdir(), 'shardloom-guides-'))

const SERVER_SOCKET = join(folder, 'server.sock')
const OTHERS_MS = 20
let server: TestServer
let others: NodeJS.Timeout

beforeAll(async () => {
  server = await testServer({ serve: { unixSocket: SERVER_SOCKET } })
  const { keyspace } = server.runtime
  others = setInterval(() => {
    void keyspace.publish('news', 'end')
    void keyspace.set('order:last', 'sent')
  }, OTHERS_MS)
})

afterAll(async () => {
  clearInterval(others)
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

const OPERATIONS = 'docs/guides/operations.md'
const programs = ['README.md', ...GUIDES].flatMap(programsOf)

test.each(programs)(
  'program $i of $page',
  async ({ path }) => {
    await import(pathToFileURL(path).href)
  },
  PROGRAM_LIMIT_MS,
)

test('there are some in every guide', () => {
  for (const page of GUIDES) {
    // Of commands: test/cli/storage/storage-command.test.ts runs them.
    if (page === OPERATIONS) continue
    expect(programs.filter((program) => program.page === page).length, page).toBeGreaterThan(2)
  }
  expect(programs.filter(({ page }) => page === 'README.md').length).toBeGreaterThan(1)
})

/** Writes the blocks of a page as modules; gives those that are programs. */
function programsOf(page: string): { page: string; i: number; path: string }[] {
  const place = join(folder, page)
  mkdirSync(place, { recursive: true })
  writeFileSync(join(place, 'package.json'), '{ "type": "module" }\n')
  const text = readFileSync(join(ROOT, page), 'utf8')
  const blocks = [...text.matchAll(/^```ts\n(.*?)^```/gms)].map((match) => match[1] as string)
  return blocks.flatMap((block, i) => {
    const name = /^\/\/ ([\w-]+)\.ts\n/.exec(block)?.[1]
    const path = join(place, `${name ?? `program-${i}`}.js`)
    const { code } = transformSync(block, { loader: 'ts', format: 'esm' })
    writeFileSync(path, withPaths(code))
    const isProgram = name === undefined && (page !== 'README.md' || block.includes('await createRuntime('))
    return isProgram ? [{ page, i: i + 1, path }] : []
  })
}

/** Imports of packages, made those of this clone. */
function withPaths(code: string): string {
  const dist = (path: string) => JSON.stringify(pathToFileURL(join(ROOT, 'dist', 'src', path)).href)
  const comlink = pathToFileURL(createRequire(import.meta.url).resolve('comlink')).href
  return code
    .replaceAll(/"shardloom\/testing"/g, dist('testkit/index.js'))
    .replaceAll(/"shardloom\/client"/g, dist('client/index.js'))
    .replaceAll(/"shardloom:\/\/localhost(:6379)?(\/0)?"/g, JSON.stringify(`unix:${SERVER_SOCKET}`))
    .replaceAll(/"shardloom\/actor"/g, dist('actor/public.js'))
    .replaceAll(/"shardloom"/g, dist('index.js'))
    .replaceAll(/"comlink"/g, JSON.stringify(comlink))
}
