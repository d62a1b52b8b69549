/**
 * Words that code must not use, each with what to write in their place.
 *
 * Time, chance, output and the end of the process come in by argument, so that tests own them; each has one
 * file that wraps the real thing. Comments and strings may speak of anything; only unfinished work may not be
 * noted there.
 *
 * Tests: test/tidy.test.ts
 */
import { type Check, isFixture, isIn, lineAt, type Problem, type ProjectFile } from './project.ts'

interface BannedWord {
  readonly pattern: RegExp
  readonly instead: string
  /** Places where the rule holds. */
  readonly within: readonly string[]
  /** Places where the real thing is wrapped, or has a reason to be. */
  readonly except?: readonly string[]
  /** Whether it holds for files that tests load only, and not for tests. */
  readonly isOfSupport?: true
}

const OURS = ['src', 'workers']
const ALL = ['src', 'workers', 'examples', 'bench', 'test']

const BANNED_WORDS: readonly BannedWord[] = [
  {
    pattern: /\bDate\.now\b|\bnew Date\(\)/,
    instead: 'clock.nowMs()',
    within: OURS,
    except: ['src/base/clock.ts'],
  },
  {
    pattern: /\bMath\.random\b/,
    instead: 'a Random by argument',
    within: OURS,
    except: ['src/base/random.ts'],
  },
  {
    pattern: /(?<!\.)\bset(?:Timeout|Interval)\b/,
    instead: 'clock.after()',
    within: OURS,
    // keep-alive.ts wants the handle that holds a process, not the time.
    except: ['src/base/clock.ts', 'src/runtime/keep-alive.ts'],
  },
  {
    pattern: /\bnew (?:Type|Range|Syntax|Aggregate)?Error\(/,
    instead: 'ShardloomError with a code',
    within: OURS,
    // The codec builds again what another thread threw, whatever its class.
    except: ['src/base/errors.ts', 'src/codec'],
  },
  { pattern: /\bconsole\b/, instead: 'an event, or a stream by argument', within: OURS, except: ['src/cli'] },
  { pattern: /\bprocess\.exit\b(?!Code)/, instead: 'process.exitCode', within: OURS, except: ['src/cli'] },
  { pattern: /\bAtomics\.waitAsync\b/, instead: 'the doorbell: it keeps no process alive', within: OURS },
  { pattern: /\bas unknown as\b/, instead: 'a type guard, or a type that says what it is', within: ['src'] },
  { pattern: /\bexport default\b/, instead: 'a named export', within: OURS },
  { pattern: /\b(?:const )?enum\s+\w+\s*\{/, instead: 'a union of string literals', within: ALL },
  {
    // Files that share a process share this module, whose hooks are those of the first file only.
    pattern: /(?<=^|\n)(?:before|after)(?:Each|All)\(/,
    instead: 'onTestFinished, or a function that the test file gives to its hook',
    within: ['test'],
    except: ['test/support/free-memory.ts'],
    isOfSupport: true,
  },
  { pattern: /\.only\(/, instead: 'the whole suite', within: ['test'] },
  {
    pattern: /\bcatch\s*(?:\([^)]*\)\s*)?\{\s*\}/,
    instead: 'handle it, or say in a comment why not',
    within: ALL,
  },
]

const ANY = /(?:[:<,|&(]\s*|\bas\s+)any\b(?!\s*[:(])/g
const UNFINISHED = /\b(?:FIXME|TODO|XXX)\b/g

/** Banned words, `any` without a reason, and notes of unfinished work. */
export const bannedWordsCheck: Check = {
  name: 'no banned words',
  run: (project) =>
    project.files
      .filter((file) => file.code !== '' && !isFixture(file.path))
      .flatMap((file) => [...findBanned(file), ...findAny(file), ...findUnfinished(file)]),
  badSample: {
    files: {
      'src/base/clock.ts': 'setTimeout(f, 1)\nDate.now()\n',
      'src/actor/a.ts': [
        "const text = 'Date.now() and console' // Date.now() in words is fine",
        'const t = Date.now()',
        'setTimeout(f, 1)',
        'clock.setTimeout(f, 1)',
        "throw new Error('x')",
        "throw new ShardloomError('x')",
        'try { f() } catch {}',
        'try { f() } catch { /* The port is closed: nobody waits. */ }',
        'const a: any = 1',
        '// biome-ignore lint/suspicious/noExplicitAny: handlers are contravariant.',
        'type Any = Map<string, any>',
        ['const `x$', '{Math.random()} console`'].join(''),
        '// FIXME later',
        'const r = a / b / /console/.exec(c)',
        'enum Kind {}',
        'process.exitCode = process.exit(1)',
      ].join('\n'),
      'test/a.test.ts': "test.only('x', f)\nconsole.log(1)\nafterEach(g)\n",
      'test/support/a.ts': 'function f() {\n  afterEach(g)\n}\nafterEach(g)\n',
    },
    expected: [
      'src/actor/a.ts:2',
      'src/actor/a.ts:12',
      'src/actor/a.ts:3',
      'src/actor/a.ts:5',
      'src/actor/a.ts:16',
      'src/actor/a.ts:15',
      'src/actor/a.ts:7',
      'src/actor/a.ts:9',
      'src/actor/a.ts:13',
      'test/a.test.ts:1',
      'test/support/a.ts:4',
    ],
  },
}

function findBanned(file: ProjectFile): Problem[] {
  return BANNED_WORDS.flatMap(({ pattern, instead, within, except = [], isOfSupport }) => {
    if (!isIn(file.path, within) || isIn(file.path, except)) return []
    if (isOfSupport && file.path.endsWith('.test.ts')) return []
    return findAll(file, file.code, new RegExp(pattern, 'g'))
      .filter(({ text, offset }) => !holdsComment(file, text, offset))
      .map(({ text, line }) => ({ path: file.path, line, text: `${oneLine(text)}: write ${instead}` }))
  })
}

/** An empty block that holds a comment says why it is empty. */
function holdsComment(file: ProjectFile, text: string, offset: number): boolean {
  return file.comments.slice(offset, offset + text.length).trim() !== ''
}

/** `any` is allowed where Biome was told the reason, on the line above. */
function findAny(file: ProjectFile): Problem[] {
  if (!file.path.endsWith('.ts')) return []
  const comments = file.comments.split('\n')
  return findAll(file, file.code, ANY)
    .filter(({ line }) => !comments[line - 2]?.includes('biome-ignore lint/suspicious/noExplicitAny: '))
    .map(({ line }) => ({ path: file.path, line, text: 'any: write unknown, or the type' }))
}

function findUnfinished(file: ProjectFile): Problem[] {
  return findAll(file, file.comments, UNFINISHED).map(({ line, text }) => ({
    path: file.path,
    line,
    text: `${text}: finish it, or make it an issue`,
  }))
}

function findAll(file: ProjectFile, where: string, pattern: RegExp) {
  return [...where.matchAll(pattern)].map((match) => ({
    text: match[0],
    offset: match.index,
    line: lineAt(file.text, match.index),
  }))
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}
