/**
 * The imports of a file, found in its text, and the files that they name.
 *
 * Three kinds: `static` (`import … from`, `export … from`), `dynamic` (`import('…')`, also in types) and
 * `url` (`new URL('./x.js', import.meta.url)`, how an actor module is named). A relative `.js` means the
 * `.ts` beside it.
 *
 * Tests: test/tidy.test.ts
 */
import { lineAt, type Project, type ProjectFile } from './project.ts'

/** One import. */
export interface Import {
  readonly specifier: string
  readonly kind: 'static' | 'dynamic' | 'url'
  readonly isTypeOnly: boolean
  readonly line: number
  /** The file of the project that it names, when it is relative. It may not exist. */
  readonly target: string | undefined
}

const NAMES = String.raw`(?:\*(?:\s+as\s+\w+)?|\w+(?:\s*,\s*\{[^}]*\})?|\{[^}]*\})`
const STATIC = new RegExp(
  String.raw`^\s*(?:import|export)\s+(type\s+)?(${NAMES})\s*from\s*(['"])|^\s*import\s*(['"])`,
  'gm',
)
const DYNAMIC = /\bimport\s*\(\s*(['"])/g
const ACTOR_URL = /\bnew URL\(\s*(['"])\s*\1\s*,\s*import\.meta\.url/g

const cache = new WeakMap<ProjectFile, readonly Import[]>()

/** All imports of a file, in the order of kinds, then lines. */
export function importsOf(project: Project, file: ProjectFile): readonly Import[] {
  const known = cache.get(file)
  if (known) return known
  const found: Import[] = []
  const add = (kind: Import['kind'], match: RegExpMatchArray, quote: string, isTypeOnly: boolean): void => {
    const start = (match.index ?? 0) + match[0].indexOf(quote) + 1
    const specifier = file.text.slice(start, file.code.indexOf(quote, start))
    const target = specifier.startsWith('.') ? resolveImport(project, file.path, specifier) : undefined
    found.push({ specifier, kind, isTypeOnly, line: lineAt(file.text, start), target })
  }
  for (const match of file.code.matchAll(STATIC)) {
    const names = match[2] ?? ''
    const isTypeOnly = match[1] !== undefined || /^\{\s*type\s[^,]*(,\s*type\s[^,]*)*,?\s*\}$/.test(names)
    add('static', match, (match[3] ?? match[4]) as string, isTypeOnly)
  }
  for (const match of file.code.matchAll(DYNAMIC)) add('dynamic', match, match[1] as string, false)
  for (const match of file.code.matchAll(ACTOR_URL)) add('url', match, match[1] as string, false)
  cache.set(file, found)
  return found
}

function resolveImport(project: Project, from: string, specifier: string): string {
  const path = joinPath(from.slice(0, from.lastIndexOf('/') + 1), specifier)
  const source = path.replace(/\.js$/, '.ts')
  return project.paths.has(source) ? source : path
}

/** Joins a folder (with its `/`, or empty) and a relative path. */
export function joinPath(folder: string, relative: string): string {
  const parts: string[] = []
  for (const part of `${folder}${relative}`.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '.' && part !== '') parts.push(part)
  }
  return parts.join('/')
}
