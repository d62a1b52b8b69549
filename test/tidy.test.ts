/**
 * The house rules, as a test: directions of imports, banned words, heads, lengths, names, dead files, pages.
 *
 * Each check proves itself first on a sample that breaks it; then the clone must pass. To add one: write it
 * in test/support/tidy/ as a `Check` with its sample, and add it to CHECKS.
 */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ERROR_CODES } from '../src/base/index.ts'
import { expectGolden } from './support/golden.ts'
import { bannedWordsCheck } from './support/tidy/banned-words.ts'
import { renderErrorPage, usedCodesCheck } from './support/tidy/error-page.ts'
import { headsCheck, indexFilesCheck, lengthsCheck, namesCheck } from './support/tidy/file-shape.ts'
import { cyclesCheck, layersCheck } from './support/tidy/layers.ts'
import { markdownCheck } from './support/tidy/markdown.ts'
import { projectOf, readProject } from './support/tidy/project.ts'
import { commentPathsCheck, testsCheck, unusedFilesCheck } from './support/tidy/reachability.ts'
import { scan } from './support/tidy/scan.ts'
import { wrapComments } from './support/tidy/wrap-comments.mjs'

const ROOT = join(import.meta.dirname, '..')
const CHECKS = [
  layersCheck,
  cyclesCheck,
  bannedWordsCheck,
  headsCheck,
  lengthsCheck,
  namesCheck,
  indexFilesCheck,
  testsCheck,
  unusedFilesCheck,
  commentPathsCheck,
  markdownCheck,
  usedCodesCheck,
]
const project = readProject(ROOT)

describe.each(CHECKS)('$name', ({ run, badSample }) => {
  test('its bad sample is flagged', () => {
    const sample = projectOf(badSample.files)
    const folders = [...sample.paths].flatMap((path) =>
      path.split('/').map((_, i, parts) => parts.slice(0, i).join('/')),
    )
    const found = run(projectOf(badSample.files, new Set(folders)))
    expect(found.map(({ path, line }) => `${path}:${line}`)).toEqual(badSample.expected)
  })

  test('the clone is tidy', () => {
    const found = run(project).map(({ path, line, text }) => `${path}:${line} ${text}`)
    expect(found).toEqual([])
  })
})

test('docs/reference/errors.md lists every error code, and nothing else', () => {
  expectGolden(join(ROOT, 'docs', 'reference', 'errors.md'), renderErrorPage(ERROR_CODES))
})

test('the scanner tells code, strings and comments apart', () => {
  const text = ["a('s // s') // c 's'", 'b(`t @{x /* c */ + `u @{y}`} t`) / 2 / /[\'"/]/.test(z)'].join('\n')
  const { code, comments } = scan(text.replaceAll('@', '$'))
  expect(code.replaceAll('$', '@').replace(/ +/g, ' ')).toBe("a(' ') \nb(` @{x + ` @{y}`} `) / 2 / .test(z)")
  expect(comments.replace(/ +/g, ' ')).toBe(" // c 's'\n /* c */ ")
  expect([code.length, comments.length]).toEqual([text.length, text.length])
})

test('the wrapper fills wide prose, and leaves drawings and what fits alone', () => {
  const wide = 'word '.repeat(30).trim()
  const text = [
    '  /**',
    `   * ${wide}`,
    '   * Tests: test/tidy.test.ts',
    '   *',
    '   * short',
    '   * lines',
    `   * - ${wide}`,
    `   *     ${wide}`,
    `   * ${wide} | ${wide}`,
    '   */',
    `  /** ${wide} */`,
  ].join('\n')
  const [first, rest] = [`${'word '.repeat(21)}`.trim(), 'word '.repeat(9).trim()]
  expect(wrapComments(text).split('\n')).toEqual([
    '  /**',
    `   * ${first}`,
    `   * ${rest}`,
    '   * Tests: test/tidy.test.ts',
    '   *',
    '   * short',
    '   * lines',
    `   * - ${first.slice(5)}`,
    `   *   ${rest} word`,
    `   *     ${wide}`,
    `   * ${wide} | ${wide}`,
    '   */',
    '  /**',
    `   * ${first}`,
    `   * ${rest}`,
    '   */',
  ])
})
