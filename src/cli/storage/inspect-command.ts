/**
 * `shardloom inspect log`: prints the records of a directory, or of one segment, for people or as NDJSON.
 *
 * It reads up to where the files end when it begins, so it may run beside an owner. At damage it says what is
 * there and goes on with the next shard; what is behind the damage in that log is not printed.
 *
 * Tests: test/cli/storage/inspect-command.test.ts
 */
import type { Disk } from '../../base/index.ts'
import {
  type DecodedRecord,
  decodeRecord,
  KIND_NAMES,
  keysOf,
  type LogEntry,
  type LogStop,
  readLogs,
  readSegmentFile,
} from '../../keyspace/durability/offline/index.ts'
import { bytesText, type StorageOutput, timeText, wordText } from './figures.ts'

/** Which records are printed, and how. */
export interface InspectOptions {
  readonly shard: number | undefined
  readonly from: number
  readonly to: number
  /** Whether a key is looked for; undefined: any, and none. */
  readonly isKey: ((key: string) => boolean) | undefined
  readonly kinds: ReadonlySet<string> | undefined
  readonly limit: number
  readonly isJson: boolean
}

/** Prints records; exit code 2 when damage ended it. */
export async function inspectCommand(
  disk: Disk,
  path: string,
  options: InspectOptions,
  output: StorageOutput,
): Promise<number> {
  const { isJson, limit, shard } = options
  let printed = 0
  let file = ''
  const take = (entry: LogEntry): boolean => {
    if (output.isClosed()) return false
    const decoded = isChosen(entry, options)
    if (decoded === undefined) return true
    if (!isJson && file !== entry.path) output.out(`${printed > 0 ? '\n' : ''}${entry.path}\n`)
    file = entry.path
    output.out(isJson ? jsonLine(entry, decoded) : textLine(entry, decoded))
    return ++printed < limit
  }
  const isFile = path.endsWith('.log')
  const stops = isFile ? await readSegmentFile(disk, path, take) : await readLogs(disk, path, shard, take)
  for (const stop of stops) output.err(stopText(stop))
  return stops.some(({ isTail }) => !isTail) ? 2 : 0
}

function stopText({ file, offset, reason, isTail }: LogStop): string {
  const what = isTail ? 'the log ends in a tail' : 'damage'
  return `shardloom: ${what}: ${file}, offset ${offset}: ${reason}\n`
}

/** What a record says; undefined: it is not asked for. */
function isChosen({ record }: LogEntry, options: InspectOptions): DecodedRecord | undefined {
  const { from, to, isKey, kinds } = options
  const { kind, revision } = record
  if (revision < from || revision > to) return undefined
  if (kinds !== undefined && !kinds.has(KIND_NAMES[kind] ?? '')) return undefined
  const decoded = decodeRecord(record)
  return isKey === undefined || keysOf(decoded).some(({ key }) => isKey(key)) ? decoded : undefined
}

function textLine({ record }: LogEntry, decoded: DecodedRecord): string {
  const { offset, atMs, revision, kind, payload } = record
  const time = atMs === 0 ? '-'.padEnd(24) : timeText(atMs)
  const place = `${String(offset).padStart(10)}  ${time}  ${String(revision).padStart(8)}`
  const head = `${place}  ${(KIND_NAMES[kind] ?? '?').padEnd(14)}`
  const { effects, state } = decoded
  const lines = effects.map(({ db, argv }) => `${dbText(db)}${argv.map((word) => wordText(word)).join(' ')}`)
  if (state !== undefined) {
    const expiry = state.expireAt === 0 ? '' : `, expires ${timeText(state.expireAt)}`
    const size = bytesText(state.payload.length)
    lines.push(`${dbText(state.db)}${wordText(state.key)}: ${size}, revision ${state.revision}${expiry}`)
  }
  if (kind === 1) lines.push(Buffer.from(payload).toString())
  const indent = `\n${' '.repeat(head.length + 2)}`
  return `${`${head}  ${lines.join(indent)}`.trimEnd()}\n`
}

function dbText(db: number): string {
  return db === 0 ? '' : `[${db}] `
}

function jsonLine({ record, shard, path }: LogEntry, { effects, changes, state }: DecodedRecord): string {
  const { offset, endOffset, atMs, revision, kind } = record
  const text = (word: string | Uint8Array): string =>
    typeof word === 'string' ? word : Buffer.from(word).toString('latin1')
  return `${JSON.stringify({
    shard,
    file: path,
    offset,
    bytes: endOffset - offset,
    at: atMs === 0 ? null : timeText(atMs),
    revision,
    kind: KIND_NAMES[kind] ?? kind,
    ...(effects.length > 0 && { commands: effects.map(({ db, argv }) => ({ db, words: argv.map(text) })) }),
    ...(changes.length > 0 && { changes }),
    ...(state && {
      state: { ...state, payload: Buffer.from(state.payload).toString('base64') },
    }),
    ...(kind === 1 && { segment: JSON.parse(Buffer.from(record.payload).toString()) }),
  })}\n`
}
