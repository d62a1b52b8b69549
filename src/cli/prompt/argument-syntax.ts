/**
 * What a command still takes, given the words that are typed: syntax as redis-cli writes it, and the tokens
 * that may come next.
 *
 * The words are matched against the tree of arguments from left to right and never back: an optional argument
 * takes a word when the word fits, several in a row in any order, and a required one takes what comes. That
 * is what the commands do with their arguments, or near enough for a hint; words that fit nowhere get none.
 *
 * Cost: the words times the arguments at each level; a fraction of a millisecond for any real command.
 * Tests: test/cli/prompt/argument-syntax.test.ts
 */
import type { ArgumentDoc } from './command-docs.ts'

/** What may follow. */
export interface Expected {
  /** `[NX|XX] [GET]`; empty: nothing, or the words fit nowhere. */
  readonly syntax: string
  /** Tokens that may be the next word. */
  readonly tokens: readonly string[]
}

const NOTHING: Expected = { syntax: '', tokens: [] }
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i
const NUMBER_TYPES = ['integer', 'double', 'unix-time']

/** How far a part of the tree came. */
interface Match {
  /** The first word that it did not take. */
  readonly at: number
  /** What it takes yet, when the words have ended. */
  readonly syntax: string
  readonly tokens: readonly string[]
  /** Something that it must have is missing. */
  readonly isOpen: boolean
}

/** The whole syntax of arguments. */
export function syntaxOf(args: readonly ArgumentDoc[]): string {
  return args.map(argumentSyntax).join(' ')
}

/** What may follow `words`, which are complete. */
export function expectedAfter(args: readonly ArgumentDoc[], words: readonly string[]): Expected {
  const { at, syntax, tokens } = matchSequence(args, words, 0)
  return at < words.length ? NOTHING : { syntax, tokens }
}

/**
 * What may follow `words`, the last of which is being typed: when it begins a token, the rest of that comes
 * first.
 */
export function expectedWithin(args: readonly ArgumentDoc[], words: readonly string[]): Expected {
  const before = words.slice(0, -1)
  const last = words.at(-1) ?? ''
  const upper = last.toUpperCase()
  const { tokens } = expectedAfter(args, before)
  const begun = last === '' ? [] : tokens.filter((token) => token.toUpperCase().startsWith(upper))
  const isWhole = begun.some((token) => token.length === last.length)
  const whole = begun[0]
  if (isWhole || whole === undefined) {
    const { syntax } = expectedAfter(args, words)
    return { syntax: syntax === '' ? '' : ` ${syntax}`, tokens: begun }
  }
  const { syntax } = expectedAfter(args, [...before, whole])
  const rest = whole.slice(last.length)
  const cased = last === upper ? rest : rest.toLowerCase()
  return { syntax: `${cased}${syntax === '' ? '' : ` ${syntax}`}`, tokens: begun }
}

function argumentSyntax(arg: ArgumentDoc): string {
  const value = valueSyntax(arg)
  const head = arg.token === undefined || arg.type === 'pure-token' ? '' : `${tokenText(arg)} `
  const text = head + value + moreSyntax(arg)
  return arg.isOptional ? `[${text}]` : text
}

/** The argument once, without its token. */
function valueSyntax(arg: ArgumentDoc): string {
  if (arg.type === 'pure-token') return tokenText(arg)
  if (arg.type === 'oneof') return arg.parts.map(argumentSyntax).join('|')
  return arg.type === 'block' ? syntaxOf(arg.parts) : arg.name
}

/** ` [key ...]` of what may come again. */
function moreSyntax(arg: ArgumentDoc): string {
  if (!arg.isMultiple) return ''
  const head = arg.isTokenRepeated && arg.token !== undefined ? `${tokenText(arg)} ` : ''
  return ` [${head}${valueSyntax(arg)} ...]`
}

function tokenText(arg: ArgumentDoc): string {
  return arg.token === '' ? '""' : (arg.token ?? arg.name)
}

/** Arguments one after the other; optional neighbours in any order. */
function matchSequence(args: readonly ArgumentDoc[], words: readonly string[], start: number): Match {
  let at = start
  const syntax: string[] = []
  const tokens: string[] = []
  let isOpen = false
  for (let index = 0; index < args.length; ) {
    const until = args.findIndex((arg, other) => other >= index && !arg.isOptional)
    const optional = args.slice(index, until < 0 ? args.length : until)
    index += optional.length
    const options = matchOptions(optional, words, at)
    at = options.at
    const isReached = at >= words.length && !isOpen
    if (options.syntax !== '') syntax.push(options.syntax)
    if (isReached) tokens.push(...options.tokens)
    isOpen ||= options.isOpen
    const required = args[index]
    if (required === undefined) break
    index++
    if (at >= words.length || isOpen) {
      syntax.push(argumentSyntax(required))
      if (!isOpen) tokens.push(...firstTokens(required))
      isOpen = true
      continue
    }
    const match = matchArgument(required, words, at)
    if (match.at === at) return { at, syntax: '', tokens: [], isOpen: true }
    at = match.at
    // Options that were passed over come no more.
    syntax.splice(0, syntax.length, ...(match.syntax === '' ? [] : [match.syntax]))
    tokens.splice(0, tokens.length, ...match.tokens)
    isOpen = match.isOpen
  }
  return { at, syntax: syntax.join(' '), tokens, isOpen }
}

