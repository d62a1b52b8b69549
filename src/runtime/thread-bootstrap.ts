/**
 * The start of a worker thread: its actor system, its guardian, and its ear for the main thread.
 *
 * Links arrive on the control port before any ref that needs them can: the main thread posts them to
 * everybody before the new thread may be spawned on. A thread that meets an unknown address therefore looks
 * at the control port at once, without waiting for its event loop (`takeLink`).
 * Tests: test/runtime/thread-loss.race.test.ts, test/actor/lifecycle.race.test.ts
 */
import type { MessagePort, WorkerOptions } from 'node:worker_threads'
import type { SystemSettings } from '../actor/index.ts'
import {
  ActorRef,
  ActorSystem,
  GUARDIAN_SLOT,
  isActorDefinition,
  type Owner,
  type SystemEvent,
} from '../actor/index.ts'
import { type Clock, invalidOption } from '../base/index.ts'
import { decodeError, encodeError } from '../codec/index.ts'
import { createIdleStrategy, type IdleStrategyName, Metrics } from '../memory/index.ts'
import { attachThread, type LinkEnds, linkPorts, type Port, type ThreadBuffers } from '../transport/index.ts'
import {
  type ControlToMain,
  type ControlToWorker,
  guardianActor,
  guardianAddress,
  type SentEvent,
  type SpawnRequest,
} from './guardian.ts'
import { Heartbeat } from './heartbeat.ts'
import { moduleHref } from './module-loader.ts'
import { nodeThreadPlatform } from './thread-platform.ts'
import { commonServices, reportActor, spawnHere, stopAllActors } from './thread-services.ts'

/** What a worker is started with. */
export interface ThreadStart {
  readonly buffers: ThreadBuffers
  readonly runtimeBuffer: SharedArrayBuffer
  readonly metricsBuffer: SharedArrayBuffer
  readonly settings: SystemSettings
  readonly idle: IdleStrategyName
  readonly cores: number
  readonly isDedicated: boolean
  readonly controlPort: Port
  readonly links: readonly { readonly thread: number; readonly ends: LinkEnds }[]
}

/** The options of `Worker` for a start. */
export function workerOptionsFor(start: ThreadStart, base: WorkerOptions): WorkerOptions {
  const ports = [start.controlPort, ...start.links.flatMap(({ ends }) => linkPorts(ends))]
  return { ...base, workerData: { shardloom: start }, transferList: ports as MessagePort[] }
}

/**
 * Events that one thread may send within a second: a flood of dead letters must not become a flood of events.
 */
const EVENTS_PER_SECOND = 100

/** Runs a worker thread until the main thread ends it; resolves with its system when it is ready. */
export async function bootstrapThread(
  start: ThreadStart,
  platform = nodeThreadPlatform(),
): Promise<ActorSystem> {
  const { controlPort } = start
  const { clock, scheduler, channels } = platform
  const pendingLinks = new Map<number, LinkEnds>()
  const post = (message: ControlToMain): void => controlPort.postMessage(message)
  const emit = limitedEmitter(clock, (event) => post({ type: 'event', event: sendableEvent(event) }))
  const memory = attachThread(start.buffers)
  const heartbeat = new Heartbeat(memory, clock)
  const system: ActorSystem = new ActorSystem({
    memory,
    runtimeWords: new Int32Array(start.runtimeBuffer),
    clock,
    scheduler,
    channels,
    idle: createIdleStrategy(start.idle),
    cores: start.cores,
    settings: start.settings,
    metrics: new Metrics(start.metricsBuffer),
    isMain: false,
    takeLink: (thread) => {
      drainControl()
      const ends = pendingLinks.get(thread)
      pendingLinks.delete(thread)
      return ends
    },
    spawnChild: (owner, target, options) => spawnChild(system, owner, target, options),
    onBusy: () => undefined,
    onIdle: () => undefined,
    onEvent: emit,
    onActorEnded: (address) => {
      if (start.isDedicated && address.slot !== GUARDIAN_SLOT && isEmpty(system)) post({ type: 'empty' })
    },
    onStopOverdue: (to) => post({ type: 'stop_overdue', thread: to.thread }),
  })
  const onControl = (message: ControlToWorker): void => {
    switch (message.type) {
      case 'link':
        pendingLinks.set(message.thread, message.ends)
        return
      case 'thread_lost': {
        const { thread, cause, error } = message
        system.onThreadLost(thread, cause, error === undefined ? undefined : decodeError(error))
        return
      }
      case 'exit':
        system.close()
        heartbeat.stop()
        controlPort.close()
        return
    }
  }
  function drainControl(): void {
    for (;;) {
      const received = channels.receive(controlPort) as { message: ControlToWorker } | undefined
      if (received === undefined) return
      onControl(received.message)
    }
  }
  channels.listen(controlPort, (message: ControlToWorker) => {
    onControl(message)
    // A link whose first message has come already: read it now, the doorbell may have rung before.
    for (const [thread, ends] of pendingLinks) {
      pendingLinks.delete(thread)
      system.connect(thread, ends)
    }
  })
  for (const { thread, ends } of start.links) system.connect(thread, ends)
  const guardian = guardianActor({
    ...commonServices(system, platform, heartbeat),
    place: (request, signal) => askMainGuardian(system, undefined, request, signal),
    stopAll: (timeoutMs) => stopAllActors(system, clock, timeoutMs, [GUARDIAN_SLOT]),
  })
  await system.lifecycle.spawn({
    definition: guardian,
    args: undefined,
    name: 'guardian',
    module: '',
    mailbox: undefined,
  })
  heartbeat.beatEvery(platform.beatMs)
  showToInspector(system)
  post({ type: 'ready' })
  return system
}

