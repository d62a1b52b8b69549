/**
 * The command table: the rows of all families.
 * Tests: test/keyspace/commands/table.test.ts
 */
import { type CommandSpec, CommandTable } from '../engine/index.ts'
import { connectionCommands } from './connection-commands.ts'
import { fencedCommands } from './fenced-command.ts'
import { hashCommands } from './hash-commands.ts'
import { keyCommands } from './key-commands.ts'
import { leaseCommands } from './lease-commands.ts'
import { limitCommands } from './limit-commands.ts'
import { listCommands } from './list-commands.ts'
import { lockCommands } from './lock-commands.ts'
import { lockLogCommands } from './lock-log-commands.ts'
import { pubsubCommands } from './pubsub-commands.ts'
import { setCommands } from './set-commands.ts'
import { sortedSetCommands } from './sorted-set-commands.ts'
import { stringCommands } from './string-commands.ts'

/** Every family, in the order of the reference page. */
const FAMILIES: readonly (readonly CommandSpec[])[] = [
  connectionCommands,
  stringCommands,
  hashCommands,
  setCommands,
  listCommands,
  sortedSetCommands,
  keyCommands,
  limitCommands,
  lockCommands,
  leaseCommands,
  fencedCommands,
  lockLogCommands,
  pubsubCommands,
]

/** All commands of this version. */
export const commandTable: CommandTable = new CommandTable(FAMILIES.flat())
