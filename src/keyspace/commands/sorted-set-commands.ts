/**
 * All commands of sorted sets.
 * Tests: test/keyspace/commands/sorted-set-add-commands.test.ts
 */
import type { CommandSpec } from '../engine/index.ts'
import { sortedSetAddCommands } from './sorted-set-add-commands.ts'
import { sortedSetAlgebraCommands } from './sorted-set-algebra-commands.ts'
import { sortedSetExpiryCommands } from './sorted-set-expiry-commands.ts'
import { sortedSetPopCommands } from './sorted-set-pop-commands.ts'
import { sortedSetRangeCommands } from './sorted-set-range-commands.ts'
import { sortedSetReadCommands } from './sorted-set-read-commands.ts'

export const sortedSetCommands: readonly CommandSpec[] = [
  ...sortedSetAddCommands,
  ...sortedSetReadCommands,
  ...sortedSetRangeCommands,
  ...sortedSetPopCommands,
  ...sortedSetAlgebraCommands,
  ...sortedSetExpiryCommands,
]
