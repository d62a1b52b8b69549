/**
 * Options of a subsystem, with their defaults. Tests: test/supervise/subsystem/subsystem-options.test.ts
 */
import type { MailboxOptions, Placement, ThreadResourceLimits } from '../../actor/index.ts'
import { checkKnownOptions, choiceOption, invalidOption, numberOption } from '../../base/index.ts'
import type { ChildShutdown } from '../child-spec.ts'
import { childLimits } from '../child-spec.ts'
import { type Backoff, backoff, type Directive, type RestartType, restartIntensity } from '../policy/index.ts'

/** When it is started again, and how often. */
export interface SubsystemRestart {
  /** Default `permanent`. */
  readonly type?: RestartType
  /** More restarts than this within `periodMs`, and it is given up. Default 3. */
  readonly intensity?: number
  /** Default 5000. */
  readonly periodMs?: number
  readonly backoff?: Partial<Backoff>
  /** May say what follows from an error. */
  readonly decide?: (error: Error) => Directive | undefined
}

/** Soft limits: beyond one of them it is drained and started again. */
export interface SubsystemMemoryLimits {
  /** Of its thread's heap. */
  readonly heapBytes?: number
  /** Outside the heap, as V8 counts it: buffers, native objects. */
  readonly externalBytes?: number
  readonly arrayBufferBytes?: number
  /** What it tells itself with `ctx.holds`. */
  readonly arenaBytes?: number
}

/** Beyond them it has failed. */
export interface SubsystemLimits {
  /** The longest time for one call. */
  readonly messageMs?: number
  /** The longest time without a heartbeat of its thread: sees loops outside of calls, too. */
  readonly heartbeatMs?: number
  /** Needs a thread of its own, for all but `arenaBytes`. */
  readonly memory?: SubsystemMemoryLimits
  /** Hard limits of its thread's heap, as Node's `resourceLimits`. Needs a thread of its own. */
  readonly resourceLimits?: ThreadResourceLimits
  /** How long its thread is profiled when it hangs, before it is ended. Default 100; 0: not at all. */
  readonly profileMs?: number
}

/** Its health checks. */
export interface SubsystemHealth {
  /** Default 10,000. */
  readonly everyMs?: number
  /** An answer that takes longer counts as failed. Default 1000. */
  readonly timeoutMs?: number
  /** So many failed checks in a row, and it is started again. Default 3. */
  readonly failures?: number
}

/** A subsystem. */
export interface SubsystemOptions<Args = unknown> {
  /** Its name among the subsystems of the runtime. */
  readonly name: string
  /** `new URL('./x.js', import.meta.url)`: exports what `defineSubsystem` returns. */
  readonly module: URL
  /** Which export of the module it is. Default: `default`, else the only one. */
  readonly export?: string
  readonly args?: Args
  /** Names of subsystems that must be ready before it starts, and that stop after it. */
  readonly dependsOn?: readonly string[]
  /** `dedicated` (default): a thread of its own. `shared`, `main`: beside others. */
  readonly placement?: Placement
  readonly restart?: SubsystemRestart
  readonly limits?: SubsystemLimits
  /** `false`: no health checks. */
  readonly health?: SubsystemHealth | false
  readonly shutdown?: ChildShutdown
  /** How long it may take to be ready. Default 10,000 ms. */
  readonly startMs?: number
  /** How often its snapshot is fetched while it runs, for the case that it crashes. Default: never. */
  readonly snapshotEveryMs?: number
  readonly mailbox?: MailboxOptions
}

/** The options with nothing left open. */
export interface SubsystemSettings {
  readonly name: string
  readonly module: URL
  readonly export: string | undefined
  readonly args: unknown
  readonly dependsOn: readonly string[]
  readonly placement: Placement
  readonly restart: Required<Pick<SubsystemRestart, 'intensity' | 'periodMs'>> & SubsystemRestart
  readonly limits: SubsystemLimits
  readonly profileMs: number
  readonly health: Required<SubsystemHealth> | undefined
  readonly shutdown: Required<ChildShutdown>
  readonly startMs: number
  readonly snapshotEveryMs: number | undefined
  readonly mailbox: MailboxOptions | undefined
}

const KEYS = [
  'name',
  'module',
  'export',
  'args',
  'dependsOn',
  'placement',
  'restart',
  'limits',
  'health',
  'shutdown',
  'startMs',
  'snapshotEveryMs',
  'mailbox',
]
const RESTARTS = ['permanent', 'transient', 'temporary'] as const
const PLACEMENTS = ['shared', 'dedicated', 'main'] as const
const MS = { min: 1, max: 2 ** 31 - 1 }
const BYTES = { min: 1, max: Number.MAX_SAFE_INTEGER }
const MEMORY_KEYS = ['heapBytes', 'externalBytes', 'arrayBufferBytes', 'arenaBytes'] as const
const DRAIN_MS = 2000
const STOP_MS = 5000
const KILL_MS = 2000

