/**
 * Several sorted sets together: ZUNION, ZINTER, ZDIFF, their STOREs, ZINTERCARD.
 *
 * Tests: test/keyspace/commands/sorted-set-algebra-commands.test.ts
 * Source: Redis 7.2, src/t_zset.c (zunionInterDiffGenericCommand).
 */
import {
  type ByteString,
  type Call,
  type CommandSpec,
  err,
  parseScore,
  type Reply,
  type ScoredMember,
  SYNTAX_ERROR,
} from '../engine/index.ts'
import { integer, keyCount, OptionReader } from './arguments.ts'
import {
  type Aggregate,
  difference,
  inOrder,
  intersection,
  type Source,
  sourceOf,
  union,
  type WeightedSource,
} from './sorted-set-algebra.ts'
import { scoredReply } from './sorted-set-replies.ts'
import { storeMembers } from './sorted-set-result.ts'

const NOT_A_WEIGHT = err('weight value is not a float')
const NEGATIVE_LIMIT = err("LIMIT can't be negative")

type Operation = 'union' | 'inter' | 'diff'

/** Which options a command takes. */
interface OptionForm {
  readonly hasWeights?: boolean
  readonly hasScores?: boolean
  readonly hasLimit?: boolean
}

/** What is asked for. */
interface AlgebraRequest {
  readonly sources: readonly Source[]
  weights: readonly number[] | undefined
  aggregate: Aggregate
  hasScores: boolean
  /** 0: none. */
  limit: number
}

/** Reads `numkeys key [key …] [options]`, from an index of the arguments on. @throws ErrorReply */
function readRequest(
  { db }: Call,
  argv: readonly ByteString[],
  at: number,
  form: OptionForm,
): AlgebraRequest {
  const count = keyCount(argv, at, noKeys(argv[0]!))
  const end = at + 1 + count
  // A key of a wrong type is refused before the options are read.
  const sources = argv.slice(at + 1, end).map((key) => sourceOf(db, key))
  const request: AlgebraRequest = {
    sources,
    weights: undefined,
    aggregate: 'SUM',
    hasScores: false,
    limit: 0,
  }
  const reader = new OptionReader(argv, end)
  while (!reader.isAtEnd) {
    const name = reader.name()
    if (form.hasWeights && name === 'WEIGHTS' && reader.left >= count) {
      request.weights = Array.from({ length: count }, () => weightOf(reader.value()))
    } else if (form.hasWeights && name === 'AGGREGATE') {
      request.aggregate = aggregateOf(reader.name())
    } else if (form.hasScores && name === 'WITHSCORES') {
      request.hasScores = true
    } else if (form.hasLimit && name === 'LIMIT') {
      request.limit = integer(reader.value(), NEGATIVE_LIMIT)
      if (request.limit < 0) throw NEGATIVE_LIMIT
    } else {
      throw SYNTAX_ERROR
    }
  }
  return request
}

function noKeys(command: ByteString): ReturnType<typeof err> {
  return err(`at least 1 input key is needed for '${command.toLowerCase()}' command`)
}

function weightOf(text: ByteString): number {
  const weight = parseScore(text)
  if (weight === undefined) throw NOT_A_WEIGHT
  return weight
}

function aggregateOf(name: string): Aggregate {
  if (name !== 'SUM' && name !== 'MIN' && name !== 'MAX') throw SYNTAX_ERROR
  return name
}

/** The members of the result. */
function compute(operation: Operation, { sources, weights, aggregate }: AlgebraRequest): ScoredMember[] {
  if (operation === 'diff') return inOrder(difference(sources))
  const inputs: WeightedSource[] = sources.map((source, i) => ({ source, weight: weights?.[i] ?? 1 }))
  return inOrder(operation === 'union' ? union(inputs, aggregate) : intersection(inputs, aggregate))
}

function answer(call: Call, argv: readonly ByteString[], operation: Operation): Reply {
  const request = readRequest(call, argv, 1, { hasWeights: operation !== 'diff', hasScores: true })
  return scoredReply(call, compute(operation, request), request.hasScores)
}

function store(call: Call, argv: readonly ByteString[], operation: Operation): Reply {
  const request = readRequest(call, argv, 2, { hasWeights: operation !== 'diff' })
  return storeMembers(call.db, argv[1]!, compute(operation, request), `z${operation}store`)
}

function zintercard(call: Call, argv: readonly ByteString[]): Reply {
  const { sources, limit } = readRequest(call, argv, 1, { hasLimit: true })
  const inputs = sources.map((source) => ({ source, weight: 1 }))
  let count = 0
  for (const _member of intersection(inputs, 'SUM')) if (++count === limit) break
  return count
}

const WHAT: Readonly<Record<Operation, string>> = {
  union: 'the members that any of the sets has',
  inter: 'the members that all sets have',
  diff: 'the members of the first set that no other has',
}
const COMPLEXITY: Readonly<Record<Operation, string>> = {
  union: 'O(n + m·log m) for n members of all sets and m of the result',
  inter: 'O(n·k + m·log m) for k sets, the smallest of n members, and m members of the result',
  diff: 'O(n + m·log m) for n members of all sets and m of the result',
}
const WEIGHTS = ' [WEIGHTS weight [weight …]] [AGGREGATE <SUM | MIN | MAX>]'

function answerRow(operation: Operation): CommandSpec {
  return {
    name: `z${operation}`,
    arity: -3,
    flags: ['readonly'],
    keys: { keynum: 1 },
    group: 'sorted_set',
    summary: `Answers ${WHAT[operation]}; members of a plain set count with score 1.`,
    complexity: COMPLEXITY[operation],
    syntax: `numkeys key [key …]${operation === 'diff' ? '' : WEIGHTS} [WITHSCORES]`,
    since: '6.2.0',
    handler: (call, argv) => answer(call, argv, operation),
  }
}

function storeRow(operation: Operation): CommandSpec {
  return {
    name: `z${operation}store`,
    arity: -4,
    flags: ['write', 'denyoom'],
    keys: { first: 1, keynum: 2, written: 'first' },
    group: 'sorted_set',
    summary: `Stores ${WHAT[operation]}, and answers how many they are.`,
    complexity: COMPLEXITY[operation],
    syntax: `destination numkeys key [key …]${operation === 'diff' ? '' : WEIGHTS}`,
    since: operation === 'diff' ? '6.2.0' : '2.0.0',
    handler: (call, argv) => store(call, argv, operation),
  }
}

export const sortedSetAlgebraCommands: readonly CommandSpec[] = [
  answerRow('union'),
  answerRow('inter'),
  answerRow('diff'),
  storeRow('union'),
  storeRow('inter'),
  storeRow('diff'),
  {
    name: 'zintercard',
    arity: -3,
    flags: ['readonly'],
    keys: { keynum: 1 },
    group: 'sorted_set',
    summary: 'Answers how many members all sets have, counting to the limit.',
    complexity: 'O(n·k) for k sets, the smallest of n members',
    syntax: 'numkeys key [key …] [LIMIT limit]',
    since: '7.0.0',
    handler: zintercard,
  },
]
