/**
 * Requests as a client writes them, and a parser that is fed as a connection feeds it: from one read buffer
 * that is used again, so that whatever was not copied in time is overwritten.
 */
import { byteString } from '../../../src/keyspace/engine/index.ts'
import { MORE, REQUEST, type RequestParser } from '../../../src/server/resp/index.ts'

/** From here on arguments are asked for as bytes. */
export const LARGE_BYTES = 64 * 1024
/** Stands behind the requests when the stream has failed. */
export const FAILED_MARK = 'FAILED'

const JUNK = 0x5a

/** A request as RESP arrays. */
export function encode(argv: readonly string[]): string {
  return `*${argv.length}\r\n${argv.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`
}

export function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

/** What a stream says: its requests, and at last, perhaps, why it failed. */
export type Requests = readonly (readonly string[])[]

/** How a stream is fed. */
export interface Feeding {
  /** Where it is cut: offsets in any order. */
  readonly cuts?: readonly number[]
  /** Numbers of requests after which the rest is held, as for a client that waits. */
  readonly holds?: ReadonlySet<number>
  /** Called after each read. */
  readonly check?: (arrivedBytes: number) => void
}

/** All requests of a stream. */
export function readAll(parser: RequestParser, stream: Uint8Array, feeding: Feeding = {}): Requests {
  const found: string[][] = []
  const cuts = [...(feeding.cuts ?? []), stream.length].sort((a, b) => a - b)
  let from = 0
  for (const to of cuts) {
    // Somewhere in a larger buffer, as behind what was read before.
    const read = Buffer.alloc(to - from + 7, JUNK)
    read.set(stream.subarray(from, to), 3)
    parser.feed(read, 3, 3 + to - from)
    from = to
    const isAlive = takeAll(parser, read, found, feeding)
    read.fill(JUNK)
    feeding.check?.(to)
    if (!isAlive) break
  }
  return found
}

function takeAll(parser: RequestParser, read: Buffer, found: string[][], { holds }: Feeding): boolean {
  for (;;) {
    const outcome = parser.next()
    if (outcome === MORE) return true
    if (outcome !== REQUEST) {
      found.push([FAILED_MARK, parser.failure?.text ?? 'without a reason'])
      return false
    }
    found.push(argumentsOf(parser))
    if (holds?.has(found.length) === true) {
      parser.hold()
      read.fill(JUNK)
    }
  }
}

/** The arguments of the present request, each seen in every way that there is. */
export function argumentsOf(parser: RequestParser): string[] {
  const argv: string[] = []
  for (let i = 0; i < parser.count; i++) {
    const argument = parser.argument(i, LARGE_BYTES)
    const length = parser.lengths[i]!
    const offset = parser.offsets[i]!
    const text = byteString(argument)
    if ((typeof argument === 'string') === length >= LARGE_BYTES) throw new Error('text where bytes belong')
    if (argument.length !== length) throw new Error(`${argument.length} bytes of ${length}`)
    if (offset < 0 && parser.isContiguous) throw new Error('contiguous, and yet elsewhere')
    if (offset >= 0) {
      const lying = Buffer.from(parser.bytes.buffer, parser.bytes.byteOffset + offset, length)
      if (lying.toString('latin1') !== text) throw new Error('the table points elsewhere')
      // What was given must be a copy.
      if (typeof argument !== 'string' && argument.buffer === parser.bytes.buffer) throw new Error('lent')
    }
    argv.push(text)
  }
  return argv
}
