/** What works on the files of a keyspace that nobody has to have open. */

export {
  type EncryptionOptions,
  type KeyOptions,
  type KeyRing,
  keySources,
  type LogKey,
  loadKeys,
  lockDirectory,
  NO_KEYS,
  recordBytes,
  systemDisk,
} from '../../../storage/index.ts'
export { globMatcher } from '../../engine/index.ts'
export { type CopyManifest, type CopyOptions, type CopyReport, copyDirectory } from './copy-directory.ts'
export type { CopyCut } from './copy-plan.ts'
export { type DecodedRecord, decodeRecord, KIND_NAMES, keysOf } from './decoded-record.ts'
export { type EntryTaker, type LogEntry, type LogStop, readLogs, readSegmentFile } from './log-entries.ts'
export type { Loss } from './loss-tally.ts'
export { applyRepair } from './repair-directory.ts'
export { planRepair, type RepairPlan, type ShardRepair } from './repair-plan.ts'
export { type UpgradeReport, upgradeDirectory } from './upgrade-directory.ts'
export { manifestOf, type ShardReport, type VerifyReport, verifyDirectory } from './verify-directory.ts'
