/** `help` at the prompt. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { plainPaint } from '../../../src/cli/connection/paint.ts'
import { type CommandDocs, NO_DOCS } from '../../../src/cli/prompt/command-docs.ts'
import { helpText } from '../../../src/cli/prompt/help.ts'
import { docsOf, type PortedRedis, startPorted } from './captured-cli.ts'

let redis: PortedRedis | undefined
let docs: CommandDocs = NO_DOCS

beforeAll(async () => {
  redis = await startPorted()
  if (redis !== undefined) docs = await docsOf(redis)
})

afterAll(() => redis?.server.stop())

test('a command, a subcommand, a container', ({ skip }) => {
  if (redis === undefined) return skip()
  expect(helpText(docs, ['get'], plainPaint)).toBe(
    '\n  GET key\n  summary: Get the value of a key\n  since: 1.0.0\n  group: string\n  complexity: O(1)\n\n',
  )
  expect(helpText(docs, ['object', 'freq'], plainPaint)).toMatch(/^\n {2}OBJECT FREQ key\n {2}summary: /)
  expect(helpText(docs, ['OBJECT'], plainPaint)).toContain('  OBJECT ENCODING|FREQ|HELP|IDLETIME|REFCOUNT\n')
})

test('a group lists its commands by name', ({ skip }) => {
  if (redis === undefined) return skip()
  const names = [...helpText(docs, ['@hyperloglog'], plainPaint).matchAll(/^ {2}([A-Z]+) /gm)].map(
    ([, name]) => name,
  )
  expect(names).toEqual(
    ['PFADD', 'PFCOUNT', 'PFDEBUG', 'PFMERGE', 'PFSELFTEST'].filter((n) => names.includes(n)),
  )
  expect(names).toContain('PFADD')
})

test('what is not known is said', ({ skip }) => {
  if (redis === undefined) return skip()
  expect(helpText(docs, ['nope'], plainPaint)).toBe('No help on NOPE: there is no such command here\n')
  expect(helpText(docs, ['get', 'nope'], plainPaint)).toContain('No help on GET NOPE')
  expect(helpText(docs, ['@nope'], plainPaint)).toContain('groups: @')
})

test('alone it explains the prompt, also without a server', () => {
  expect(helpText(NO_DOCS, [], plainPaint)).toContain(':set hints | nohints')
})

test('groups stand in lines of whole words', () => {
  const names = Array.from({ length: 20 }, (_, i) => `group-${String(i).padStart(2, '0')}`)
  const doc = { name: '', summary: '', since: '', complexity: '', args: [], subcommands: NO_DOCS }
  const docs = new Map(names.map((group) => [group, { ...doc, group }]))
  const lines = helpText(docs, [], plainPaint).split('\ngroups: ')[1]!.split('\n')
  expect(lines.flatMap((line) => line.trim().split(' ')).slice(0, -1)).toEqual(
    names.map((name) => `@${name}`),
  )
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(80)
})
