/**
 * Runs a sequence of requests on a Redis and on what is tested, and finds the shortest part of it that shows
 * a difference.
 */

import type { Resp2Form } from '../resp2.mjs'
import { checkAnswer, nameOf, type Run } from './compare.ts'
import type { RespClient } from './resp-client.ts'
import { LEX } from './sorted-set-commands.ts'

/** Asked at the end, of every key: what is there. */
const LOOKS = ['TYPE', 'GET', 'HGETALL', 'SMEMBERS', 'PTTL']
/** Commands that would wait: within a transaction they do not. */
export const BLOCKING: ReadonlySet<string> = new Set([
  'blpop',
  'brpop',
  'blmpop',
  'blmove',
  'brpoplpush',
  'bzpopmin',
  'bzpopmax',
  'bzmpop',
])
const SHRINKS_MAX = 400

/** The first reply that is another one. */
export interface Difference {
  readonly sequence: readonly (readonly string[])[]
  readonly argv: readonly string[]
  readonly ours: Resp2Form
  readonly theirs: Resp2Form
}

/** Makes an empty keyspace to run a sequence on. */
export type MakeRun = () => Run | Promise<Run>

/** Runs a sequence on both, and looks at all keys at the end; the first difference, if there is one. */
export async function runSequence(
  redis: RespClient,
  makeRun: MakeRun,
  sequence: readonly (readonly string[])[],
  keys: readonly string[],
): Promise<Difference | undefined> {
  const run = await makeRun()
  const looks = [...keys, LEX].flatMap((key) => [
    ...LOOKS.map((name) => [name, key]),
    ['LRANGE', key, '0', '-1'],
    ['ZRANGE', key, '0', '-1', 'WITHSCORES'],
  ])
  const all = [...sequence, ['DBSIZE'], ...looks, ['SWAPDB', '0', '1'], ['DBSIZE'], ...looks]
  const theirs = await askRedis(redis, all)
  for (const [i, argv] of all.entries()) {
    const { ours, isSame } = await checkAnswer(run, argv, theirs[i]!)
    if (!isSame) return { sequence: all.slice(0, i + 1), argv, ours, theirs: theirs[i]! }
  }
  return undefined
}

/** Makes a sequence that shows a difference shorter, as long as it shows one. */
export async function shrink(
  redis: RespClient,
  makeRun: MakeRun,
  found: Difference,
  keys: readonly string[],
): Promise<Difference> {
  let best = found
  let left = SHRINKS_MAX
  for (let size = best.sequence.length >> 1; size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at + size <= best.sequence.length && left > 0; left--) {
      const shorter = [...best.sequence.slice(0, at), ...best.sequence.slice(at + size)]
      const difference = await runSequence(redis, makeRun, shorter, keys)
      if (difference !== undefined && difference.sequence.length < best.sequence.length) best = difference
      else at += size
    }
  }
  return best
}

/** A difference as a person reads it. */
export function textOf({ sequence, ours, theirs }: Difference): string {
  const lines = sequence.map((argv) =>
    argv
      .map((word) => JSON.stringify(word.slice(0, 100)))
      .slice(0, 20)
      .join(' '),
  )
  return [...lines, `ours:  ${shortJson(ours)}`, `Redis: ${shortJson(theirs)}`].join('\n')
}

function shortJson(form: Resp2Form): string {
  const text = JSON.stringify(form)
  return text.length > 600 ? `${text.slice(0, 600)}…` : text
}

async function askRedis(redis: RespClient, all: readonly (readonly string[])[]): Promise<Resp2Form[]> {
  const sent = all.flatMap((argv) => (BLOCKING.has(nameOf(argv)) ? [['MULTI'], argv, ['EXEC']] : [argv]))
  const replies = await redis.pipeline([['RESET'], ['FLUSHALL'], ...sent])
  replies.splice(0, 2)
  return all.map((argv) => {
    if (!BLOCKING.has(nameOf(argv))) return replies.shift()!
    const [, queued, done] = replies.splice(0, 3)
    return queued === '+QUEUED' ? done![0]! : queued!
  })
}
