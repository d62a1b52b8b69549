/** What the other folders use of key tables. */
export { HASH_SEED_DEFAULT, type HashSeed, hashBytes, hashKey } from './key-hash.ts'
export { ACCESS_CLOCK_MAX, KEY_BYTES_MAX, VALUE_BYTES_MAX } from './key-table-layout.ts'
export { KeyTableReader, type KeyTableReaderOptions, NOT_A_STRING, TORN } from './key-table-reader.ts'
export {
  type ByteString,
  type KeyTableOptions,
  KeyTableWriter,
  type RecordRef,
} from './key-table-writer.ts'
export type { PutOptions } from './put-options.ts'
