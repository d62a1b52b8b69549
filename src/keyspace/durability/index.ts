/** What the rest of the keyspace may use of its durability. */
export { fencedDisk } from './fenced-disk.ts'
export { FORMAT_VERSION, type Manifest, readManifest, shardFolder, writeManifest } from './manifest.ts'
export type { PartLog } from './part-log.ts'
export type { Replay } from './replay.ts'
export { levelNumber, type ShardJournal } from './shard-journal.ts'
export { openStore, type RecoveryReport, type StoreSettings } from './shard-store.ts'
export { type SnapshotReport, Snapshotter } from './snapshotter.ts'
