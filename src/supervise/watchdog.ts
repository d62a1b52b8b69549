/**
 * The watchdog: sees a message that takes longer than its budget, also while its thread is stuck in it.
 *
 * It reads shared memory, a few times per budget, and asks nobody. A handler that blocks its thread can only
 * be ended together with it; one that awaits is killed alone. What was found is reported before anything is
 * done about it, and counts as the failure of the child.
 *
 * Invariants: (1) a message is reported at most once; (2) a hang is seen within its budget and one look.
 * Source: the heartbeats of OTP's `heart` and of Kubernetes' liveness probes.
 * Tests: test/supervise/watchdog.race.test.ts
 */
import type { ActorRef, MessageUnderWay } from '../actor/index.ts'
import { type Clock, ShardloomError, type TimerHandle } from '../base/index.ts'

const LOOKS_PER_BUDGET = 4
const LOOK_MIN_MS = 5
const LOOK_MAX_MS = 25

/** A message that takes too long. */
export interface Hang {
  readonly actor: string
  readonly thread: number
  /** The name of its handler; `?` where it has none. */
  readonly message: string
  readonly forMs: number
  /** Whether its thread is stuck in it. */
  readonly isBlocking: boolean
}

/** What a watchdog needs of its surroundings. */
export interface WatchdogParts {
  readonly clock: Clock
  /** The longest time for one message. */
  readonly messageMs: number
  timeMessages(ref: ActorRef): Promise<readonly string[] | undefined>
  messageUnderWay(ref: ActorRef): MessageUnderWay | undefined
  onHang(ref: ActorRef, hang: Hang): void
}

/** Watches the actors of one child, one after the other. */
export class Watchdog {
  /** The names of the messages that it tells of. */
  types: readonly string[] = []
  readonly #parts: WatchdogParts

  constructor(parts: WatchdogParts) {
    this.#parts = parts
  }

  /** Watches an actor until what it returns is called. */
  async watch(ref: ActorRef): Promise<() => void> {
    const { clock, messageMs, onHang } = this.#parts
    this.types = (await this.#parts.timeMessages(ref)) ?? []
    const lookMs = Math.min(LOOK_MAX_MS, Math.max(LOOK_MIN_MS, messageMs / LOOKS_PER_BUDGET))
    let timer: TimerHandle
    let reported: number | undefined
    const look = (): void => {
      timer = clock.after(lookMs, look, { unref: true })
      const message = this.#parts.messageUnderWay(ref)
      if (message === undefined || message.forMs <= messageMs || message.sequence === reported) return
      reported = message.sequence
      onHang(ref, {
        actor: `${ref}`,
        thread: ref.thread,
        message: this.types[message.type] ?? '?',
        forMs: message.forMs,
        isBlocking: message.isBlocking,
      })
    }
    timer = clock.after(lookMs, look, { unref: true })
    return () => timer.cancel()
  }
}

/** The failure of a child that hangs. */
export function hangError(hang: Hang, messageMs: number): ShardloomError {
  const { actor, message, isBlocking } = hang
  const forMs = Math.round(hang.forMs)
  const how = isBlocking ? 'it blocks its thread' : 'it awaits'
  return new ShardloomError('SHL_CHILD_HANGS', { actor, message, forMs, messageMs, how })
}
