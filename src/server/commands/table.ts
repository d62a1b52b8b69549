/**
 * The server's own commands: the rows of all families.
 * Tests: test/server/commands/table.test.ts
 */
import { aclCommands } from './acl-commands.ts'
import { clientCommands } from './client-commands.ts'
import { clusterCommands } from './cluster-commands.ts'
import { commandCommands } from './command-commands.ts'
import { configCommands } from './config-commands.ts'
import { connectionCommands } from './connection-commands.ts'
import { debugCommands } from './debug-commands.ts'
import { infoCommands } from './info-commands.ts'
import { latencyCommands } from './latency-commands.ts'
import { memoryCommands } from './memory-commands.ts'
import { monitorCommands } from './monitor-commands.ts'
import { persistenceCommands } from './persistence-commands.ts'
import { pubsubCommands } from './pubsub-commands.ts'
import type { ServerCommand } from './server-command.ts'
import { ownServerCommands } from './server-commands.ts'
import { slowlogCommands } from './slowlog-commands.ts'
import { trackingCommands } from './tracking-commands.ts'
import { transactionCommands } from './transaction-commands.ts'
import { watchCommands } from './watch-commands.ts'

/** All commands that a server answers itself. */
export const serverCommands: readonly ServerCommand[] = [
  ...aclCommands,
  ...commandCommands,
  ...configCommands,
  ...connectionCommands,
  ...clientCommands,
  ...clusterCommands,
  ...monitorCommands,
  ...debugCommands,
  ...infoCommands,
  ...latencyCommands,
  ...memoryCommands,
  ...ownServerCommands,
  ...persistenceCommands,
  ...pubsubCommands,
  ...slowlogCommands,
  ...trackingCommands,
  ...transactionCommands,
  ...watchCommands,
]
