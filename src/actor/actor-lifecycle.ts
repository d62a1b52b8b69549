/**
 * The lives of the actors on one thread: start, restart, stop, end, and who is told of it.
 *
 *     spawn ─► starting ─ init ─► running ─► ending ─ children, onStop ─► ended ─► everybody is told
 *                   └─ init fails ─────────────────────────────────────────► the spawner is told
 *
 * Every end takes one path, whatever its reason: the slot takes nothing new, timers and streams close, what
 * waits is answered or counted, children end first, `onStop` runs within its limit (unless killed), and then
 * everybody who asked to be told is told once. A watch of an actor that is gone is answered at once; a watch
 * of an actor whose thread is lost is answered from this side, and whichever comes first wins: the entry is
 * taken out.
 *
 * Writer: this thread writes its actor table. Invariants: (1) a slot's generation is 0 in shared memory
 * before its actor is torn down, so that no sender takes a place any more; (2) each watch ends in exactly one
 * `terminated`, or in `unwatch`; (3) every hook has a time limit.
 * Source: Erlang's monitors and links, Akka's PostStop.
 * Tests: test/actor/lifecycle.race.test.ts
 */
import { addAbortListener, type Clock, ShardloomError, toError, within } from '../base/index.ts'
import * as wire from '../transport/index.ts'
import { FLAG_SUSPENDED } from './actor-flags.ts'
import { type ActorHost, cellText } from './actor-host.ts'
import { type ActorAddress, addressKey, plainAddress } from './address.ts'
import * as cells from './cell.ts'
import { CellContext, type ContextHost } from './cell-context.ts'
import type { AnyActorDefinition } from './define-actor.ts'
import type { Dispatch } from './dispatch.ts'
import { isThenable } from './handling.ts'
import { Envelope } from './mailbox.ts'
import type { MailboxOptions, MailboxPolicy } from './mailbox-options.ts'
import type { Outbox } from './outbox.ts'
import type { ActorRef } from './ref.ts'
import { isAbnormal, type TerminationReason } from './termination.ts'

/** What a spawn on this thread is told. */
export interface LocalSpawn {
  readonly definition: AnyActorDefinition
  readonly args: unknown
  readonly name: string
  readonly module: string
  readonly mailbox: MailboxOptions | undefined
  /** Ends the actor while it starts. */
  readonly signal?: AbortSignal | undefined
  /** Hands its messages on, instead of handling them. */
  readonly dispatch?: Dispatch
}

/** What the lifecycle is made of. */
export interface LifecycleParts {
  readonly memory: wire.ThreadMemory
  readonly clock: Clock
  readonly outbox: Outbox
  readonly host: ActorHost
  readonly contextHost: ContextHost
  readonly actorsMax: number
  readonly mailboxDefaults: Required<MailboxOptions>
  readonly initTimeoutMs: number
  readonly stopTimeoutMs: number
  noteSettled(): void
  requestRun(): void
  onActorEnded(address: ActorAddress, reason: TerminationReason): void
  onHookFailed(address: ActorAddress, hook: string, error: Error): void
}

const POLICY_CODES: Record<MailboxPolicy, number> = {
  refuse: wire.POLICY_REFUSE,
  wait: wire.POLICY_WAIT,
  drop_newest: wire.POLICY_DROP_NEWEST,
  drop_oldest: wire.POLICY_DROP_OLDEST,
}

/** Starts and ends the actors of one thread. */
export class ActorLifecycle {
  livingCount = 0
  readonly #parts: LifecycleParts
  readonly #generations: Int32Array
  readonly #freeSlots: number[] = []
  #slotCount = 0

  constructor(parts: LifecycleParts) {
    this.#parts = parts
    this.#generations = new Int32Array(parts.actorsMax)
  }

