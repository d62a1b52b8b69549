/**
 * What the tidy checks look at: every file of the clone, read once, with its code and its comments told
 * apart.
 *
 * A check is a pure function over this, so that it can be shown a bad sample in place of the clone. `code`
 * and `comments` have the length of `text`: what does not belong is blanked, line breaks stay, and an offset
 * means the same in all three. So a word in a string is not a use of it, and a check that wants the string
 * reads it from `text` at the offset of its quotes.
 *
 * Tests: test/tidy.test.ts
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { scan } from './scan.ts'

/** One file; paths are relative to the root and use `/`. */
export interface ProjectFile {
  readonly path: string
  readonly text: string
  /** `text` with comments and the contents of strings blanked. Empty for files that are not code. */
  readonly code: string
  /** `text` with all but comments blanked. Empty for files that are not code. */
  readonly comments: string
}

/** All that a check may look at. */
export interface Project {
  readonly files: readonly ProjectFile[]
  /** Files and folders that exist, also those that are not read. */
  readonly paths: ReadonlySet<string>
}

/** Something that is not tidy, and where. */
export interface Problem {
  readonly path: string
  readonly line: number
  readonly text: string
}

/** One rule: what it says, how it looks, and what it must find in a sample that breaks it. */
export interface Check {
  readonly name: string
  run(project: Project): Problem[]
  readonly badSample: {
    readonly files: Readonly<Record<string, string>>
    /** `path:line` of every problem, in order. Lines that are not listed are fine. */
    readonly expected: readonly string[]
  }
}

const SKIPPED_FOLDERS = new Set(['node_modules', 'dist', '.git', 'coverage'])
const CODE = /\.(?:ts|mjs|cjs|js)$/
const READ = /\.(?:ts|mjs|cjs|js|md|json)$/

/** Reads the clone. */
export function readProject(root: string): Project {
  const contents: Record<string, string> = {}
  const paths = new Set<string>()
  const visit = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (SKIPPED_FOLDERS.has(entry.name)) continue
      paths.add(path)
      if (entry.isDirectory()) visit(path)
      else if (READ.test(entry.name)) contents[path] = readFileSync(join(root, path), 'utf8')
    }
  }
  visit('')
  return projectOf(contents, paths)
}

/** A project made of the given contents, for samples. */
export function projectOf(contents: Readonly<Record<string, string>>, paths = new Set<string>()): Project {
  const files = Object.entries(contents).map(([path, text]) => {
    paths.add(path)
    return CODE.test(path) ? { path, text, ...scan(text) } : { path, text, code: '', comments: '' }
  })
  files.sort((a, b) => (a.path < b.path ? -1 : 1))
  return { files, paths }
}

/** The 1-based line of an offset. */
export function lineAt(text: string, offset: number): number {
  let line = 1
  for (let i = text.indexOf('\n'); i !== -1 && i < offset; i = text.indexOf('\n', i + 1)) line++
  return line
}

/** Whether a path lies in one of the folders, or is one of the files. */
export function isIn(path: string, places: readonly string[]): boolean {
  return places.some((place) => path === place || path.startsWith(`${place}/`))
}

/** The parts of a clone that hold TypeScript of ours. */
export const CODE_PLACES = ['src', 'workers', 'examples', 'bench']

/** Whether a path is an input of package tests: an application of somebody else, as far as rules go. */
export function isFixture(path: string): boolean {
  return path.includes('/fixtures/')
}
