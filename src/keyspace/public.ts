/** What `shardloom/keyspace` names: the types of a keyspace, for programs that pass its parts around. */

export type { EncryptionOptions, KeyOptions } from '../storage/index.ts'
export type { BatchOptions, SetOptions, TransactionOptions } from './client/call-options.ts'
export type { KeyspaceInput } from './client/caller.ts'
export type { Compute, ComputeContext, ComputeOptions } from './client/compute-once.ts'
export { KeyspaceHash } from './client/hash-face.ts'
export { Keyspace } from './client/keyspace.ts'
export { KeyspaceList, type WaitOptions } from './client/list-face.ts'
export { KeyspaceLock } from './client/lock.ts'
export type {
  LimitOptions,
  LimitView,
  LockHolderView,
  LockView,
  LockWaiterView,
} from './client/lock-face.ts'
export type {
  LockOptions,
  SemaphoreOptions,
  TryLockOptions,
  TrySemaphoreOptions,
} from './client/lock-options.ts'
export type { ReplyValue } from './client/reply-value.ts'
export type { ScanOptions } from './client/scanning.ts'
export { KeyspaceSession } from './client/session.ts'
export { KeyspaceSet } from './client/set-face.ts'
export {
  KeyspaceSortedSet,
  type ScoredMember,
  type SortedSetAddOptions,
  type SortedSetRange,
} from './client/sorted-set-face.ts'
export { KeyspaceTransaction } from './client/transaction-face.ts'
export type { KeyspaceKey } from './client/typed-calls.ts'
export type { EvictionPolicyName } from './engine/index.ts'
export type { KeyspaceOptions, RebalanceOptions } from './host/keyspace-options.ts'
export type { ShardStats } from './shard/shard-stats.ts'
export type { MoveSlotsReport, ShardLoad } from './shard/slot-messages.ts'
