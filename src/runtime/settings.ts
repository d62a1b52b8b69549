/**
 * The options of `createRuntime`, checked, with every default and limit in one place.
 *
 * A limit stands on everything; each has a name that appears in the error that reaching it gives.
 * Tests: test/runtime/settings.test.ts
 */
import { availableParallelism } from 'node:os'
import type { ResourceLimits } from 'node:worker_threads'
import { checkMailbox, type MailboxOptions } from '../actor/index.ts'
import { checkKnownOptions, choiceOption, invalidOption, numberOption } from '../base/index.ts'
import type { IdleStrategyName } from '../memory/index.ts'
import type { RuntimeEvent } from './runtime-event.ts'

/** Limits of a runtime. */
export interface RuntimeLimits {
  /** Bytes of each ring: one per direction and pair of threads. A power of two. Default 1 MiB. */
  readonly ringBytes?: number
  /** Bytes of one message, or one answer. Default 256 MiB. */
  readonly messageBytesMax?: number
  /** Asks, offers and streams that one thread may have under way. Default 65,536. */
  readonly asksMax?: number
  /** Actors on one thread. Default 131,072. */
  readonly actorsMax?: number
  /** Worker threads, dedicated ones included. Default 64. */
  readonly threadsMax?: number
  /** Named counters, gauges and histograms. Default 4096. */
  readonly metricsMax?: number
}

/** Time limits of a runtime, in milliseconds. */
export interface RuntimeTimeouts {
  /** An ask, an offer, or the wait for a stream's next item. Default 30,000. */
  readonly askMs?: number
  /** An actor's `init`. Default 10,000. */
  readonly initMs?: number
  /** From a stop to the kill, and an actor's `onStop`. Default 5,000. */
  readonly stopMs?: number
  /** The start of a worker thread. Default 20,000. */
  readonly threadStartMs?: number
  /** `close()`. Default 10,000. */
  readonly closeMs?: number
}

/** Options of `createRuntime`. */
export interface RuntimeOptions {
  /**
   * Worker threads that share the actors. Default: `availableParallelism() - 1`, at least 1; 0 means main
   * only.
   */
  readonly threads?: number
  /**
   * What a thread without work does: `adaptive` (default) spins while it pays, `park` never, `spin` always.
   */
  readonly idle?: IdleStrategyName
  readonly limits?: RuntimeLimits
  readonly timeouts?: RuntimeTimeouts
  /** Defaults for the mailboxes of actors. */
  readonly mailbox?: MailboxOptions
  /** Node's heap limits, per worker thread. */
  readonly resourceLimits?: ResourceLimits
  /** Called for every event; must not throw. */
  readonly onEvent?: (event: RuntimeEvent) => void
}

/** The options with nothing left open. */
export interface RuntimeSettings {
  readonly threads: number
  readonly idle: IdleStrategyName
  readonly limits: Required<RuntimeLimits>
  readonly timeouts: Required<RuntimeTimeouts>
  readonly mailbox: Required<MailboxOptions>
  readonly resourceLimits: ResourceLimits | undefined
  readonly cores: number
}

const MIB = 1024 * 1024
const INT32_MAX = 2 ** 31 - 1

const LIMIT_DEFAULTS: Required<RuntimeLimits> = {
  ringBytes: MIB,
  messageBytesMax: 256 * MIB,
  asksMax: 65_536,
  actorsMax: 131_072,
  threadsMax: 64,
  metricsMax: 4096,
}

const LIMIT_RANGES: Record<keyof RuntimeLimits, readonly [min: number, max: number]> = {
  ringBytes: [4096, 2 ** 30],
  messageBytesMax: [1024, INT32_MAX],
  asksMax: [1, 2 ** 22],
  actorsMax: [16, 2 ** 22],
  threadsMax: [0, 1024],
  metricsMax: [64, 2 ** 20],
}

const TIMEOUT_DEFAULTS: Required<RuntimeTimeouts> = {
  askMs: 30_000,
  initMs: 10_000,
  stopMs: 5_000,
  threadStartMs: 20_000,
  closeMs: 10_000,
}

const TIMEOUT_RANGES: Record<keyof RuntimeTimeouts, readonly [min: number, max: number]> = {
  askMs: [1, INT32_MAX],
  initMs: [1, INT32_MAX],
  stopMs: [1, INT32_MAX],
  threadStartMs: [1, INT32_MAX],
  closeMs: [1, INT32_MAX],
}

const MAILBOX_DEFAULTS: Required<MailboxOptions> = { depthMax: 4096, bytesMax: 64 * MIB, policy: 'refuse' }

/** Checks the options. @throws SHL_OPTION_UNKNOWN, SHL_OPTION_INVALID */
export function resolveSettings(options: RuntimeOptions): RuntimeSettings {
  if (typeof options !== 'object' || options === null) invalidOption('options', options, 'an object')
  const known = ['threads', 'idle', 'limits', 'timeouts', 'mailbox', 'resourceLimits', 'onEvent']
  checkKnownOptions('createRuntime', options, known)
  checkMailbox(options.mailbox)
  if (options.onEvent !== undefined && typeof options.onEvent !== 'function') {
    invalidOption('onEvent', options.onEvent, 'a function')
  }
  const cores = availableParallelism()
  const limits = numbers('limits', options.limits, LIMIT_DEFAULTS, LIMIT_RANGES)
  if ((limits.ringBytes & (limits.ringBytes - 1)) !== 0) {
    invalidOption('limits.ringBytes', limits.ringBytes, 'a power of two')
  }
  return {
    threads: numberOption('threads', options.threads, Math.max(1, cores - 1), {
      min: 0,
      max: limits.threadsMax,
      integer: true,
    }),
    idle: choiceOption('idle', options.idle, 'adaptive', ['adaptive', 'park', 'spin']),
    limits,
    timeouts: numbers('timeouts', options.timeouts, TIMEOUT_DEFAULTS, TIMEOUT_RANGES),
    mailbox: { ...MAILBOX_DEFAULTS, ...options.mailbox },
    resourceLimits: options.resourceLimits,
    cores,
  }
}

function numbers<T extends Record<keyof T, number>>(
  where: string,
  given: Partial<T> | undefined,
  defaults: T,
  ranges: Record<keyof T, readonly [min: number, max: number]>,
): T {
  if (given === undefined) return defaults
  const keys = Object.keys(defaults) as (keyof T & string)[]
  checkKnownOptions(where, given, keys)
  const result = { ...defaults }
  for (const key of keys) {
    const [min, max] = ranges[key]
    const integer = where === 'limits'
    result[key] = numberOption(`${where}.${key}`, given[key], defaults[key], {
      min,
      max,
      integer,
    }) as T[typeof key]
  }
  return result
}
