/** Every question of the benchmarks, in the order of the tables. */
import { question as ask256 } from './ask-256.ts'
import { question as askAsleep } from './ask-asleep.ts'
import { question as askAwake } from './ask-awake.ts'
import { question as codec } from './codec.ts'
import { question as commands } from './commands.ts'
import { question as counter } from './counter.ts'
import { question as expiry } from './expiry.ts'
import { question as getSync } from './get-sync.ts'
import type { Question } from './harness.ts'
import { question as loopDelay } from './loop-delay.ts'
import { question as memoryPerKey } from './memory-per-key.ts'
import { question as messageSize } from './message-size.ts'
import { question as recovery } from './recovery.ts'
import { question as resp } from './resp.ts'
import { question as restart } from './restart.ts'
import { question as setFsync } from './set-fsync.ts'
import { question as setMemory } from './set-memory.ts'
import { question as shardScaling } from './shard-scaling.ts'
import { question as slotMove } from './slot-move.ts'
import { question as snapshotEffect } from './snapshot-effect.ts'
import { question as spawn } from './spawn.ts'
import { question as startup } from './startup.ts'
import { question as subsystems } from './subsystems.ts'
import { question as supervisedMessage } from './supervised-message.ts'
import { question as tasks } from './tasks.ts'
import { question as tell } from './tell.ts'
import { question as transactions } from './transactions.ts'
import { question as ycsb } from './ycsb.ts'

export const QUESTIONS: readonly Question[] = [
  askAwake,
  askAsleep,
  ask256,
  tell,
  counter,
  spawn,
  loopDelay,
  messageSize,
  startup,
  restart,
  supervisedMessage,
  subsystems,
  tasks,
  codec,
  getSync,
  setMemory,
  setFsync,
  commands,
  resp,
  ycsb,
  memoryPerKey,
  shardScaling,
  transactions,
  expiry,
  slotMove,
  recovery,
  snapshotEffect,
]