/**
 * For questions that reach this thread in the middle of a loop, see `sys.ts`: there nothing else is in reach.
 */
function showToInspector(system: ActorSystem): void {
  const report = (slot: number, generation: number): string | undefined =>
    JSON.stringify(reportActor(system, { slot, generation, withState: false }))
  Object.defineProperty(globalThis, Symbol.for('shardloom.thread'), { value: { report }, configurable: true })
}

/**
 * Starts a child for an actor of this thread: a definition here, a module where the main thread places it.
 */
async function spawnChild(
  system: ActorSystem,
  owner: Owner,
  target: unknown,
  options: object | undefined,
): Promise<ActorRef> {
  const request = spawnRequest(target, options)
  const { signal } = (options ?? {}) as { signal?: AbortSignal }
  if (request.definition === undefined) return askMainGuardian(system, owner, request.request, signal)
  const { definition } = request
  const address = await spawnHere(system, definition, definition.name, request.request, signal)
  return system.refFor(address, owner)
}

/** Reads the arguments of `spawn`. @throws SHL_OPTION_INVALID */
export function spawnRequest(target: unknown, options: object | undefined) {
  const given = (options ?? {}) as Record<string, never>
  const { args, name, export: exportName, placement, mailbox, resourceLimits } = given
  const definition = isActorDefinition(target) ? target : undefined
  if (definition !== undefined && placement !== undefined && placement !== 'main') {
    invalidOption(
      'placement',
      placement,
      "nothing, for a definition: give new URL('./actor.js', import.meta.url)",
    )
  }
  const module = definition === undefined ? moduleHref(target) : ''
  const request: SpawnRequest = { module, exportName, args, name, mailbox, placement, resourceLimits }
  return { definition, request }
}

function askMainGuardian(
  system: ActorSystem,
  owner: Owner | undefined,
  request: SpawnRequest,
  signal: AbortSignal | undefined,
): Promise<ActorRef> {
  const address = guardianAddress(0)
  const guardian = new ActorRef<ReturnType<typeof guardianActor>['receive']>(system.outbox, owner, address)
  return guardian.ask('place', request, signal === undefined ? {} : { signal })
}

function isEmpty(system: ActorSystem): boolean {
  return system.lifecycle.livingCount <= 1
}

/** Errors may hold what cannot be posted: they travel as the codec makes them. */
function sendableEvent(event: SystemEvent): SentEvent {
  if (event.type === 'trace') {
    const { error, ...record } = event.record
    return error === undefined
      ? { type: 'trace', record }
      : { type: 'trace', record, plain: encodeError(error) }
  }
  if (event.type === 'dead_letter') return event
  const { error, ...rest } = event
  return { ...rest, plain: encodeError(error) }
}

function limitedEmitter(clock: Clock, emit: (event: SystemEvent) => void): (event: SystemEvent) => void {
  let windowStartMs = 0
  let count = 0
  return (event) => {
    const nowMs = clock.nowMs()
    if (nowMs - windowStartMs > 1000) {
      windowStartMs = nowMs
      count = 0
    }
    // Traces were asked for, and are counted there.
    if (event.type === 'trace' || count++ < EVENTS_PER_SECOND) emit(event)
  }
}
