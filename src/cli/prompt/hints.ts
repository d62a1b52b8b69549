/**
 * What is shown behind the cursor, and what Tab offers, for a line that is being typed.
 *
 * Both are functions of the line and of what the server says of its commands. A hint stands only where the
 * line ends: in the middle of one it would cover what is there.
 *
 * Tests: test/cli/prompt/hints.test.ts
 */
import { type Expected, expectedAfter, expectedWithin, syntaxOf } from './argument-syntax.ts'
import { type CommandDoc, type CommandDocs, commandOfWords } from './command-docs.ts'
import { LOCAL_COMMANDS } from './local-commands.ts'
import { type SplitLine, splitLine } from './split-line.ts'

/** What is shown of a line. */
export interface Hint {
  /** Continues the line as it stands, with a space of its own where one is missing. */
  readonly text: string
  /** What the command does; empty: no command is typed yet. */
  readonly summary: string
}

/** What Tab offers, and the word that each offer replaces. */
export interface Completions {
  readonly offers: readonly string[]
  readonly word: string
}

const NO_HINT: Hint = { text: '', summary: '' }
const REPEAT = /^\d+$/
const SHORTEST_GUESS = 2

/** The hint for a line, all of which stands before the cursor. */
export function hintFor(docs: CommandDocs, line: string): Hint {
  const split = splitLine(line)
  if (split.isInvalid || split.openQuote !== undefined) return NO_HINT
  const words = commandWords(split)
  const [first = ''] = words
  if (first === '') return NO_HINT
  if (/^(?:help|\?)$/i.test(first)) return helpHint(split, words)
  const found = commandOfWords(docs, words)
  if (found === undefined) return guess(docs, split, words)
  const { doc, nameWords } = found
  const args = words.slice(nameWords)
  const space = split.endsInWord ? ' ' : ''
  if (doc.subcommands.size > 0) return { text: subcommandHint(doc, split, args), summary: doc.summary }
  if (args.length === 0) {
    const syntax = syntaxOf(doc.args)
    return { text: syntax === '' ? '' : space + syntax, summary: doc.summary }
  }
  const { syntax } = split.endsInWord ? expectedWithin(doc.args, args) : expectedAfter(doc.args, args)
  return { text: syntax, summary: doc.summary }
}

/** What Tab offers behind `line`, which is what stands before the cursor. */
export function completionsFor(docs: CommandDocs, line: string): Completions {
  const split = splitLine(line)
  const word = split.endsInWord ? line.slice(split.lastWordStart) : ''
  if (split.isInvalid || split.openQuote !== undefined) return { offers: [], word }
  const words = commandWords(split)
  const typed = split.endsInWord ? words : [...words, '']
  return { offers: offersFor(docs, typed, word), word }
}

function offersFor(docs: CommandDocs, typed: readonly string[], word: string): string[] {
  const [first = ''] = typed
  if (typed.length === 1) {
    const own = LOCAL_COMMANDS.filter((name) => word !== '' && name.startsWith(word.toLowerCase()))
    return [...own, ...fitting([...docs.keys()], word, word)]
  }
  if (/^(?:help|\?)$/i.test(first)) return helpOffers(docs, typed, word)
  const doc = docs.get(first.toUpperCase())
  if (doc === undefined) return []
  if (typed.length === 2 && doc.subcommands.size > 0) return fitting([...doc.subcommands.keys()], word, first)
  const found = commandOfWords(docs, typed)
  if (found === undefined) return []
  const args = typed.slice(found.nameWords)
  const { tokens }: Expected =
    word === '' ? expectedAfter(found.doc.args, args.slice(0, -1)) : expectedWithin(found.doc.args, args)
  return fitting([...new Set(tokens)], word, word === '' ? first : word)
}

function helpOffers(docs: CommandDocs, typed: readonly string[], word: string): string[] {
  const [, name = ''] = typed
  if (typed.length === 3) {
    return fitting([...(docs.get(name.toUpperCase())?.subcommands.keys() ?? [])], word, name)
  }
  if (typed.length > 3) return []
  const groups = [...new Set([...docs.values()].map(({ group }) => `@${group}`))]
  return word.startsWith('@')
    ? groups.filter((group) => group.startsWith(word.toLowerCase()))
    : fitting([...docs.keys()], word, word)
}

/** Names that begin with a word, in the case of `like`. */
function fitting(names: readonly string[], word: string, like: string): string[] {
  const upper = word.toUpperCase()
  const isLower = like !== like.toUpperCase()
  return names
    .filter((name) => name.toUpperCase().startsWith(upper))
    .map((name) => (isLower ? name.toLowerCase() : name))
}

/** The words without a count of repetitions before them. */
function commandWords({ words, endsInWord }: SplitLine): readonly string[] {
  const isCounted = REPEAT.test(words[0] ?? '') && (words.length > 1 || !endsInWord)
  return isCounted ? words.slice(1) : words
}

function helpHint({ endsInWord }: SplitLine, words: readonly string[]): Hint {
  const text = words.length > 1 ? '' : `${endsInWord ? ' ' : ''}command or @group`
  return { text, summary: 'Explains a command, or lists a group of them' }
}

/** The rest of a name that is typed in part, when only one command has it. */
function guess(docs: CommandDocs, { endsInWord }: SplitLine, words: readonly string[]): Hint {
  const [word = ''] = words
  if (!endsInWord || words.length > 1 || word.length < SHORTEST_GUESS) return NO_HINT
  const names = fitting([...docs.keys()], word, word)
  return names.length === 1 ? { text: (names[0] as string).slice(word.length), summary: '' } : NO_HINT
}

function subcommandHint(doc: CommandDoc, { endsInWord }: SplitLine, args: readonly string[]): string {
  const names = [...doc.subcommands.keys()]
  const [typed] = args
  if (typed === undefined) return `${endsInWord ? ' ' : ''}${names.join('|')}`
  if (!endsInWord || args.length > 1) return ''
  const [only, ...others] = fitting(names, typed, typed)
  return only === undefined || others.length > 0 ? '' : only.slice(typed.length)
}
