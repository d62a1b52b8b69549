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
  type KeyRing,
  KIND_NAMES,
  keysOf,
  type LogEntry,
  type LogStop,
  manifestOf,
  NO_KEYS,
  readLogs,
  readSegmentFile,
  recordBytes,
} from '../../keyspace/durability/offline/index.ts'
import { bytesText, refuseShard, type StorageOutput, timeText, wordText } from './figures.ts'

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

/** Prints records; exit code 2 when damage ended it, or there is no such shard. */
export async function inspectCommand(
  disk: Disk,
  path: string,
  options: InspectOptions,
  output: StorageOutput,
  keys: KeyRing = NO_KEYS,
): Promise<number> {
  const { isJson, limit, shard } = options
  let printed = 0
  let file = ''
  const take = (entry: LogEntry): boolean => {
    if (output.isClosed() || printed >= limit) return false
    const decoded = isChosen(entry, options)
    if (decoded === undefined) return true
    if (!isJson && file !== entry.path) output.out(`${printed > 0 ? '\n' : ''}${entry.path}\n`)
    file = entry.path
    output.out(isJson ? jsonLine(entry, decoded) : textLine(entry, decoded))
    return ++printed < limit
  }
  const isFile = path.endsWith('.log')
  if (!isFile && shard !== undefined) {
    const { shards } = await manifestOf(disk, path)
    if (shard >= shards) return refuseShard(path, shard, shards, output)
  }
  const stops = isFile
    ? await readSegmentFile(disk, path, take, keys)
    : await readLogs(disk, path, shard, take, keys)
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
  const { offset, index, atMs, revision, kind, payload } = record
  const time = atMs === 0 ? '-'.padEnd(24) : timeText(atMs)
  // Records that were encrypted together have one place in the file.
  const where = index === 0 ? String(offset) : `${offset}+${index}`
  const place = `${where.padStart(10)}  ${time}  ${String(revision).padStart(8)}`
  const head = `${place}  ${(KIND_NAMES[kind] ?? '?').padEnd(14)}`
  const { effects, state, claim } = decoded
  const lines = effects.map(({ db, argv }) => `${dbText(db)}${argv.map((word) => wordText(word)).join(' ')}`)
  if (state !== undefined) {
    const expiry = state.expireAt === 0 ? '' : `, expires ${timeText(state.expireAt)}`
    const size = bytesText(state.payload.length)
    lines.push(`${dbText(state.db)}${wordText(state.key)}: ${size}, revision ${state.revision}${expiry}`)
  }
  if (claim !== undefined) lines.push(claimText(claim))
  if (kind === 1) lines.push(Buffer.from(payload).toString())
  const indent = `\n${' '.repeat(head.length + 2)}`
  return `${`${head}  ${lines.join(indent)}`.trimEnd()}\n`
}

/** What became of slots, which are told by their runs: `slots 0-99, 107 given to shard 2`. */
function claimText({ type, shard, slots }: NonNullable<DecodedRecord['claim']>): string {
  const whom = { coming: `come from shard ${shard}`, given: `given to shard ${shard}`, taken: 'taken' }
  return `slots ${runsText(slots)} ${whom[type]}`
}

function runsText(slots: readonly number[]): string {
  const runs: string[] = []
  for (let i = 0; i < slots.length; i++) {
    const first = slots[i]!
    while (slots[i + 1] === slots[i]! + 1) i++
    runs.push(slots[i] === first ? String(first) : `${first}-${slots[i]}`)
  }
  return runs.join(', ')
}

function dbText(db: number): string {
  return db === 0 ? '' : `[${db}] `
}

function jsonLine({ record, shard, path }: LogEntry, decoded: DecodedRecord): string {
  const { effects, changes, state, claim } = decoded
  const { offset, index, payload, participants, atMs, revision, kind } = record
  const text = (word: string | Uint8Array): string =>
    typeof word === 'string' ? word : Buffer.from(word).toString('latin1')
  return `${JSON.stringify({
    shard,
    file: path,
    offset,
    ...(index > 0 && { index }),
    bytes: recordBytes(payload.length, participants.length),
    at: atMs === 0 ? null : timeText(atMs),
    revision,
    kind: KIND_NAMES[kind] ?? kind,
    ...(effects.length > 0 && { commands: effects.map(({ db, argv }) => ({ db, words: argv.map(text) })) }),
    ...(changes.length > 0 && { changes }),
    ...(state && {
      state: { ...state, payload: Buffer.from(state.payload).toString('base64') },
    }),
    ...(claim && { slots: { type: claim.type, shard: claim.shard, slots: claim.slots } }),
    ...(kind === 1 && { segment: JSON.parse(Buffer.from(record.payload).toString()) }),
  })}\n`
}
