/**
 * How a file looks from outside: its name, its head, its length, its lines.
 *
 * A reader who opens any file learns from the first lines what it is for. In `memory/` the head says who
 * writes and who reads, since that is the whole correctness of shared memory. The limit on length is a
 * question, not a law: a file with a good answer stands in LONG_FILES with it, and that list may only shrink.
 *
 * Tests: test/tidy.test.ts
 */
import {
  type Check,
  CODE_PLACES,
  isFixture,
  isIn,
  lineAt,
  type Project,
  type ProjectFile,
} from './project.ts'

const LINES_MAX = 400
const COLUMNS_MAX = 110
const HEAD_LETTERS_MIN = 20
const MEMORY_WORDS = ['Writer', 'Readers', 'Invariants', 'Tests']
const FILE_NAME = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+)*$/
/** Names that tools or customs give. A class of Java is in a file of its name. */
const CUSTOM_NAMES = /^(?:(?:README|CHANGELOG|CONTRIBUTING|LICENSE|[A-Z]+)\.md|[A-Z]\w*\.java)$/

/** File → the lines that it may have, and why it is one idea all the same. */
const LONG_FILES: Readonly<Record<string, { linesMax: number; reason: string }>> = {
  'src/actor/actor-host.ts': { linesMax: 560, reason: 'what becomes of one message, from arrival to answer' },
  'src/actor/actor-lifecycle.ts': { linesMax: 440, reason: 'the one path that every end takes' },
  'src/actor/actor-system.ts': { linesMax: 580, reason: 'the wiring of a thread: many short delegations' },
  'src/actor/outbox.ts': { linesMax: 550, reason: 'every way to send, over one table of pending asks' },
  'src/base/error-codes.ts': { linesMax: 600, reason: 'one table: a row per code, and nothing else' },
  'src/keyspace/engine/shard-engine.ts': { linesMax: 535, reason: 'one command, from its row to its commit' },
  'src/keyspace/shard/coordinator.ts': {
    linesMax: 510,
    reason: 'one transaction, with every way it may fail',
  },
  'test/support/consistency/workload.mjs': { linesMax: 500, reason: 'one random client, for every thread' },
  'src/runtime/runtime.ts': { linesMax: 530, reason: 'the public face, half of it documentation' },
}

/** Every file of code says first what it is. */
export const headsCheck: Check = {
  name: 'every file begins with a comment that says what it is',
  run: (project) =>
    codeFiles(project).flatMap((file) => {
      const head = headOf(file)
      const letters = head.replace(/[^a-z]/gi, '').length
      if (letters < HEAD_LETTERS_MIN) {
        return [{ path: file.path, line: 1, text: 'no head comment: say what the file is, and why' }]
      }
      if (!isMemoryFile(file)) return []
      const missing = MEMORY_WORDS.filter((word) => !new RegExp(`\\b${word}\\b`).test(head))
      if (missing.length === 0) return []
      return [{ path: file.path, line: 1, text: `the head does not say: ${missing.join(', ')}` }]
    }),
  badSample: {
    files: {
      'src/base/a.ts': "import { b } from './b.ts'\n/** What this file is about, too late. */\n",
      'src/base/b.ts': '/** What this file is about, in time. */\n',
      'src/cli/main.ts': '#!/usr/bin/env node\n/** What this file is about, below the first line. */\n',
      'src/memory/words.ts': '/** Words. Writer: one. Readers: any. */\nnew SharedArrayBuffer(8)\n',
    },
    expected: ['src/base/a.ts:1', 'src/memory/words.ts:1'],
  },
}

/** Lengths of files, and widths of lines. */
export const lengthsCheck: Check = {
  name: `files have at most ${LINES_MAX} lines of at most ${COLUMNS_MAX} columns`,
  run: (project) => [
    ...project.files
      .filter((file) => file.code !== '' && !isFixture(file.path))
      .flatMap((file) => [...longFile(file), ...longLines(file)]),
    ...Object.keys(LONG_FILES)
      .filter((path) => project.paths.size > 100 && !project.paths.has(path))
      .map((path) => ({ path, line: 1, text: 'is gone: remove it from LONG_FILES' })),
  ],
  badSample: {
    files: {
      'src/base/wide.ts': `${'é'.repeat(COLUMNS_MAX)}\n${'e'.repeat(COLUMNS_MAX + 1)}\n`,
      'src/base/long.ts': 'a\n'.repeat(LINES_MAX + 1),
      'src/base/fits.ts': 'a\n'.repeat(LINES_MAX),
    },
    expected: ['src/base/long.ts:1', 'src/base/wide.ts:2'],
  },
}

