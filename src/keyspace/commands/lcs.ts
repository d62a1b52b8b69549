/**
 * LCS: the longest common subsequence of two strings, by the textbook table of lengths.
 *
 * The table has a cell per pair of bytes, so its size is limited: above the limit the command is refused as
 * Redis refuses one whose table is larger than a value may be.
 *
 * Cost: about 2 ns and 4 bytes per cell.
 * Tests: test/keyspace/commands/lcs.test.ts
 */
import { type ByteString, type Call, err, MapReply, type Reply, SYNTAX_ERROR } from '../engine/index.ts'
import { integer, OptionReader } from './arguments.ts'

const CELLS_MAX = 2 ** 24

const NOT_STRINGS = err('The specified keys must contain string values')
const LEN_AND_IDX = err('If you want both the length and indexes, please just use IDX.')
const TOO_LARGE = err('Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len')

interface LcsOptions {
  isLength: boolean
  isIndexes: boolean
  withMatchLength: boolean
  matchLengthMin: number
}

/** The handler of LCS. */
export function lcs({ db }: Call, argv: readonly ByteString[]): Reply {
  const keys = [argv[1]!, argv[2]!] as const
  for (const key of keys) if ((db.typeOf(key) ?? 'string') !== 'string') throw NOT_STRINGS
  const options = readOptions(argv)
  if (options.isIndexes && options.isLength) throw LEN_AND_IDX
  if ((db.stringLength(keys[0]) + 1) * (db.stringLength(keys[1]) + 1) > CELLS_MAX) throw TOO_LARGE
  const a = db.string(keys[0]) ?? ''
  const b = db.string(keys[1]) ?? ''
  const lengths = lengthTable(a, b)
  const total = lengths.at(-1) ?? 0
  if (options.isLength) return total
  const { text, matches } = walkBack(a, b, lengths, options)
  return options.isIndexes ? new MapReply(['matches', matches, 'len', total]) : text
}

function readOptions(argv: readonly ByteString[]): LcsOptions {
  const reader = new OptionReader(argv, 3)
  const options = { isLength: false, isIndexes: false, withMatchLength: false, matchLengthMin: 0 }
  while (!reader.isAtEnd) {
    switch (reader.name()) {
      case 'LEN':
        options.isLength = true
        break
      case 'IDX':
        options.isIndexes = true
        break
      case 'WITHMATCHLEN':
        options.withMatchLength = true
        break
      case 'MINMATCHLEN':
        options.matchLengthMin = integer(reader.value())
        break
      default:
        throw SYNTAX_ERROR
    }
  }
  return options
}

/** At i × (b + 1) + j: the length for the first i bytes of one and the first j of the other. */
function lengthTable(a: ByteString, b: ByteString): Uint32Array {
  const width = b.length + 1
  const lengths = new Uint32Array((a.length + 1) * width)
  for (let i = 1; i <= a.length; i++) {
    const byte = a.charCodeAt(i - 1)
    const row = i * width
    for (let j = 1; j <= b.length; j++) {
      const above = row - width + j
      lengths[row + j] =
        byte === b.charCodeAt(j - 1)
          ? lengths[above - 1]! + 1
          : Math.max(lengths[above]!, lengths[row + j - 1]!)
    }
  }
  return lengths
}

/** Finds one subsequence from its end; ranges that follow each other in both strings are one match. */
function walkBack(
  a: ByteString,
  b: ByteString,
  lengths: Uint32Array,
  { withMatchLength, matchLengthMin }: LcsOptions,
): { readonly text: ByteString; readonly matches: readonly Reply[] } {
  const width = b.length + 1
  const bytes: string[] = []
  const matches: Reply[] = []
  let length = 0
  let i = a.length
  let j = b.length
  while (i > 0 && j > 0) {
    if (a[i - 1] === b[j - 1]) {
      bytes.push(a[--i]!)
      j--
      length++
      continue
    }
    close()
    if (lengths[(i - 1) * width + j]! > lengths[i * width + j - 1]!) i--
    else j--
  }
  close()
  return { text: bytes.reverse().join(''), matches }

  /** The match that begins at i and j is over. */
  function close(): void {
    if (length >= Math.max(1, matchLengthMin)) {
      const ranges = [
        [i, i + length - 1],
        [j, j + length - 1],
      ]
      matches.push(withMatchLength ? [...ranges, length] : ranges)
    }
    length = 0
  }
}
