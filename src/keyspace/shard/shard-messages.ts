/**
 * The messages of a shard's actor, as its callers type them.
 * Tests: test/keyspace/keyspace.race.test.ts
 */
import type { ActorContext } from '../../actor/index.ts'
import type { Transferred } from '../../base/index.ts'
import type { RecoveryReport, SnapshotReport } from '../durability/index.ts'
import type { Guest, KeyPatch } from '../engine/index.ts'
import type {
  HearRequest,
  ListenMessage,
  PublishMessage,
  SubscribeRequest,
  SubscriptionItem,
} from '../pubsub/pubsub-messages.ts'
import type { TableNews } from '../shared/table-feed.ts'
import type { TouchedItem } from '../watch/touched-keys.ts'
import type { ProgressRequest, WatchItem, WatchRequest } from '../watch/watch-messages.ts'
import type { ShardChange } from './shard-change.ts'
import type { ShardFigures, SlotKeys } from './shard-figures.ts'
import type { ShardStats } from './shard-stats.ts'
import type {
  ImportMessage,
  MoveSlotsMessage,
  MoveSlotsReport,
  ShardLoad,
  TakeMessage,
} from './slot-messages.ts'
import type {
  BeginAnswer,
  GatherMessage,
  PatchMessage,
  RunMessage,
  ScheduleAnswer,
  ScheduleMessage,
  StageMessage,
  TransactAnswer,
  TransactionKey,
  TransactMessage,
} from './transaction-messages.ts'

type Later<T> = T | Promise<T>

/** What a shard takes: from clients, then from other shards. */
export interface ShardMessages<State = unknown> {
  /** A batch of commands; their replies. */
  run(state: State, batch: Uint8Array): Later<Uint8Array | Transferred<Uint8Array>>
  /** One command that may wait. */
  block(state: State, request: Uint8Array, ctx: ActorContext): Promise<Uint8Array>
  /** The same for a caller that may end its wait, by `endWait`, and still wants to know how it ended. */
  wait(
    state: State,
    message: { readonly id: string; readonly request: Uint8Array },
    ctx: ActorContext,
  ): Promise<Uint8Array>
  endWait(state: State, id: string): void
  /** The table that readers look into. */
  tables(state: State): TableNews
  /** Tells every thread of the table once more. */
  tellTables(state: State): void
  /** One step of SCAN here; the cursor is a place in the order of hashes. */
  scan(state: State, request: { readonly argv: readonly string[]; readonly db: number }): Later<ScanAnswer>
  /** Resolves when one of the keys has changed, or the time is over. */
  awaitKeys(
    state: State,
    request: { readonly keys: readonly string[]; readonly db: number; readonly timeoutMs: number },
    ctx: ActorContext,
  ): Promise<void>
  /** Several commands as one, over any shards. */
  transact(state: State, message: TransactMessage, ctx: ActorContext): Later<TransactAnswer>
  /** Takes keys for a callback at the caller. */
  begin(
    state: State,
    message: { readonly keys: readonly TransactionKey[]; readonly holdMs: number },
    ctx: ActorContext,
  ): Promise<BeginAnswer>
  /** What the callback made of the keys; false: too late. */
  commit(
    state: State,
    message: { readonly tx: number; readonly patches: readonly KeyPatch[]; readonly level: number },
  ): Later<boolean>
  abort(state: State, tx: number): void
  /** Gives slots to another shard. */
  moveSlots(state: State, message: MoveSlotsMessage): Promise<MoveSlotsReport>
  load(state: State, slotsMax: number): ShardLoad
  stats(state: State): ShardStats
  /** All that is told of it. */
  figures(state: State): ShardFigures
  /** Other values of what it goes by. */
  change(state: State, change: ShardChange): void
  /** Throws out what it may, if it holds more than it may; false: it still does. */
  makeRoom(state: State): boolean
  /** Resolves when what was committed by now outlives a power cut; without `wait`, whether it does. */
  sync(state: State, wait: boolean): Later<boolean>
  keysInSlot(
    state: State,
    asked: { readonly slot: number; readonly keysMax: number; readonly countMax: number },
  ): Promise<SlotKeys>
  /** Replays its log, before it serves anybody; undefined: it has none. */
  recover(state: State): Promise<RecoveryReport | undefined>
  snapshot(state: State): Promise<SnapshotReport | undefined>
  /** Keys of slots that will be this shard's. */
  importKeys(state: State, message: ImportMessage): Promise<void>
  takeSlots(state: State, message: TakeMessage): Promise<void>
  dropImported(state: State, from: number): void
  /** Resolves when no slots are on their way from this shard, of those that were when it was asked. */
  movesEnded(state: State): Promise<void>
  /** Changes of keys, in the order of their revisions. */
  watch(state: State, request: WatchRequest, ctx: ActorContext): AsyncGenerator<WatchItem, void>
  watchProgress(state: State, request: ProgressRequest): void
  /** Messages of channels. */
  subscribe(
    state: State,
    request: SubscribeRequest,
    ctx: ActorContext,
  ): AsyncGenerator<SubscriptionItem, void>
  /** The same for all clients of a thread, whose names come and go by `listen`. */
  hear(state: State, request: HearRequest, ctx: ActorContext): AsyncGenerator<SubscriptionItem, void>
  /** False: there is no such stream. */
  listen(state: State, message: ListenMessage): boolean
  /** Names of keys that change. `id`: of whoever is called at once, when it is on this thread. */
  touched(
    state: State,
    request: { readonly id: string },
    ctx: ActorContext,
  ): AsyncGenerator<TouchedItem, void>
  /** A message for a channel that is at home here. */
  publish(state: State, message: PublishMessage): void
  schedule(state: State, message: ScheduleMessage): Later<ScheduleAnswer>
  gather(state: State, message: GatherMessage): Later<readonly Guest[]>
  runPart(state: State, message: RunMessage): Later<Uint8Array>
  stage(state: State, message: StageMessage): Later<void>
  resolveParts(state: State, decided: readonly number[]): void
  outcomesOf(state: State, revisions: readonly number[]): Promise<readonly number[]>
  apply(state: State, message: PatchMessage): Later<void>
  applyStaged(state: State, tx: number): Later<void>
  release(state: State, tx: number): void
  /** It will be stopped: who waits is told so. */
  endWaits(state: State): void
  /** Another shard is gone, with what it coordinated. */
  shardLost(state: State, lost: { readonly shard: number; readonly life: number }): void
}

/** What a step of SCAN found; or the first word and the text of the error to answer. */
export type ScanAnswer =
  | { readonly cursor: number; readonly keys: readonly { readonly key: string; readonly hash: number }[] }
  | { readonly error: readonly [string, string] }
