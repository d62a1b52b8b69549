/**
 * The slow log of one thread: commands that took longer than the threshold, the newest first.
 *
 * Each thread keeps its own; whoever asks gets them as one. Numbers grow over all threads, so that who looks
 * for what is newer than the last that it has seen misses none.
 *
 * Invariant: an entry holds no secret, and at most 32 arguments of some 150 bytes each.
 * Cost: nothing below the threshold. Tests: test/server/report/slow-log.test.ts
 */
import { type Argument, type ByteString, byteString } from '../../keyspace/engine/index.ts'

const ARGUMENTS_MAX = 32
const ARGUMENT_BYTES_MAX = 128

/** A command that was slow. */
export interface SlowEntry {
  readonly id: number
  readonly wallMs: number
  readonly durationUs: number
  readonly argv: readonly ByteString[]
  readonly address: string
  readonly client: ByteString
}

/** The entries of one thread. */
export class SlowLog {
  #entries: SlowEntry[] = []
  readonly #nextId: () => number

  constructor(nextId: () => number) {
    this.#nextId = nextId
  }

  get length(): number {
    return this.#entries.length
  }

  /** Adds a command, whose arguments hold no secrets; the oldest go when there are more than `entriesMax`. */
  add(
    entry: Omit<SlowEntry, 'id' | 'argv'> & { readonly argv: readonly Argument[] },
    entriesMax: number,
  ): void {
    this.#entries.unshift({ ...entry, id: this.#nextId(), argv: cutArguments(entry.argv) })
    if (this.#entries.length > entriesMax) this.#entries.length = entriesMax
  }

  /** The newest, at most so many. */
  newest(count: number): readonly SlowEntry[] {
    return this.#entries.slice(0, count)
  }

  reset(): void {
    this.#entries = []
  }
}

/** The newest of several threads' entries. */
export function newestOf(logs: readonly (readonly SlowEntry[])[], count: number): SlowEntry[] {
  return logs
    .flat()
    .sort((one, other) => other.id - one.id)
    .slice(0, count)
}

/** As Redis cuts them: at most 32, of which the last says what is missing, of 128 bytes each. */
export function cutArguments(argv: readonly Argument[]): ByteString[] {
  const isCut = argv.length > ARGUMENTS_MAX
  const kept = isCut ? argv.slice(0, ARGUMENTS_MAX - 1) : argv
  const words = kept.map(cutArgument)
  if (isCut) words.push(`... (${argv.length - kept.length} more arguments)`)
  return words
}

function cutArgument(argument: Argument): ByteString {
  const { length } = argument
  if (length <= ARGUMENT_BYTES_MAX) return byteString(argument)
  const head =
    typeof argument === 'string'
      ? argument.slice(0, ARGUMENT_BYTES_MAX)
      : argument.subarray(0, ARGUMENT_BYTES_MAX)
  return `${byteString(head)}... (${length - ARGUMENT_BYTES_MAX} more bytes)`
}
