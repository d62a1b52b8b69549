/** The types of workload.mjs, which is plain JavaScript because actors on real threads load it. */
import type { Operation, RecordedRead, RecordedWrite, Transaction } from '../../../src/testkit/index.ts'
import type { Line } from './notes.mjs'

/** What a client needs of a keyspace; that of the sources and that of the package have it alike. */
export type AnyKeyspace = object

export type Kind =
  | 'register'
  | 'counter'
  | 'set'
  | 'transaction'
  | 'token'
  | 'memory'
  | 'own'
  | 'listing'
  | 'lock'
  | 'move'

/** Commands on keys of one client, in the order in which they were given. */
export interface OwnNote {
  readonly commands: readonly (readonly string[])[]
  readonly reply: unknown
  readonly isBatch: boolean
  /** The refusal, or the code of an error; null: there is none. */
  readonly error: string | null
}

/** Everything that one client wrote down. */
export interface ClientNotes {
  readonly process: number
  readonly operations: Readonly<Record<'register' | 'counter' | 'set' | 'lock', Operation[]>>
  readonly transactions: Transaction[]
  readonly writes: RecordedWrite[]
  readonly reads: RecordedRead[]
  readonly own: OwnNote[]
  readonly snapshots: string[][][]
  readonly listings: { readonly how: 'size' | 'keys' | 'scan'; readonly reply: unknown }[]
  readonly errors: { readonly code: string; readonly text: string; readonly retryable: boolean | undefined }[]
}

export interface ClientPlan {
  readonly keyspace: AnyKeyspace
  readonly process: number
  readonly processes: number
  readonly seed: number
  now(): number
  readonly steps: number
  readonly kinds: readonly Kind[]
  readonly pause?: () => Promise<unknown>
  /** Whose keys are read, of those with one writer each. Default: those of all processes. */
  readonly peers?: readonly number[]
  /** Given the notes while they are made. */
  onNotes?(notes: ClientNotes): void
  /** Told of each line of the notes at once. */
  onLine?(line: Line): void
}

export const TOKENS: readonly string[]
export const TOKEN_KEYS: readonly string[]
export const FIXED_KEYS: readonly string[]
export function chanceOf(seed: number): (bound: number) => number
export function prepare(keyspace: AnyKeyspace): Promise<void>
export function runClient(plan: ClientPlan): Promise<ClientNotes>
