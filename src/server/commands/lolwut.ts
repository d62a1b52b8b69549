/**
 * LOLWUT: a piece of cloth, woven from a seed.
 *
 * A loom has shafts that lift threads of the warp. Which shaft a thread hangs on (the threading), which
 * shafts go up together (the tie-up), and in which order (the treadling) decide, at each crossing, whether
 * warp or weft lies above. Here threading and treadling are walks drawn from the seed and mirrored about
 * their middle, as weavers do, and the tie-up is a twill: the same seed is the same cloth. `VERSION` chooses
 * the number of shafts. Two crossings, one above the other, are one character.
 *
 * Cost: O(columns · rows), at most a million crossings.
 * Tests: test/server/commands/lolwut.test.ts
 */
import { type Random, seededRandom } from '../../base/index.ts'
import {
  type Argument,
  byteString,
  bytesOfText,
  type ErrorReply,
  NOT_INTEGER,
} from '../../keyspace/engine/index.ts'
import { VerbatimReply } from '../resp/index.ts'

/** What is woven. */
export interface Cloth {
  readonly columns: number
  readonly rows: number
  readonly shafts: number
  readonly seed: number
}

const COLUMNS = 66
const ROWS = 32
const SIDE_MAX = 1000
const SHAFTS = 8
const SHAFTS_MIN = 3
const SHAFTS_MAX = 24

/** Warp above, below, at both crossings, at neither. */
const MARKS = [' ', '▀', '▄', '█'] as const

/** `LOLWUT [VERSION version] [columns [rows [seed]]]`: numbers that are too big are as big as may be. */
export function lolwutReply(
  argv: readonly Argument[],
  seed: number,
  version: string,
): VerbatimReply | ErrorReply {
  const words = argv.slice(1).map((word) => byteString(word))
  const isVersioned = words.length > 1 && words[0]?.toUpperCase() === 'VERSION'
  const numbers = (isVersioned ? words.slice(1) : words).map(readInteger)
  if (numbers.includes(undefined)) return NOT_INTEGER
  const [shafts = SHAFTS] = isVersioned ? numbers.splice(0, 1) : []
  const [columns = COLUMNS, rows = ROWS, chosenSeed = seed] = numbers
  const cloth = weave({
    columns: within(columns, 1, SIDE_MAX),
    rows: within(rows, 1, SIDE_MAX),
    shafts: within(shafts, SHAFTS_MIN, SHAFTS_MAX),
    seed: chosenSeed,
  })
  return new VerbatimReply(bytesOfText(`${cloth}\nShardloom ver. ${version}\n`))
}

/** The cloth, as lines. */
export function weave({ columns, rows, shafts, seed }: Cloth): string {
  const random = seededRandom(seed)
  const threading = mirroredWalk(columns, shafts, random)
  const treadling = mirroredWalk(rows, shafts, random)
  const tieUp = tieUpOf(shafts, random)
  const isWarp = (row: number, column: number): boolean =>
    row < rows && tieUp[((treadling[row] ?? 0) + (threading[column] ?? 0)) % shafts] === true
  let text = ''
  for (let row = 0; row < rows; row += 2) {
    for (let column = 0; column < columns; column++) {
      const mark = (isWarp(row, column) ? 1 : 0) + (isWarp(row + 1, column) ? 2 : 0)
      text += MARKS[mark as 0 | 1 | 2 | 3]
    }
    text += '\n'
  }
  return text
}

/** A walk over the shafts that turns now and then, and goes back the way it came. */
function mirroredWalk(length: number, shafts: number, random: Random): readonly number[] {
  const walk: number[] = []
  let shaft = random.below(shafts)
  let step = 1
  for (let left = 0; walk.length < Math.ceil(length / 2); left--) {
    if (left === 0) {
      step = -step
      left = shafts - 1 + random.below(shafts * 2)
    }
    walk.push(shaft)
    shaft = (shaft + step + shafts) % shafts
  }
  const back = walk.slice(0, Math.floor(length / 2)).reverse()
  return [...walk, ...back]
}

/** Which shafts go up at the first treadle; each next treadle lifts those beside them. */
function tieUpOf(shafts: number, random: Random): readonly boolean[] {
  const tieUp = Array.from({ length: shafts }, (_, shaft) => shaft < Math.floor(shafts / 2))
  const other = random.below(shafts)
  // One more thread, or one less, makes it a twill of its own; all or none would be no cloth.
  if (shafts > SHAFTS_MIN) tieUp[other] = !tieUp[other]
  return tieUp
}

function readInteger(text: string): number | undefined {
  return /^-?[0-9]{1,15}$/.test(text) ? Number(text) : undefined
}

function within(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max)
}