  /** Starts an actor here; resolves once `init` is done. */
  spawn(spawn: LocalSpawn): Promise<ActorAddress> {
    const { definition, args } = spawn
    const cell = this.#allocate(spawn)
    const { init } = definition
    if (init === undefined) return Promise.resolve(this.#started(cell))
    const context = this.#contextOf(cell)
    let state: unknown
    try {
      state = init(context, args)
    } catch (error) {
      return Promise.reject(this.#initFailed(cell, spawn.module, error))
    }
    if (!isThenable(state)) {
      if (cell.status !== cells.CELL_STARTING) return Promise.reject(endedInInit(cell))
      cell.state = state
      return Promise.resolve(this.#started(cell))
    }
    this.#parts.noteSettled()
    return this.#awaitInit(cell, spawn.module, state, spawn.signal)
  }

  /** A stop was asked for. `mode` as in `cell.ts`. */
  requestStop(cell: cells.ActorCell, mode: number, reason: TerminationReason): void {
    if (cell.status === cells.CELL_ENDING && mode === cells.STOP_KILL) this.#cut(cell)
    if (cell.status >= cells.CELL_ENDING) return
    if (mode === cells.STOP_KILL) {
      this.end(cell, reason.type === 'stopped' ? { type: 'killed' } : reason)
      return
    }
    if (cell.stopMode === cells.STOP_NONE || mode > cell.stopMode) cell.stopMode = mode
    cell.stopReason ??= reason
    this.#closeSlot(cell)
    if (mode === cells.STOP_DRAIN) {
      cell.timers?.cancelAll()
      // What is suspended could not finish.
      const flags = cell.slot * wire.ACTOR_WORDS + wire.ACTOR_FLAGS
      Atomics.and(this.#parts.memory.actors, flags, ~FLAG_SUSPENDED)
    }
    // Looked at with the next batch: what a sender sent before its stop has arrived by then.
    this.#parts.host.schedule(cell)
    this.#parts.host.checkStop(cell)
  }

  /** Ends an actor; see the head comment. */
  end(cell: cells.ActorCell, reason: TerminationReason): void {
    if (cell.status >= cells.CELL_ENDING) return
    const { host } = this.#parts
    const isMade = cell.status === cells.CELL_RUNNING || cell.state !== undefined
    cell.status = cells.CELL_ENDING
    cell.epoch++
    this.#closeSlot(cell)
    cell.timers?.cancelAll()
    const current = cell.isBusy ? cell.context?.envelope : undefined
    cell.context?.abort()
    if (current !== undefined && !current.isStashed) host.discard(cell, current, reason)
    host.discardInFlight(cell, reason)
    host.closeServed(cell, reason)
    for (let next = cell.mailbox?.shift(); next !== undefined; next = cell.mailbox?.shift()) {
      host.discard(cell, next, reason)
    }
    for (const stashed of cell.stash?.splice(0) ?? []) host.discard(cell, stashed, reason)
    this.#parts.requestRun()
    const isKilled = reason.type === 'killed'
    const endChildren = this.#endChildren(cell, isKilled)
    // What has no state has nothing to give back.
    const onStop = isMade && !isKilled ? cell.definition.onStop : undefined
    if (endChildren === undefined && onStop === undefined) {
      this.#ended(cell, reason)
      return
    }
    void this.#endSlowly(cell, reason, endChildren, onStop)
  }

  /** It is ending, and takes too long. */
  #cut(cell: cells.ActorCell): void {
    for (const child of cell.children?.values() ?? []) this.#parts.outbox.sendStop(child, 'kill')
    this.#ended(cell, { type: 'killed' })
    this.#parts.requestRun()
  }

  /** The actor starts over with its arguments; its mailbox, watchers and links stay. */
  restart(cell: cells.ActorCell, error: Error): void {
    const { host } = this.#parts
    cell.epoch++
    cell.timers?.cancelAll()
    host.discardInFlight(cell, { type: 'failed', error })
    host.closeServed(cell, { type: 'failed', error })
    const { init } = cell.definition
    if (init === undefined) {
      host.schedule(cell)
      return
    }
    cell.status = cells.CELL_STARTING
    let state: unknown
    try {
      state = init(this.#contextOf(cell), cell.args)
    } catch (initError) {
      this.end(cell, { type: 'failed', error: toError(initError) })
      return
    }
    if (isThenable(state)) {
      this.#awaitInit(cell, cell.name, state, undefined).catch((initError: unknown) => {
        this.end(cell, { type: 'failed', error: toError(initError) })
      })
      return
    }
    // It may have ended itself in `init`.
    if (cell.status !== cells.CELL_STARTING) return
    cell.state = state
    cell.status = cells.CELL_RUNNING
    host.schedule(cell)
  }

  /** Somebody wants to be told of an actor's end; told at once when there is none. */
  addWatcher(slot: number, generation: number, watcher: cells.Watcher): void {
    const cell = this.#parts.host.find(slot, generation)
    if (cell === undefined) {
      const gone = { thread: this.#parts.memory.id, slot, generation, name: '' }
      this.#tell(watcher, gone, { type: 'not_found' })
      return
    }
    cell.watchers ??= []
    cell.watchers.push(watcher)
    if (watcher.kind !== cells.TELL_LINKED) return
    cell.linked ??= new Map()
    cell.linked.set(addressKey(watcher), watcher)
  }

  removeWatcher(slot: number, generation: number, watcher: ActorAddress, kind: number): void {
    const cell = this.#parts.host.find(slot, generation)
    if (cell === undefined) return
    const key = addressKey(watcher)
    cell.watchers = cell.watchers?.filter((one) => one.kind !== kind || addressKey(one) !== key)
    if (kind === cells.TELL_LINKED) cell.linked?.delete(key)
  }

  /** A promise waits for the end; `mode` other than none asks for it too. */
  awaitEnd(slot: number, generation: number, waiter: cells.EndWaiter, mode: number): void {
    const cell = this.#parts.host.find(slot, generation)
    if (cell === undefined) {
      this.#answerEnd(waiter, { type: 'not_found' })
      return
    }
    cell.endWaiters ??= []
    cell.endWaiters.push(waiter)
    if (mode !== cells.STOP_NONE) this.requestStop(cell, mode, { type: 'stopped' })
  }

  /** News of an end has arrived for one of this thread's actors. */
  onTerminated(cell: cells.ActorCell, ended: ActorAddress, kind: number, reason: TerminationReason): void {
    const key = addressKey(ended)
    if (kind === cells.TELL_PARENT) {
      cell.children?.delete(key)
      return
    }
    if (kind === cells.TELL_LINKED) {
      if (cell.linked?.delete(key) !== true || !isAbnormal(reason)) return
      this.requestStop(cell, cells.STOP_STOP, { type: 'linked', to: cellText(ended), reason })
      return
    }
    const watched = cell.watching?.get(key)
    if (watched === undefined) return
    cell.watching!.delete(key)
    if (cell.definition.onSignal === undefined) return
    const ref: ActorRef = this.#parts.contextHost.refFor(watched, this.#contextOf(cell))
    const envelope = new Envelope(wire.KIND_TERMINATED, 'terminated', { type: 'terminated', ref, reason })
    this.#parts.host.deliverSignal(cell, envelope, ended)
  }

  /** Everything on `thread` is gone: all watches, links and children there end now. */
  onThreadLost(thread: number, reason: TerminationReason): void {
    for (const cell of this.#parts.host.cells) {
      if (cell === undefined) continue
      const kinds = [
        [cell.watching, cells.TELL_WATCHER],
        [cell.linked, cells.TELL_LINKED],
        [cell.children, cells.TELL_PARENT],
      ] as const
      for (const [addresses, kind] of kinds) {
        if (addresses === undefined) continue
        for (const address of [...addresses.values()]) {
          if (address.thread === thread) this.onTerminated(cell, address, kind, reason)
        }
      }
    }
  }

  /** The actors that live here, oldest slot first. */
  living(): cells.ActorCell[] {
    return this.#parts.host.cells.filter((cell): cell is cells.ActorCell => cell !== undefined)
  }

  /** Slots in use so far: how much of the actor table is worth a look. */
  get slotCount(): number {
    return this.#slotCount
  }

  #allocate(spawn: LocalSpawn): cells.ActorCell {
    const { memory, actorsMax, mailboxDefaults, host } = this.#parts
    const slot = this.#freeSlots.pop() ?? this.#slotCount
    if (slot >= actorsMax) throw new ShardloomError('SHL_ACTOR_LIMIT', { thread: memory.id, actorsMax })
    if (slot === this.#slotCount) this.#slotCount++
    const generation = this.#generations[slot]! + 1
    this.#generations[slot] = generation
    const mailbox = { ...mailboxDefaults, ...spawn.definition.mailbox, ...spawn.mailbox }
    const { depthMax, bytesMax, policy } = mailbox
    const bounds = { depthMax, bytesMax, isDropOldest: policy === 'drop_oldest' }
    const address = { thread: memory.id, slot, generation, name: spawn.name }
    const cell = new cells.ActorCell(address, spawn.definition, spawn.args, bounds, spawn.dispatch)
    host.cells[slot] = cell
    const base = slot * wire.ACTOR_WORDS
    memory.actors[base + wire.ACTOR_DEPTH_MAX] = depthMax
    memory.actors[base + wire.ACTOR_BYTES_MAX] = bytesMax
    memory.actors[base + wire.ACTOR_POLICY] = POLICY_CODES[policy]
    Atomics.store(memory.actors, base + wire.ACTOR_FLAGS, 0)
    Atomics.store(memory.actors, base + wire.ACTOR_GENERATION, generation)
    this.livingCount++
    this.#publishCounts()
    return cell
  }

  #started(cell: cells.ActorCell): ActorAddress {
    cell.status = cells.CELL_RUNNING
    if (cell.context !== undefined) cell.context.envelope = undefined
    if (cell.mailbox !== undefined || cell.stopMode !== cells.STOP_NONE) this.#parts.host.schedule(cell)
    return cell
  }

  async #awaitInit(
    cell: cells.ActorCell,
    module: string,
    state: PromiseLike<unknown>,
    signal: AbortSignal | undefined,
  ): Promise<ActorAddress> {
    const { clock } = this.#parts
    const initTimeoutMs = cell.definition.initTimeoutMs ?? this.#parts.initTimeoutMs
    let onAbort = (): void => undefined
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => {
        this.end(cell, { type: 'killed' })
        reject(endedInInit(cell))
      }
    })
    const forgetSignal = signal && addAbortListener(signal, onAbort)
    if (signal?.aborted) onAbort()
    try {
      const late = new ShardloomError('SHL_ACTOR_INIT_TIMEOUT', { actor: cell.name, initTimeoutMs })
      const made = await within(clock, Promise.race([state, aborted]), initTimeoutMs, late)
      if (cell.status !== cells.CELL_STARTING) throw endedInInit(cell)
      cell.state = made
    } catch (error) {
      throw this.#initFailed(cell, module, error)
    } finally {
      forgetSignal?.()
    }
    return this.#started(cell)
  }

  #initFailed(cell: cells.ActorCell, module: string, error: unknown): ShardloomError {
    const isLate = error instanceof ShardloomError && error.code === 'SHL_ACTOR_INIT_TIMEOUT'
    const failure = isLate
      ? error
      : new ShardloomError('SHL_ACTOR_INIT_FAILED', { actor: cell.name, module }, { cause: error })
    this.end(cell, { type: 'failed', error: failure })
    return failure
  }

  /** For placement and for the look at what is still under way. */
  #publishCounts(): void {
    const { control } = this.#parts.memory
    control[wire.CONTROL_ACTORS] = this.livingCount
    control[wire.CONTROL_SLOTS] = this.#slotCount
  }

  #closeSlot(cell: cells.ActorCell): void {
    Atomics.store(this.#parts.memory.actors, cell.slot * wire.ACTOR_WORDS + wire.ACTOR_GENERATION, 0)
  }

  #endChildren(cell: cells.ActorCell, isKilled: boolean): Promise<unknown> | undefined {
    const { children } = cell
    if (children === undefined || children.size === 0) return undefined
    const { outbox } = this.#parts
    const mode = isKilled ? 'kill' : 'stop'
    return Promise.allSettled([...children.values()].map((child) => outbox.stop(child, { mode })))
  }

  async #endSlowly(
    cell: cells.ActorCell,
    reason: TerminationReason,
    children: Promise<unknown> | undefined,
    onStop: AnyActorDefinition['onStop'],
  ): Promise<void> {
    if (children !== undefined) await children
    const { stopTimeoutMs } = cell.definition
    if (onStop !== undefined && cell.status === cells.CELL_ENDING) {
      const timeoutMs = stopTimeoutMs ?? this.#parts.stopTimeoutMs
      const details = { actor: cellText(cell), hook: 'onStop', timeoutMs }
      try {
        const stopping = onStop(cell.state, this.#contextOf(cell))
        const late = new ShardloomError('SHL_HOOK_TIMEOUT', details)
        await within(this.#parts.clock, Promise.resolve(stopping), timeoutMs, late)
      } catch (error) {
        this.#parts.onHookFailed(cell, 'onStop', toError(error))
      }
    }
    if (cell.status !== cells.CELL_ENDING) return
    this.#ended(cell, reason)
    this.#parts.noteSettled()
    this.#parts.requestRun()
  }

  #ended(cell: cells.ActorCell, reason: TerminationReason): void {
    const { host, memory } = this.#parts
    cell.status = cells.CELL_ENDED
    host.releaseCell(cell)
    host.cells[cell.slot] = undefined
    this.livingCount--
    this.#publishCounts()
    // What is on its way to this generation still finds the slot, and is told that the actor has ended.
    this.#freeSlots.push(cell.slot)
    for (const watcher of cell.watchers ?? []) this.#tell(watcher, cell, reason)
    // A link that only this side knows yet.
    for (const linked of cell.linked?.values() ?? []) {
      if (
        cell.watchers?.some((one) => one.kind === cells.TELL_LINKED && addressKey(one) === addressKey(linked))
      )
        continue
      this.#tell({ ...plainAddress(linked), kind: cells.TELL_LINKED }, cell, reason)
    }
    for (const waiter of cell.endWaiters ?? []) this.#answerEnd(waiter, reason)
    if (memory.id >= 0) this.#parts.onActorEnded(cell, reason)
  }

  #tell(watcher: cells.Watcher, ended: ActorAddress, reason: TerminationReason): void {
    this.#parts.outbox.sendSignal(wire.KIND_TERMINATED, watcher, ended, watcher.kind, reason)
  }

  #answerEnd(waiter: cells.EndWaiter, reason: TerminationReason): void {
    const envelope = new Envelope(wire.KIND_AWAIT_END, '', undefined)
    Object.assign(envelope, waiter)
    this.#parts.outbox.answer(wire.KIND_REPLY, envelope, reason)
  }

  #contextOf(cell: cells.ActorCell): CellContext {
    cell.context ??= new CellContext(cell, this.#parts.contextHost)
    return cell.context
  }
}

function endedInInit(cell: cells.ActorCell): ShardloomError {
  return new ShardloomError('SHL_ACTOR_NOT_FOUND', { actor: cell.name, reason: 'it ended while it started' })
}
