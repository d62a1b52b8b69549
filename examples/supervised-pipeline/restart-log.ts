/**
 * What has happened to the subsystems: how often each was restarted for what reason, and the newest events.
 *
 * Tests: test/examples/supervised-pipeline.test.ts
 */
import { performance } from 'node:perf_hooks'
import type { Runtime } from 'shardloom'

/** Why a subsystem was restarted. */
export const RESTART_KINDS = ['killed', 'hang', 'memory', 'unhealthy', 'other'] as const

export type RestartKind = (typeof RESTART_KINDS)[number]

/** Restarts of one subsystem, and how often it was replaced. */
export type RestartCounts = Record<RestartKind | 'reloads', number>

/** Something that happened. */
export interface LogEvent {
  /** Since the start. */
  readonly atMs: number
  readonly text: string
}

const KEPT = 200
/** The only child of each subsystem's own supervisor. */
const RUN = 'run'

/** Listens to a runtime. */
export class RestartLog {
  readonly events: LogEvent[] = []
  /** Called with each event. */
  onEvent: (event: LogEvent) => void = () => undefined
  readonly #counts = new Map<string, RestartCounts>()
  readonly #startMs = performance.now()

  constructor(runtime: Runtime) {
    runtime.subscribe(
      (event) => {
        if (event.type !== 'child' || event.child !== RUN) return
        if (event.phase === 'failed' || event.phase === 'lost') {
          const kind = kindOf(event.error)
          this.of(event.supervisor)[kind]++
          this.note(`${event.supervisor} ${event.phase} (${kind}): ${shortError(event.error)}`)
        } else if (event.phase === 'running' && this.#counts.has(event.supervisor)) {
          this.note(`${event.supervisor} runs again`)
        }
      },
      { types: ['child'] },
    )
  }

  /** The counts of one subsystem. */
  of(subsystem: string): RestartCounts {
    let counts = this.#counts.get(subsystem)
    if (counts === undefined) {
      counts = { killed: 0, hang: 0, memory: 0, unhealthy: 0, other: 0, reloads: 0 }
      this.#counts.set(subsystem, counts)
    }
    return counts
  }

  /** Since it was made. */
  get elapsedMs(): number {
    return performance.now() - this.#startMs
  }

  note(text: string): void {
    const event = { atMs: this.elapsedMs, text }
    this.events.push(event)
    if (this.events.length > KEPT) this.events.shift()
    this.onEvent(event)
  }
}

/** What an error says of the reason. */
export function kindOf(error: Error | undefined): RestartKind {
  switch ((error as { code?: unknown } | undefined)?.code) {
    case 'SHL_CHILD_ENDED':
      return 'killed'
    case 'SHL_CHILD_HANGS':
      return 'hang'
    case 'SHL_SUBSYSTEM_MEMORY':
      return 'memory'
    case 'SHL_SUBSYSTEM_UNHEALTHY':
      return 'unhealthy'
    default:
      return 'other'
  }
}

/** The first line of an error, without its code in brackets, whom it is about, and the advice. */
export function shortError(error: Error | undefined): string {
  const [line = ''] = (error?.message ?? '').split('\n')
  return line
    .replace(/^\[\w+\] /, '')
    .replace(/; [^;]*$/, '')
    .replace(/ (?:actor|subsystem)=\S+/g, '')
}
