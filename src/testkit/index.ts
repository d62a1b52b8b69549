/** What programs import as `shardloom/testing`. */
export type { Disk, DiskFile, DiskMode } from '../base/index.ts'
export { type ExploreOptions, type ExploreReport, explore } from './explore.ts'
export type { Fault, FaultOptions, FaultType, PlannedFault } from './faults.ts'
export {
  checkLinearizable,
  type LinearizableOptions,
  type LinearizableOutcome,
  type NotLinearizable,
} from './history/linearizable.ts'
export { type LockCall, type LockState, lockModel } from './history/lock-model.ts'
export {
  type CounterCall,
  counterModel,
  type ListCall,
  listModel,
  type ModelValue,
  type QueueCall,
  queueModel,
  type RegisterCall,
  registerModel,
  type SetCall,
  setModel,
} from './history/models.ts'
export { type Model, type Operation, UNKNOWN } from './history/operation.ts'
export {
  checkReads,
  type ReadHistory,
  type ReadsOptions,
  type ReadsOutcome,
  type ReadViolation,
  type RecordedRead,
  type RecordedWrite,
} from './history/reads.ts'
export {
  checkSerializable,
  type SerializableOptions,
  type SerializableOutcome,
} from './history/serializable.ts'
export type { Anomaly, Transaction, TransactionStep } from './history/transactions.ts'
export type { Probe, ProbeMessage, ProbeOptions, Within } from './probe.ts'
export { type Replay, type SimulateOptions, simulate } from './simulate.ts'
export {
  type DiskCall,
  type DiskFault,
  type DiskOperation,
  SimulatedDisk,
  type SimulatedDiskOptions,
} from './simulated-disk.ts'
export type { SimulatedSpawnOptions, Simulation } from './simulation.ts'
