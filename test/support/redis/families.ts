/** Random commands by family: the name in the command table → a request. */
import { hashFamily } from './hash-commands.ts'
import { keyFamily, publishFamily, serverFamily } from './key-commands.ts'
import { listFamily } from './list-commands.ts'
import { setFamily } from './set-commands.ts'
import { sortedSetFamily } from './sorted-set-commands.ts'
import { stringFamily } from './string-commands.ts'
import { type Family, type Template, Words } from './words.ts'

/** Every command that a server of version 7.0 has as well. */
export const FAMILIES: Readonly<Record<string, Family>> = {
  string: stringFamily,
  hash: hashFamily,
  list: listFamily,
  set: setFamily,
  'sorted set': sortedSetFamily,
  keys: keyFamily,
  publish: publishFamily,
  server: serverFamily,
}

/** A shard by itself has no channels. */
const MIXED = Object.values(FAMILIES).filter((family) => family !== publishFamily)

/** What fills a key of each type, for families that make none themselves. */
const FILLERS: readonly Template[] = [
  (w) => stringFamily['set']!(w),
  (w) => hashFamily['hset']!(w),
  (w) => listFamily['rpush']!(w),
  (w) => setFamily['sadd']!(w),
  (w) => sortedSetFamily['zadd']!(w),
]
/** Sets of numbers only, which SORT takes. */
const NUMBERS: Template = (w) => [
  ...[w.pick(['RPUSH', 'SADD']), w.key()],
  ...w.many(() => w.pick(['1', '2', '10', '-3', '2.5', '1e2', '0']), 6),
]

/** A sequence of one family, or of all of them on few keys, where the types collide. */
export function sequenceOf(
  family: string,
  seed: number,
  length: number,
  keys: readonly string[],
): string[][] {
  const words = new Words(seed, keys)
  const own =
    family === 'mixed' ? MIXED.flatMap((all) => Object.values(all)) : Object.values(FAMILIES[family]!)
  const [fillChance, server] = family === 'keys' || family === 'mixed' ? [0.35, 0.05] : [0.06, 0.01]
  return Array.from({ length }, () => {
    if (words.chance(fillChance)) return words.spoil(words.pick([...FILLERS, NUMBERS])(words))
    if (words.chance(server)) return words.spoil(words.pick(Object.values(serverFamily))(words))
    return words.spoil(words.pick(own)(words))
  })
}
