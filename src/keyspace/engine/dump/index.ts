/** DUMP and RESTORE of one value, for the engine. */
export { BAD_CHECKSUM, BAD_PAYLOAD } from './dump-format.ts'
export { putRestored, type RestoredValue, readPayload, restoreValue } from './dump-reader.ts'
export { dumpSlices, dumpValue } from './dump-writer.ts'
