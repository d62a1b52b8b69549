/**
 * The keys of a command, as a shard needs them: their slots, and what they are to the schedule.
 * Tests: test/keyspace/keyspace.race.test.ts
 */
import { commandTable } from '../commands/index.ts'
import { type Argument, byteString, type CommandSpec, TRAIT_SEVERAL_KEYS, traitsOf } from '../engine/index.ts'
import { hashSlotOf } from '../hash-slot.ts'
import { type Intents, type ShardSchedule, WHOLE_SHARD } from '../transactions/index.ts'
import { intentName } from './participant.ts'

/** Whether a command may have more keys than one. */
export function hasSeveralKeys(spec: CommandSpec): boolean {
  return (traitsOf(spec) & TRAIT_SEVERAL_KEYS) !== 0
}

/** The slots of all keys of a command. */
export function slotsIn(spec: CommandSpec, argv: readonly Argument[]): readonly number[] {
  return commandTable.keysOf(spec, argv).map(({ index }) => hashSlotOf(byteString(argv[index]!)))
}

/** What a command intends with its keys. */
export function intentsOf(spec: CommandSpec, argv: readonly Argument[], db: number): Intents {
  if (spec.flags.includes('all_shards')) return WHOLE_SHARD
  return commandTable.keysOf(spec, argv).map((use) => ({
    key: intentName(use.db ?? db, byteString(argv[use.index]!)),
    exclusive: use.isWritten,
  }))
}

/** Whether a transaction is in the way of a command. */
export function isBlockedBy(
  schedule: ShardSchedule,
  spec: CommandSpec,
  argv: readonly Argument[],
  db: number,
): boolean {
  if (schedule.size === 0) return false
  const intents = intentsOf(spec, argv, db)
  if (intents === WHOLE_SHARD) return schedule.isBlocked(WHOLE_SHARD, true)
  return intents.some(({ key, exclusive }) => schedule.isBlocked([key], exclusive))
}