/** Checks the options. @throws SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN */
export function subsystemSettings(options: SubsystemOptions): SubsystemSettings {
  if (typeof options !== 'object' || options === null) invalidOption('options', options, 'an object')
  const { name, module, dependsOn = [], limits = {} } = options
  if (typeof name !== 'string' || name === '') invalidOption('name', name, 'a name')
  const where = `subsystem ${name}`
  checkKnownOptions(where, options, KEYS)
  if (!(module instanceof URL)) {
    invalidOption(`${where}: module`, module, "new URL('./x.js', import.meta.url)")
  }
  if (!Array.isArray(dependsOn) || !dependsOn.every((one) => typeof one === 'string')) {
    invalidOption(`${where}: dependsOn`, dependsOn, 'a list of names')
  }
  const placement = choiceOption(`${where}: placement`, options.placement, 'dedicated', PLACEMENTS)
  checkLimits(where, limits, placement)
  const shutdown = { drainMs: DRAIN_MS, stopMs: STOP_MS, killMs: KILL_MS, ...options.shutdown }
  childLimits({ id: name, driver: { start: () => Promise.reject() }, shutdown })
  const { snapshotEveryMs } = options
  return {
    name,
    module,
    export: options.export,
    args: options.args,
    dependsOn: [...new Set(dependsOn)],
    placement,
    restart: restartOf(where, options.restart ?? {}),
    limits,
    profileMs: numberOption(`${where}: limits.profileMs`, limits.profileMs, 100, { min: 0, max: 60_000 }),
    health: healthOf(where, options.health),
    shutdown,
    startMs: numberOption(`${where}: startMs`, options.startMs, 10_000, MS),
    snapshotEveryMs:
      snapshotEveryMs === undefined
        ? undefined
        : numberOption(`${where}: snapshotEveryMs`, snapshotEveryMs, 0, MS),
    mailbox: options.mailbox,
  }
}

function checkLimits(where: string, limits: SubsystemLimits, placement: Placement): void {
  checkKnownOptions(`${where}: limits`, limits, [
    'messageMs',
    'heartbeatMs',
    'memory',
    'resourceLimits',
    'profileMs',
  ])
  const { memory, resourceLimits } = limits
  for (const key of ['messageMs', 'heartbeatMs'] as const) {
    numberOption(`${where}: limits.${key}`, limits[key], 1, MS)
  }
  if (memory !== undefined) {
    checkKnownOptions(`${where}: limits.memory`, memory, [...MEMORY_KEYS])
    for (const key of MEMORY_KEYS) numberOption(`${where}: limits.memory.${key}`, memory[key], 1, BYTES)
  }
  if (placement === 'dedicated') return
  const needs = "nothing, unless placement is 'dedicated': a shared thread's heap belongs to all on it"
  const { arenaBytes: _, ...heap } = memory ?? {}
  if (Object.keys(heap).length > 0) invalidOption(`${where}: limits.memory`, memory, needs)
  if (resourceLimits !== undefined) invalidOption(`${where}: limits.resourceLimits`, resourceLimits, needs)
}

function restartOf(where: string, restart: SubsystemRestart): SubsystemSettings['restart'] {
  checkKnownOptions(`${where}: restart`, restart, ['type', 'intensity', 'periodMs', 'backoff', 'decide'])
  choiceOption(`${where}: restart.type`, restart.type, 'permanent', RESTARTS)
  backoff(restart.backoff)
  const { intensity, periodMs } = restart
  const limit = restartIntensity({
    ...(intensity !== undefined && { intensity }),
    ...(periodMs !== undefined && { periodMs }),
  })
  return { ...restart, ...limit }
}

function healthOf(where: string, health: SubsystemOptions['health']): SubsystemSettings['health'] {
  if (health === false) return undefined
  const given = health ?? {}
  checkKnownOptions(`${where}: health`, given, ['everyMs', 'timeoutMs', 'failures'])
  return {
    everyMs: numberOption(`${where}: health.everyMs`, given.everyMs, 10_000, MS),
    timeoutMs: numberOption(`${where}: health.timeoutMs`, given.timeoutMs, 1000, MS),
    failures: numberOption(`${where}: health.failures`, given.failures, 3, { ...MS, integer: true }),
  }
}