/** Optional arguments, each at most once, in any order. */
function matchOptions(optional: readonly ArgumentDoc[], words: readonly string[], start: number): Match {
  const left = new Set(optional)
  let at = start
  let last: Match | undefined
  while (at < words.length && last?.isOpen !== true) {
    let match: Match | undefined
    for (const arg of left) {
      match = matchArgument(arg, words, at)
      if (match.at === at) continue
      left.delete(arg)
      break
    }
    if (match === undefined || match.at === at) break
    at = match.at
    last = match
  }
  const others = [...left].map(argumentSyntax)
  const mine = last === undefined || last.syntax === '' ? [] : [last.syntax]
  const isOpen = last?.isOpen === true
  const next = isOpen ? [] : [...left].flatMap(firstTokens)
  return { at, syntax: [...mine, ...others].join(' '), tokens: [...(last?.tokens ?? []), ...next], isOpen }
}

/** One argument, as often as it may come. It has taken nothing when `at` is where it began. */
function matchArgument(arg: ArgumentDoc, words: readonly string[], start: number): Match {
  let match = matchOnce(arg, words, start, true)
  while (arg.isMultiple && match.at > start && match.at < words.length && !match.isOpen) {
    const next = matchOnce(arg, words, match.at, arg.isTokenRepeated)
    if (next.at === match.at) break
    match = next
  }
  if (!arg.isMultiple || match.at < words.length || match.at === start) return match
  const more = moreSyntax(arg).trim()
  const again = arg.isTokenRepeated ? firstTokens(arg) : arg.parts.flatMap(firstTokens)
  return {
    ...match,
    syntax: [match.syntax, more].filter((text) => text !== '').join(' '),
    tokens: match.isOpen ? match.tokens : [...match.tokens, ...again],
  }
}

function matchOnce(arg: ArgumentDoc, words: readonly string[], start: number, hasToken: boolean): Match {
  const none: Match = { at: start, syntax: '', tokens: [], isOpen: true }
  let at = start
  if (hasToken && arg.token !== undefined) {
    if (words[at]?.toUpperCase() !== arg.token.toUpperCase()) return none
    at++
    if (arg.type === 'pure-token') return { at, syntax: '', tokens: [], isOpen: false }
    if (at >= words.length) return { at, syntax: valueSyntax(arg), tokens: [], isOpen: true }
  }
  if (arg.type === 'block') return matchSequence(arg.parts, words, at)
  if (arg.type === 'oneof') return matchOneOf(arg, words, at)
  // An optional word without a token is told from what comes behind it by its form alone.
  const isUnfit = arg.isOptional && arg.token === undefined && !fitsType(arg, words[at] as string)
  return isUnfit ? none : { at: at + 1, syntax: '', tokens: [], isOpen: false }
}

/** The alternative that takes most words; one that begins with a token before one that takes any word. */
function matchOneOf(arg: ArgumentDoc, words: readonly string[], at: number): Match {
  const isPlain = (part: ArgumentDoc): boolean => firstTokens(part).length === 0
  const ordered = [...arg.parts.filter((part) => !isPlain(part)), ...arg.parts.filter(isPlain)]
  let best: Match = { at, syntax: '', tokens: [], isOpen: true }
  for (const part of ordered) {
    const match = matchArgument(part, words, at)
    if (match.at > best.at) best = match
  }
  return best
}

function fitsType({ type }: ArgumentDoc, word: string): boolean {
  return !NUMBER_TYPES.includes(type) || NUMBER.test(word)
}

/** Tokens that the argument may begin with. */
function firstTokens(arg: ArgumentDoc): string[] {
  if (arg.token !== undefined) return [arg.token]
  if (arg.type === 'oneof') return arg.parts.flatMap(firstTokens)
  if (arg.type !== 'block') return []
  const required = arg.parts.findIndex((part) => !part.isOptional)
  return arg.parts.slice(0, required < 0 ? arg.parts.length : required + 1).flatMap(firstTokens)
}
