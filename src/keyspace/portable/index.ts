/** Moving in and out: RDB files, exports as lines of JSON, and the commands between these and a keyspace. */
export { type Command, plainReply, type RunCommands } from './command-run.ts'
export { commandsOf, type EntryCommandOptions, type EntryCommands, type IfExists } from './entry-commands.ts'
export { EntryLoader, type EntryLoaderOptions, type LoadSummary } from './entry-loader.ts'
export { type ExportSummary, KeyExporter, type KeyExporterOptions } from './key-exporter.ts'
export { NdjsonReader, type NdjsonReaderOptions, type NdjsonSummary } from './ndjson/ndjson-reader.ts'
export { type NdjsonWriterOptions, writeNdjson } from './ndjson/ndjson-writer.ts'
export type {
  PortableEntry,
  PortableType,
  PortableValue,
  SkippedItem,
  SkippedKind,
} from './portable-entry.ts'
export { readRdbPayload } from './rdb/rdb-payload.ts'
export { RdbReader, type RdbReaderOptions, type RdbSummary } from './rdb/rdb-reader.ts'
