/** What the rest of the keyspace may use of its engine. */
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
  SplitRule,
} from './command.ts'
export { CommandTable, type KeyUse } from './command-table.ts'
export type { Commit, Effect, KeyChange } from './commit.ts'
export { Database, type SetStringOptions, type ValueType } from './database.ts'
export {
  BAD_CHECKSUM,
  BAD_PAYLOAD,
  dumpSlices,
  dumpValue,
  putRestored,
  type RestoredValue,
  readPayload,
  restoreValue,
} from './dump/index.ts'
export type { EngineClock, EngineServices, EngineStats } from './engine-services.ts'
export { globMatcher, globMatches, isLiteralPattern, type Matcher } from './glob.ts'
export { type KeyEventClass, keyEventClass } from './key-event.ts'
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
export { BLOCKED, type EngineOptions, ShardEngine } from './shard-engine.ts'
export { isInteger64 } from './values/encodings.ts'
export { strtod } from './values/score-text.ts'
