/**
 * A sorted set, typed. Tests: test/keyspace/faces.race.test.ts
 */
import { type CommandCaller, type KeyspaceInput, numberOf, pairsOf, textOf } from './caller.ts'
import type { WaitOptions } from './list-face.ts'
import { type ScanOptions, scanPairs } from './scanning.ts'

/** A member with its score. */
export interface ScoredMember {
  readonly member: string
  readonly score: number
}

/** Which members, by rank or by score. */
export interface SortedSetRange {
  /** From the highest to the lowest. */
  readonly reverse?: boolean
  readonly offset?: number
  readonly limit?: number
}

/** How `add` treats members that are there. */
export interface SortedSetAddOptions {
  /** Adds only what is new, or changes only what is there. */
  readonly only?: 'new' | 'existing'
  /** Changes a score only to a greater, or a lesser one. */
  readonly when?: 'greater' | 'less'
}

/** The sorted set at a key. */
export class KeyspaceSortedSet {
  readonly #key: KeyspaceInput
  readonly #caller: CommandCaller

  /** @internal Use `keyspace.zset`. */
  constructor(caller: CommandCaller, key: KeyspaceInput) {
    this.#caller = caller
    this.#key = key
  }

  /** Adds a member, or several with their scores; how many of them are new. */
  add(member: string, score: number, options?: SortedSetAddOptions): Promise<number>
  add(members: Readonly<Record<string, number>>, options?: SortedSetAddOptions): Promise<number>
  add(
    members: string | Readonly<Record<string, number>>,
    scoreOrOptions?: number | SortedSetAddOptions,
    more?: SortedSetAddOptions,
  ): Promise<number> {
    const isOne = typeof members === 'string'
    const options = (isOne ? more : (scoreOrOptions as SortedSetAddOptions | undefined)) ?? {}
    const pairs: [string, number][] = isOne ? [[members, scoreOrOptions as number]] : Object.entries(members)
    return this.#caller.integerOf([
      'ZADD',
      this.#key,
      ...addFlags(options),
      ...pairs.flatMap(([m, s]) => [s, m]),
    ])
  }

  async incrBy(member: KeyspaceInput, by: number): Promise<number> {
    return (await this.#caller.number('ZINCRBY', this.#key, by, member)) ?? Number.NaN
  }

  delete(...members: KeyspaceInput[]): Promise<number> {
    return this.#caller.integer('ZREM', this.#key, ...members)
  }

  score(member: KeyspaceInput): Promise<number | undefined> {
    return this.#caller.number('ZSCORE', this.#key, member)
  }

  /** How many members are below, or with `reverse` above. */
  rank(
    member: KeyspaceInput,
    { reverse = false }: { readonly reverse?: boolean } = {},
  ): Promise<number | undefined> {
    return this.#caller.number(reverse ? 'ZREVRANK' : 'ZRANK', this.#key, member)
  }

  size(): Promise<number> {
    return this.#caller.integer('ZCARD', this.#key)
  }

  /** How many members have a score from `min` to `max`, both included. */
  count(min: number, max: number): Promise<number> {
    return this.#caller.integer('ZCOUNT', this.#key, min, max)
  }

  /** Members from rank `start` to `stop`, both included; negative ranks count from the end. */
  async range(start = 0, stop = -1, { reverse = false }: SortedSetRange = {}): Promise<ScoredMember[]> {
    const flags = reverse ? ['REV'] : []
    return scored(await this.#caller.run(['ZRANGE', this.#key, start, stop, ...flags, 'WITHSCORES']))
  }

  /** Members with a score from `min` to `max`, both included. */
  async rangeByScore(min: number, max: number, options: SortedSetRange = {}): Promise<ScoredMember[]> {
    const { reverse = false, offset = 0, limit } = options
    const bounds = reverse ? [max, min, 'BYSCORE', 'REV'] : [min, max, 'BYSCORE']
    const cut = limit === undefined && offset === 0 ? [] : ['LIMIT', offset, limit ?? -1]
    return scored(await this.#caller.run(['ZRANGE', this.#key, ...bounds, ...cut, 'WITHSCORES']))
  }

  /** Removes members with a score from `min` to `max`; how many. */
  deleteByScore(min: number, max: number): Promise<number> {
    return this.#caller.integer('ZREMRANGEBYSCORE', this.#key, min, max)
  }

  /** Takes the members with the lowest scores. */
  async popMin(count = 1): Promise<ScoredMember[]> {
    return scored(await this.#caller.run(['ZPOPMIN', this.#key, count]))
  }

  /** Takes the members with the highest scores. */
  async popMax(count = 1): Promise<ScoredMember[]> {
    return scored(await this.#caller.run(['ZPOPMAX', this.#key, count]))
  }

  /** Takes the member with the lowest score; waits for one. Undefined when the time is over. */
  async popMinWait({ timeoutMs = 0, signal }: WaitOptions = {}): Promise<ScoredMember | undefined> {
    const wait = timeoutMs === 0 ? {} : { waitMs: timeoutMs }
    const argv = ['BZPOPMIN', this.#key, timeoutMs / 1000]
    const reply = await this.#caller.run(argv, { ...wait, ...(signal && { signal }) })
    if (!Array.isArray(reply)) return undefined
    const [, member, score] = reply as [unknown, never, never]
    return { member: textOf(member) ?? '', score: numberOf(score) ?? Number.NaN }
  }

  /** Every member with its score, in steps: one that is there throughout comes at least once. */
  async *scan(options: ScanOptions = {}): AsyncGenerator<ScoredMember> {
    for await (const [member, score] of scanPairs(this.#caller, 'ZSCAN', this.#key, options)) {
      yield { member, score: Number(score) }
    }
  }
}

function addFlags({ only, when }: SortedSetAddOptions): string[] {
  const flags: string[] = []
  if (only !== undefined) flags.push(only === 'new' ? 'NX' : 'XX')
  if (when !== undefined) flags.push(when === 'greater' ? 'GT' : 'LT')
  return flags
}

function scored(reply: Parameters<typeof pairsOf>[0]): ScoredMember[] {
  return pairsOf(reply).map(([member, score]) => ({
    member: textOf(member) ?? '',
    score: numberOf(score) ?? Number.NaN,
  }))
}
