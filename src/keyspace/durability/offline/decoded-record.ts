/**
 * What a record of the log says, whatever its kind: its commands, the keys that it touches, the state of a
 * key.
 *
 * Tests: test/keyspace/durability/offline/decoded-record.test.ts
 */
import { assert } from '../../../base/index.ts'
import {
  KIND_COMMIT,
  KIND_CONCLUDED,
  KIND_DECIDED,
  KIND_PREPARED,
  KIND_SEALED,
  KIND_SEGMENT,
  KIND_SLOTS,
  KIND_SNAPSHOT_BEGIN,
  KIND_SNAPSHOT_END,
  KIND_STATE,
  KIND_SYNCED,
  type LogRecord,
} from '../../../storage/index.ts'
import type { ByteString, Effect, KeyChange } from '../../engine/index.ts'
import { PayloadReader, readCommit } from '../commit-payload.ts'
import { readSlotRecord, type SlotRecord } from '../slot-claims.ts'

/** Kinds of records by their number. */
export const KIND_NAMES: Readonly<Record<number, string>> = {
  [KIND_SEGMENT]: 'segment',
  [KIND_COMMIT]: 'commit',
  [KIND_SNAPSHOT_BEGIN]: 'snapshot-begin',
  [KIND_STATE]: 'state',
  [KIND_SNAPSHOT_END]: 'snapshot-end',
  [KIND_SYNCED]: 'synced',
  [KIND_SLOTS]: 'slots',
  [KIND_PREPARED]: 'prepared',
  [KIND_DECIDED]: 'decided',
  [KIND_CONCLUDED]: 'concluded',
  [KIND_SEALED]: 'sealed',
}

/** The state of one key in a snapshot, or as it came from another shard. */
export interface DecodedState {
  readonly db: number
  readonly key: ByteString
  /** Wall-clock milliseconds; 0: it does not expire. */
  readonly expireAt: number
  readonly revision: number
  /** As DUMP gives it. */
  readonly payload: Uint8Array
}

/** A key and its database. */
export interface DecodedKey {
  readonly db: number
  readonly key: ByteString
}

/** A record, read. */
export interface DecodedRecord {
  readonly effects: readonly Effect[]
  readonly changes: readonly KeyChange[]
  readonly state: DecodedState | undefined
  /** What became of slots. */
  readonly claim: SlotClaimRecord | undefined
}

/** A record of slots that holds no key. */
export type SlotClaimRecord = Exclude<SlotRecord, { readonly type: 'key' }>

const NOTHING: DecodedRecord = { effects: [], changes: [], state: undefined, claim: undefined }

/** What a record says. @throws SHL_ASSERTION when its payload is none of its kind */
export function decodeRecord({ kind, payload }: Pick<LogRecord, 'kind' | 'payload'>): DecodedRecord {
  if (kind === KIND_COMMIT || kind === KIND_PREPARED) return { ...NOTHING, ...readCommit(payload) }
  if (kind === KIND_STATE) return { ...NOTHING, state: readState(new PayloadReader(payload)) }
  if (kind !== KIND_SLOTS) return NOTHING
  const record = readSlotRecord(payload)
  return record.type === 'key'
    ? { ...NOTHING, state: readState(record.reader) }
    : { ...NOTHING, claim: record }
}

/** Whether a record of slots says that they change hands, or that they have. */
export function isChangeOfOwner({ payload }: Pick<LogRecord, 'payload'>): boolean {
  const { type } = readSlotRecord(payload)
  return type === 'given' || type === 'taken'
}

function readState(reader: PayloadReader): DecodedState {
  const state = {
    db: reader.number(),
    key: reader.text(),
    expireAt: reader.number(),
    revision: reader.number(),
    payload: reader.bytes(),
  }
  assert(reader.isAtEnd, 'a state ends with its value')
  return state
}

/** The keys that a record changes, each once. A command without changes is taken to change its first key. */
export function keysOf({ effects, changes, state }: DecodedRecord): DecodedKey[] {
  const found = new Map<string, DecodedKey>()
  const add = (db: number, key: ByteString): void => {
    if (key !== '') found.set(`${db}:${key}`, { db, key })
  }
  for (const { db, key } of changes) add(db, key)
  if (state !== undefined) add(state.db, state.key)
  if (changes.length > 0) return [...found.values()]
  for (const { db, argv } of effects) if (typeof argv[1] === 'string') add(db, argv[1])
  return [...found.values()]
}