/** Names of files: words, lower case, hyphens. */
export const namesCheck: Check = {
  name: 'file names are kebab-case',
  run: (project) =>
    [...project.paths]
      .filter((path) => isIn(path, [...CODE_PLACES, 'test', 'docs']) && !isFixture(path))
      .filter((path) => {
        const name = path.slice(path.lastIndexOf('/') + 1)
        return !FILE_NAME.test(name) && !CUSTOM_NAMES.test(name)
      })
      .map((path) => ({ path, line: 1, text: 'name it in lower case with hyphens' })),
  badSample: {
    files: {
      'src/base/ringBuffer.ts': '',
      'src/base/ring_buffer.ts': '',
      'src/memory/ring-2.model.test.ts': '',
      'docs/ARCHITECTURE.md': '',
      'docs/decisions/0001-one-package.md': '',
    },
    expected: ['src/base/ringBuffer.ts:1', 'src/base/ring_buffer.ts:1'],
  },
}

const EXPORTED_NAMES = /export\s+(?:type\s+)?\{[^}]*\}\s*from\s*'[^']*'/g
const EXPORTED_NAMES_OR_STAR = /export\s+(?:type\s+)?(?:\{[^}]*\}|\*)\s*from\s*'[^']*'/g
/**
 * What users import: here every name is written out, so that the surface grows in a diff that a person sees.
 */
const PUBLIC_ENTRIES = ['src/index.ts', 'src/actor/index.ts', 'src/testkit/index.ts']

/** An index.ts only names what others may use. */
export const indexFilesCheck: Check = {
  name: 'index.ts holds names only, and a public one no star',
  run: (project) =>
    codeFiles(project)
      .filter((file) => /^src\/(?:.+\/)?index\.ts$/.test(file.path))
      .flatMap((file) => {
        const names = PUBLIC_ENTRIES.includes(file.path) ? EXPORTED_NAMES : EXPORTED_NAMES_OR_STAR
        const rest = file.code.replace(names, (match) => match.replace(/[^\n]/g, ' '))
        const at = rest.search(/\S/)
        if (at === -1) return []
        return [{ path: file.path, line: lineAt(rest, at), text: 'name what is exported, and nothing else' }]
      }),
  badSample: {
    files: {
      'src/index.ts': "/** Names. */\nexport { a, type B } from './a.ts'\nexport * from './c.ts'\n",
      'src/base/index.ts': "export * from './c.ts'\nexport const d = 1\n",
      'src/codec/index.ts': "export type { B } from './b.ts'\nexport {\n  a,\n} from './a.ts'\n",
    },
    expected: ['src/base/index.ts:2', 'src/index.ts:3'],
  },
}

function codeFiles(project: Project): ProjectFile[] {
  return project.files.filter((file) => isIn(file.path, CODE_PLACES) && file.code !== '')
}

/** The comment that the file begins with, or nothing. */
function headOf(file: ProjectFile): string {
  const start = file.text.startsWith('#!') ? file.text.indexOf('\n') + 1 : 0
  if (!/^\s*\/[/*]/.test(file.text.slice(start))) return ''
  const end = file.code.slice(start).search(/\S/)
  return file.comments.slice(start, end === -1 ? undefined : start + end)
}

function isMemoryFile(file: ProjectFile): boolean {
  return (
    isIn(file.path, ['src/memory']) &&
    !file.path.endsWith('/index.ts') &&
    /\bSharedArrayBuffer\b/.test(file.code)
  )
}

function longFile(file: ProjectFile) {
  const lines = file.text.split('\n').length - (file.text.endsWith('\n') ? 1 : 0)
  const exception = LONG_FILES[file.path]
  if (exception && lines <= LINES_MAX) {
    return [{ path: file.path, line: 1, text: 'is short again: remove it from LONG_FILES' }]
  }
  const linesMax = exception?.linesMax ?? LINES_MAX
  if (lines <= linesMax) return []
  return [
    { path: file.path, line: 1, text: `${lines} lines, allowed ${linesMax}: what is the second idea in it?` },
  ]
}

function longLines(file: ProjectFile) {
  return file.text.split('\n').flatMap((text, index) => {
    const columns = [...text].length
    // A link cannot be wrapped.
    if (columns <= COLUMNS_MAX || /https?:\/\/\S{40,}/.test(text)) return []
    return [{ path: file.path, line: index + 1, text: `${columns} columns, allowed ${COLUMNS_MAX}` }]
  })
}
