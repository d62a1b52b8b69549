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

/** The key of an actor in maps. */
export function addressKey(address: ActorAddress): string {
  return formatAddress(address.thread, address.slot, address.generation)
}

/** An address and nothing else of the object it may be part of. */
export function plainAddress(address: ActorAddress): ActorAddress {
  const { thread, slot, generation, name } = address
  return { thread, slot, generation, name }
}
