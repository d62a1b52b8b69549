/**
 * What a thread takes from the machine that it runs on, injected: time, turns, channels and modules.
 *
 * A simulation puts its own in their place, so that many threads live on one, in virtual time. Asked only
 * when something is made: nothing stands between a message and the machine.
 * Tests: test/runtime/close.race.test.ts, test/testkit/simulate.test.ts
 */
import type { AnyActorDefinition } from '../actor/index.ts'
import { type Clock, systemClock } from '../base/index.ts'
import { type Channels, nodeChannels, type Scheduler, systemScheduler } from '../transport/index.ts'
import { BEAT_MS } from './heartbeat.ts'
import { loadDefinition } from './module-loader.ts'

/** The surroundings of one thread. */
export interface ThreadPlatform {
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly channels: Channels
  /** How often the thread says that it is alive; Infinity: only when somebody asks for it. */
  readonly beatMs: number
  /** Loads an actor's definition. @throws SHL_ACTOR_MODULE */
  loadDefinition(href: string, exportName: string | undefined): Promise<AnyActorDefinition>
}

/** The surroundings of a thread of Node. */
export function nodeThreadPlatform(): ThreadPlatform {
  return {
    clock: systemClock(),
    scheduler: systemScheduler,
    channels: nodeChannels,
    beatMs: BEAT_MS,
    loadDefinition,
  }
}
