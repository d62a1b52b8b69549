/**
 * How long a command that waits says that it does, and how it says less: part of its time may be over before
 * it is sent.
 *
 * Tests: test/client/wait-time.test.ts
 */
import { blockTimeoutMs } from '../keyspace/commands/index.ts'
import { type Argument, byteString } from '../keyspace/engine/index.ts'
import type { CommandProfile } from './retry-rules.ts'
import type { WireArgument } from './wire-values.ts'

/** The time of a wait. */
export interface WaitTime {
  /** Infinity: for ever, or it does not say. 0: what it says is wrong, and the server will say so. */
  readonly waitMs: number
  /** The argument that says so; undefined: there is none. */
  readonly at: number | undefined
  /** Milliseconds of what it counts. */
  readonly unitMs: number
}

const UNKNOWN: WaitTime = { waitMs: Number.POSITIVE_INFINITY, at: undefined, unitMs: 1 }

/** How long a command says that it waits. */
export function waitTimeOf({ spec }: CommandProfile, argv: readonly Argument[]): WaitTime {
  if (spec === undefined) return UNKNOWN
  if (spec.group === 'lock') return lockTimeOf(argv, spec.keys?.keynum)
  const at = spec.keys?.keynum === undefined ? argv.length - 1 : 1
  return { waitMs: blockMs(argv[at]), at, unitMs: 1000 }
}

/** The same command with less time. At least a millisecond: 0 would be for ever. */
export function withTimeLeft(
  args: readonly WireArgument[],
  { at, unitMs }: WaitTime,
  leftMs: number,
): readonly WireArgument[] {
  return at === undefined ? args : args.with(at, String(Math.max(1, leftMs) / unitMs))
}

function blockMs(argument: Argument | undefined): number {
  try {
    return blockTimeoutMs(byteString(argument ?? '')) || Number.POSITIVE_INFINITY
  } catch {
    return 0
  }
}

/** WAIT milliseconds, among the options. Keys and owners may have such names, too. */
function lockTimeOf(argv: readonly Argument[], keynum: number | undefined): WaitTime {
  let time = UNKNOWN
  const from = 3 + (keynum === undefined ? 0 : Number(byteString(argv[keynum] ?? '')))
  for (let i = from; i + 1 < argv.length; i++) {
    const option = byteString(argv[i]!).toUpperCase()
    if (option === 'SHARED') continue
    // All others have a value.
    i++
    const waitMs = option === 'WAIT' ? Number(byteString(argv[i]!)) : 0
    if (waitMs > 0 && Number.isSafeInteger(waitMs)) time = { waitMs, at: i, unitMs: 1 }
  }
  return time
}
