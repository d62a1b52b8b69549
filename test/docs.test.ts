/**
 * The examples of the documentation compile: those of every page, and the `@example`s of the sources.
 *
 * Each page is a folder of its own in one program, and `shardloom` is this clone's sources. A block that
 * begins with `// name.ts` is that file, so that blocks of a page can import each other; any other block is a
 * module by itself. What a page's examples take as given stands in a comment of the page,
 * `<!-- examples:given … -->`, which readers do not see.
 *
 * Compiled by the TypeScript that is installed, with the settings of the clone. Unused names are allowed: an
 * example shows how to get a value, not what to do with it.
 */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
const PAGES = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', ...filesBelow('docs', '.md')]
const SOURCES = filesBelow('src', '.ts')
const BLOCK = /^```ts\n(.*?)^```/gms
const GIVEN = /<!-- examples:given\n(.*?)-->/gs
const COMPILE_LIMIT_MS = 120_000

const folder = mkdtempSync(join(tmpdir(), 'shardloom-docs-'))

afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('examples are found as they should be', () => {
  const page =
    '<!-- examples:given\nlet a = 1\n-->\n```ts\n// b.ts\nb()\n```\n```sh\nno\n```\n```ts\nc()\n```\n'
  expect(examplesOf('docs/a.md', page).map(({ path, text }) => [path, text])).toEqual([
    ['docs/a.md/given-0.ts', 'let a = 1\nexport {}\n'],
    ['docs/a.md/b.ts', '// b.ts\nb()\nexport {}\n'],
    ['docs/a.md/example-1.ts', 'c()\nexport {}\n'],
  ])
  const source = '/**\n   * @example\n   * ```ts\n   * d()\n   * ```\n   */\n'
  expect(examplesOf('src/d.ts', source).map(({ text }) => text)).toEqual(['d()\nexport {}\n'])
})

test(
  'every example compiles',
  async () => {
    const examples = [...PAGES, ...SOURCES].flatMap((path) => examplesOf(path, readPage(path)))
    expect(examples.some(({ path }) => path.startsWith('README.md/'))).toBe(true)
    expect(examples.some(({ path }) => path.startsWith('src/'))).toBe(true)
    expect(new Set(examples.map(({ path }) => path)).size).toBe(examples.length)
    for (const { path, text } of examples) write(path, text)
    write('package.json', '{ "type": "module" }\n')
    write('tsconfig.json', JSON.stringify(settings()))
    expect(await compile()).toBe('')
  },
  COMPILE_LIMIT_MS,
)

interface Example {
  readonly path: string
  readonly text: string
}

function examplesOf(path: string, text: string): Example[] {
  const isPage = path.endsWith('.md')
  const prose = isPage ? text : text.replaceAll(/^\s*\* ?/gm, '')
  const given = isPage ? [...prose.matchAll(GIVEN)] : []
  return [
    ...given.map((match, i) => exampleAt(`${path}/given-${i}.ts`, match[1] as string)),
    ...[...prose.matchAll(BLOCK)].map((match, i) => {
      const body = match[1] as string
      return exampleAt(`${path}/${/^\/\/ ([\w-]+\.ts)\n/.exec(body)?.[1] ?? `example-${i}.ts`}`, body)
    }),
  ]
}

/** A module, whatever it holds: two examples may use one name. */
function exampleAt(path: string, body: string): Example {
  return { path, text: `${body}export {}\n` }
}

function settings(): object {
  return {
    extends: join(ROOT, 'tsconfig.json'),
    compilerOptions: {
      noEmit: true,
      declaration: false,
      declarationMap: false,
      noUnusedLocals: false,
      noUnusedParameters: false,
      rootDir: '/',
      typeRoots: [join(ROOT, 'node_modules', '@types')],
      paths: {
        shardloom: [join(ROOT, 'src', 'index.ts')],
        'shardloom/actor': [join(ROOT, 'src', 'actor', 'public.ts')],
        'shardloom/client': [join(ROOT, 'src', 'client', 'index.ts')],
        'shardloom/testing': [join(ROOT, 'src', 'testkit', 'index.ts')],
        // What a program would depend on by itself.
        comlink: [join(ROOT, 'node_modules', 'comlink', 'dist', 'umd', 'comlink.d.ts')],
      },
    },
    include: ['**/*.ts'],
  }
}

/** What the compiler has to say, with paths as they stand here. */
function compile(): Promise<string> {
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
  return new Promise((resolve) => {
    execFile(process.execPath, [tsc, '-p', '.', '--pretty', 'false'], { cwd: folder }, (error, out, err) => {
      resolve(out + err || (error === null ? '' : error.message))
    })
  })
}

function write(path: string, text: string): void {
  const target = join(folder, path)
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(target, text)
}

function filesBelow(place: string, ending: string): string[] {
  return readdirSync(join(ROOT, place), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(ending))
    .map((path) => `${place}/${path.replaceAll('\\', '/')}`)
}

function readPage(path: string): string {
  return existsSync(join(ROOT, path)) ? readFileSync(join(ROOT, path), 'utf8') : ''
}
