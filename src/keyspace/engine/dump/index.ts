/** DUMP and RESTORE of one value, for the engine; lengths, strings and checksums of Redis' formats. */
export { Crc64 } from './crc64.ts'
export { BAD_CHECKSUM, BAD_PAYLOAD } from './dump-format.ts'
export { putRestored, type RestoredValue, readPayload, restoreValue } from './dump-reader.ts'
export { dumpSlices, dumpValue } from './dump-writer.ts'
export { RdbInput } from './rdb-input.ts'
export { openRdbPayload } from './rdb-string.ts'
