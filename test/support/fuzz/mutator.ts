/**
 * Changes inputs: bits, bytes, ranges, words of a dictionary, lengths that are written as digits, and halves
 * of two inputs. Several at once, since some steps are only visible together; or one after the other, since
 * the next step of a short input is often a single byte.
 */
import type { Random } from '../../../src/base/index.ts'

const STEPS_MAX = 4
const INPUT_BYTES_MAX = 2048
const ZERO = 48
const NINE = 57
const UPPERCASE_A = 65
const LETTERS = 26
const NUMBERS = [
  -1,
  0,
  1,
  2,
  3,
  9,
  10,
  16,
  255,
  256,
  16_384,
  32_768,
  32_769,
  65_536,
  65_537,
  2 ** 31,
  2 ** 53,
]

type Change = (bytes: Buffer) => Buffer

/** Makes inputs out of inputs. */
export class Mutator {
  readonly #random: Random
  readonly #dictionary: readonly Buffer[]
  readonly #changes: readonly Change[]

  constructor(random: Random, dictionary: readonly string[]) {
    this.#random = random
    this.#dictionary = dictionary.map((word) => Buffer.from(word, 'latin1'))
    const bytewise: Change[] = [(bytes) => this.#flip(bytes), (bytes) => this.#letter(bytes)]
    this.#changes = [
      ...bytewise,
      ...bytewise,
      (bytes) => this.#step(bytes),
      (bytes) => this.#remove(bytes),
      (bytes) => this.#repeat(bytes),
      (bytes) => this.#word(bytes),
      (bytes) => this.#number(bytes),
      (bytes) => this.#number(bytes),
    ]
  }

  /** A changed copy of one input, perhaps with the end of another. */
  mutate(input: Buffer, other: Buffer): Buffer {
    const random = this.#random
    let bytes: Buffer = Buffer.from(input)
    if (random.below(8) === 0) bytes = this.#splice(bytes, other)
    for (let i = random.below(STEPS_MAX) + 1; i > 0; i--) {
      bytes = Buffer.from(this.#changes[random.below(this.#changes.length)]!(bytes))
    }
    return bytes.subarray(0, INPUT_BYTES_MAX)
  }

  /** Every single step to a letter or a neighbouring number, in order. */
  *walk(input: Buffer): Generator<Buffer> {
    for (let at = 0; at < input.length; at++) {
      for (let i = 0; i < LETTERS; i++) {
        const bytes = Buffer.from(input)
        bytes[at] = UPPERCASE_A + i
        yield bytes
      }
      if (!isDigit(input[at]!) || (at > 0 && isDigit(input[at - 1]!))) continue
      for (const by of [1, -1, 2]) yield this.#replaceNumber(input, at, (value) => value + by)
    }
  }

  #at(bytes: Buffer): number {
    return this.#random.below(bytes.length + 1)
  }

  #splice(bytes: Buffer, other: Buffer): Buffer {
    return Buffer.concat([bytes.subarray(0, this.#at(bytes)), other.subarray(this.#at(other))])
  }

  #flip(bytes: Buffer): Buffer {
    const at = this.#random.below(bytes.length)
    if (at < bytes.length) bytes[at]! ^= 1 << this.#random.below(8)
    return bytes
  }

  #letter(bytes: Buffer): Buffer {
    const at = this.#random.below(bytes.length)
    if (at < bytes.length) bytes[at] = UPPERCASE_A + this.#random.below(LETTERS)
    return bytes
  }

  #step(bytes: Buffer): Buffer {
    const at = this.#random.below(bytes.length)
    if (at < bytes.length) bytes[at]! += this.#random.below(2) === 0 ? 1 : -1
    return bytes
  }

  #remove(bytes: Buffer): Buffer {
    const from = this.#at(bytes)
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + 1 + this.#random.below(8))])
  }

  #repeat(bytes: Buffer): Buffer {
    const from = this.#at(bytes)
    const to = from + this.#random.below(bytes.length - from + 1)
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)])
  }

  #word(bytes: Buffer): Buffer {
    const word = this.#dictionary[this.#random.below(this.#dictionary.length)]!
    const at = this.#at(bytes)
    const kept = this.#random.below(2) === 0 ? at : at + word.length
    return Buffer.concat([bytes.subarray(0, at), word, bytes.subarray(kept)])
  }

  /** Another number where digits are: its neighbours, or an edge. */
  #number(bytes: Buffer): Buffer {
    const random = this.#random
    const start = random.below(bytes.length)
    let from = start
    while (from < bytes.length && !isDigit(bytes[from]!)) from++
    if (from === bytes.length) return bytes
    return this.#replaceNumber(bytes, from, (value) => {
      const near = value + random.below(7) - 3
      return random.below(3) > 0 ? near : NUMBERS[random.below(NUMBERS.length)]!
    })
  }

  #replaceNumber(bytes: Buffer, from: number, change: (value: number) => number): Buffer {
    let to = from
    while (to < bytes.length && isDigit(bytes[to]!)) to++
    const next = change(Number(bytes.toString('latin1', from, to)))
    return Buffer.concat([bytes.subarray(0, from), Buffer.from(String(next)), bytes.subarray(to)])
  }
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE
}
