/** What the rest of the keyspace may use of its commands. */
export { blockTimeoutMs } from './block-timeout.ts'
export { readScan, type ScannedKey, scanShard } from './key-scan-commands.ts'
export { hasPlace, patternKey } from './sort-pattern.ts'
export { commandTable } from './table.ts'
