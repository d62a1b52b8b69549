/**
 * Names and types of arguments in Redis' documentation, where the notation does not say them.
 *
 * A value's type follows from its name, with a few commands that use a name in another way: `min` is a score
 * in ZCOUNT and text in ZRANGE. A choice has a name that the notation has no place for: it is told by its
 * first alternative.
 *
 * Tests: test/server/catalog/command-arguments.test.ts
 * Source: COMMAND DOCS of Redis 7.0.15.
 */

/** What an argument is. */
export type ArgumentType =
  | 'string'
  | 'integer'
  | 'double'
  | 'key'
  | 'pattern'
  | 'unix-time'
  | 'pure-token'
  | 'oneof'
  | 'block'

/** A type → names of values. Others are strings. */
const TYPES: Readonly<Partial<Record<ArgumentType, string>>> = {
  integer: [
    'seconds milliseconds numkeys numfields nummembers count cursor index index1 index2 start end stop',
    'offset db increment decrement rank num-matches len min-match-len weight limit ttl frequency',
    'destination-db version protover client-id bits port numreplicas numlocal slot start-slot end-slot',
    'max-burst count-per-period period-milliseconds quantity token revision id columns rows seed shafts',
  ].join(' '),
  double: 'score timeout',
  pattern: 'pattern',
  'unix-time': 'unix-time-seconds unix-time-milliseconds',
}

/** Commands → values that have another type there. */
const TYPES_THERE: readonly (readonly [commands: string, names: string, type: ArgumentType])[] = [
  ['zincrby incrbyfloat hincrbyfloat', 'increment', 'double'],
  ['zcount zrangebyscore zrevrangebyscore zremrangebyscore', 'min max', 'double'],
  ['zrange', 'start stop', 'string'],
  ['client|pause wait waitaof failover', 'timeout', 'integer'],
]

/** Names of values in our notation → in Redis'. */
const VALUE_NAMES: Readonly<Record<string, string>> = {
  'unix-seconds': 'unix-time-seconds',
  'unix-milliseconds': 'unix-time-milliseconds',
}

/** Tokens → names that are not the token in small letters. */
const TOKEN_NAMES: Readonly<Record<string, string>> = { CH: 'change', INCR: 'increment', ALPHA: 'sorting' }

/** First alternatives → the name of the choice. Others are named after all that may be chosen. */
const CHOICES: Readonly<Record<string, string>> = {
  NX: 'condition',
  FNX: 'condition',
  GT: 'comparison',
  EX: 'expiration',
  LEFT: 'where',
  MIN: 'where',
  BEFORE: 'where',
  ASC: 'order',
  BYSCORE: 'sortby',
  ASYNC: 'async',
  SUM: 'aggregate',
  MODULE: 'filterby',
}

const typeOfName: ReadonlyMap<string, ArgumentType> = new Map(
  Object.entries(TYPES).flatMap(([type, names]) =>
    names.split(' ').map((name) => [name, type as ArgumentType] as const),
  ),
)

const typeThere: ReadonlyMap<string, ArgumentType> = new Map(
  TYPES_THERE.flatMap(([commands, names, type]) =>
    commands
      .split(' ')
      .flatMap((command) => names.split(' ').map((name) => [`${command} ${name}`, type] as const)),
  ),
)

/** A value's name and type in a command. */
export function valueNamed(
  command: string,
  word: string,
): { readonly name: string; readonly type: ArgumentType } {
  const name = VALUE_NAMES[word] ?? word
  return { name, type: typeThere.get(`${command} ${name}`) ?? typeOfName.get(name) ?? 'string' }
}

export function tokenName(token: string): string {
  return TOKEN_NAMES[token] ?? token.toLowerCase()
}

/** `first`: the first word that is typed in the first alternative; `names`: those of all alternatives. */
export function choiceName(first: string | undefined, names: readonly string[]): string {
  return CHOICES[first ?? ''] ?? names.join('_')
}
