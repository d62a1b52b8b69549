/** What the rest of the keyspace may use of its transactions. */
export { type Intents, type KeyIntent, WHOLE_SHARD } from './intent-table.ts'
export {
  type ScheduleOutcome,
  ShardSchedule,
  type TransactionId,
  type TransactionState,
} from './shard-schedule.ts'
