/**
 * Where an actor lives: thread, slot and the slot's generation. Never reused, so it names one actor for ever.
 * Tests: test/actor/lifecycle.race.test.ts
 */

/** The identity of an actor, and the name it was spawned with. */
export interface ActorAddress {
  readonly thread: number
  readonly slot: number
  readonly generation: number
  readonly name: string
}

/** `thread/slot:generation`, as it stands in messages and maps. */
export function formatAddress(thread: number, slot: number, generation: number): string {
  return `${thread}/${slot}:${generation}`
}

/** The slot of the actor that each thread's runtime answers with. */
export const GUARDIAN_SLOT = 0
/** The generation of every first actor in its slot. */
export const FIRST_GENERATION = 1
