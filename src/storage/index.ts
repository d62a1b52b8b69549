/** What the other folders may use of `storage`. */

export { crc32Of } from './crc.ts'
export { type DirectoryLock, type DirectoryLockOptions, lockDirectory } from './directory-lock.ts'
export {
  type EncryptionOptions,
  type KeyOptions,
  type KeySources,
  keySources,
  loadKeys,
} from './key-source.ts'
export type { LogEncryption } from './log-cipher.ts'
export {
  type ExaminedLog,
  type ExaminedSegment,
  examineLog,
  type LogOwner,
  type LogTail,
  positionOf,
} from './log-examination.ts'
export {
  KIND_COMMIT,
  KIND_CONCLUDED,
  KIND_DECIDED,
  KIND_PREPARED,
  KIND_SEALED,
  KIND_SEGMENT,
  KIND_SLOTS,
  KIND_SNAPSHOT_BEGIN,
  KIND_SNAPSHOT_END,
  KIND_STATE,
  KIND_SYNCED,
  type LogRecord,
  MAGIC_BYTES,
  type RecordFields,
  recordBytes,
} from './log-format.ts'
export { KeyRing, LogKey, NO_KEYS, type RevealedKeys } from './log-key.ts'
export { DURABILITIES, type Durability, type LogWriterOptions } from './log-options.ts'
export { LogWriter } from './log-writer.ts'
export { RecordSink } from './record-sink.ts'
export { type SegmentInfo, segmentName, segmentNumber } from './segment-info.ts'
export { type FoundHeader, findHeaders, readSegment, type SegmentEnd } from './segment-reader.ts'
export { systemDisk } from './system-disk.ts'
