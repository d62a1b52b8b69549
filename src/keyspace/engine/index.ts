/** What the rest of the keyspace may use of its engine. */

export { KEY_BYTES_MAX } from '../../memory/index.ts'
export type { Waiter } from './blocked-callers.ts'
export {
  type Argument,
  argumentOf,
  arrayOfBytes,
  type ByteString,
  byteString,
  bytesOfText,
  isAscii,
  LARGE_VALUE_BYTES,
  textOfBytes,
  VALUE_BYTES_MAX,
} from './byte-string.ts'
export type { ChannelHost } from './channel-host.ts'
export {
  type CollectionType,
  type CollectionValue,
  makeCollection,
  VALUE_LIMITS,
  type ValueLimits,
} from './collection.ts'
export type {
  BlockRequest,
  Call,
  Caller,
  CommandFlag,
  CommandGroup,
  CommandSpec,
  KeySpec,
  KeyUse,
  SplitRule,
} from './command.ts'
export { TRAIT_FAST, TRAIT_SEVERAL_KEYS, TRAIT_WRITE, traitsOf } from './command.ts'
export { CommandTable } from './command-table.ts'
export type { Commit, Effect, KeyChange, TransactionPart } from './commit.ts'
export { Database, type SetStringOptions } from './database.ts'
export { DATABASES, databaseIndex } from './database-index.ts'
export {
  BAD_CHECKSUM,
  BAD_PAYLOAD,
  Crc64,
  dumpSlices,
  dumpValue,
  openRdbPayload,
  putRestored,
  RdbInput,
  type RestoredValue,
  readPayload,
  restoreValue,
} from './dump/index.ts'
export {
  BLOCKED,
  type BulkSink,
  type EngineOptions,
  type LaterReply,
  type PlainSetListener,
} from './engine-options.ts'
export type { EngineClock, EngineServices, EngineStats } from './engine-services.ts'
export { globMatcher, globMatches, isLiteralPattern, type Matcher } from './glob.ts'
export {
  type Guest,
  guestOf,
  type KeyPatch,
  patchEffects,
  patchesOf,
  putGuests,
  putPatches,
  removeGuests,
} from './guests.ts'
export { hotAdd, hotChange, hotFind, hotGet, hotSet, keepTime, timePassed } from './hot-ways.ts'
export { type InPlace, replyOf } from './in-place.ts'
export { type KeyEventClass, keyEventClass } from './key-event.ts'
export type { ValueType } from './key-records.ts'
export { checkFence, fencingToken } from './locks/fence.ts'
export {
  type HolderState,
  type LockOutcome,
  type LockRequest,
  Ticket,
} from './locks/lock.ts'
export type { HolderInfo, LockInfo, WaiterInfo } from './locks/lock-info.ts'
export type { LockMode } from './locks/lock-rules.ts'
export { LockTable } from './locks/lock-table.ts'
export { dropLocks, exportLocks, importLocks, type LocksState, lockEffects } from './locks/lock-transfer.ts'
export type { TokenSource } from './locks/token-counter.ts'
export { type EvictionPolicyName, MEMORY_POLICY, type MemoryPolicy } from './memory-policy.ts'
export {
  DoubleReply,
  ErrorReply,
  err,
  MapReply,
  NO_SUCH_KEY,
  NOT_FLOAT,
  NOT_INTEGER,
  NULL_ARRAY,
  NullArrayReply,
  OK,
  OUT_OF_MEMORY,
  OUT_OF_RANGE,
  QUEUED,
  type Reply,
  SetReply,
  StatusReply,
  SYNTAX_ERROR,
  WRONG_TYPE,
} from './reply.ts'
export { ShardEngine } from './shard-engine.ts'
export { ByteDictionary } from './values/byte-dictionary.ts'
export { isInteger64 } from './values/encodings.ts'
export { HashValue } from './values/hash-value.ts'
export { ListValue } from './values/list-value.ts'
export {
  type LexRange,
  parseLexBound,
  parseScoreBound,
  type RankRange,
  type ScoreRange,
} from './values/score-range.ts'
export { formatScore, formatScoreShortest, parseScore, strtod } from './values/score-text.ts'
export type { ScoredMember } from './values/score-tree.ts'
export { SetValue } from './values/set-value.ts'
export { SortedSetValue } from './values/sorted-set-value.ts'
