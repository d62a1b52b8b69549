/**
 * Where the keys of a command are, as their shard sees it: here, elsewhere, or on their way.
 * Tests: test/keyspace/slots.race.test.ts
 */
import { commandTable } from '../commands/index.ts'
import { type Argument, byteString, type CommandSpec } from '../engine/index.ts'
import { hashSlotOf } from '../hash-slot.ts'
import { NO_SLOT } from '../wire/index.ts'
import { hasSeveralKeys } from './command-keys.ts'

/** `frozen`: about to move, and nothing may change there. */
export type KeyPlace = 'here' | 'elsewhere' | 'frozen'

/** What is asked of a shard. */
export interface PlacingShard {
  readonly slots: { readonly isFreezing: boolean; isFrozen(slot: number): boolean }
  owns(slot: number): boolean
}

/** Whether all keys of a command are here, and not on their way. The first one's slot is known. */
export function placeOf(
  shard: PlacingShard,
  spec: CommandSpec,
  argv: readonly Argument[],
  slot: number,
): KeyPlace {
  const { slots } = shard
  if (slot === NO_SLOT) return 'here'
  if (!shard.owns(slot)) return 'elsewhere'
  if (slots.isFrozen(slot)) return 'frozen'
  if (!hasSeveralKeys(spec)) return 'here'
  let place: KeyPlace = 'here'
  const keys = commandTable.keysOf(spec, argv)
  if (keys.length < 2) return 'here'
  for (const { index } of keys) {
    const other = hashSlotOf(byteString(argv[index]!))
    if (!shard.owns(other)) return 'elsewhere'
    if (slots.isFrozen(other)) place = 'frozen'
  }
  return place
}

/** Whether one of some keys is about to move. */
export function areFrozen({ slots }: PlacingShard, keys: readonly string[]): boolean {
  return slots.isFreezing && keys.some((key) => slots.isFrozen(hashSlotOf(key)))
}
