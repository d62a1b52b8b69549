/**
 * The life of one child, as a state machine.
 *
 *     idle ─ start ─► starting ─ ready ─► running ─ drain ─► draining ─┐
 *       ▲                │ fails            │ ends    │ stop ─► stopping ─ ends ─► stopped
 *       │                ▼                  ▼         └ overdue ─► killing ─ ends ─► stopped
 *       └─ start ◄── failed ◄───────────────┘                        └ overdue ─► lost
 *                      └ wait ─► backing_off ─ time ─► starting
 *
 * The machine is pure: what it does to the world are effects, given when it is made, and its timers are
 * effects, too. So each transition is tested in virtual time, and XState's inspection sees every one.
 * A child that was found unhealthy is drained like one that is stopped, but ends as `failed`.
 *
 * Invariants: (1) `stopped`, `failed` and `lost` are each reported once per start; (2) at most one timer is
 * armed; (3) whatever does not end, ends as `lost` after three deadlines.
 * Tests: test/supervise/child-machine.test.ts
 */
import { assign, createActor, setup } from 'xstate'
import { ShardloomError } from '../base/index.ts'
import type { InspectedEvent } from './inspected-event.ts'
import type { ChildStatus } from './policy/index.ts'

/** Where a child is in its life. */
export type ChildPhase =
  | 'idle'
  | 'starting'
  | 'running'
  | 'draining'
  | 'stopping'
  | 'killing'
  | 'stopped'
  | 'failed'
  | 'backing_off'
  | 'lost'

/** How a child is asked to end. */
export type ChildStopMode = 'drain' | 'stop' | 'kill'

/** What happens to a child. */
export type ChildEvent =
  | { readonly type: 'start' }
  /** It is started after `delayMs`, unless it is stopped meanwhile. */
  | { readonly type: 'wait'; readonly delayMs: number }
  | { readonly type: 'ready' }
  /** It has ended, or could not start. `error` where the end was abnormal. */
  | { readonly type: 'ended'; readonly error?: Error }
  | { readonly type: 'stop'; readonly mode: ChildStopMode }
  /** It must be replaced: it is drained, and its end is a failure with this error. */
  | { readonly type: 'recycle'; readonly mode: ChildStopMode; readonly error: Error }
  | { readonly type: 'time' }

/** Deadlines of a child, in milliseconds. */
export interface ChildLimits {
  /** From start to ready. */
  readonly startMs: number
  /** For finishing what it has. */
  readonly drainMs: number
  /** For ending after that. */
  readonly stopMs: number
  /** From the kill to its end; then it is lost. */
  readonly killMs: number
}

/** What a child's machine does to the world. */
export interface ChildEffects {
  start(): void
  drain(): void
  stop(): void
  kill(): void
  /** Sends `time` after so long; replaces the timer before it. */
  arm(delayMs: number): void
  disarm(): void
  /** A phase was entered. `error` with `failed` and `lost`; `overdue` lists the deadlines that it missed. */
  report(phase: ChildPhase, error: Error | undefined, overdue: readonly string[]): void
}

/** A child's life, under way. */
export interface ChildLife {
  readonly phase: ChildPhase
  send(event: ChildEvent): void
}

interface Context {
  readonly id: string
  readonly effects: ChildEffects
  readonly limits: ChildLimits
  /** Why it is being ended: undefined when it was asked to. */
  readonly error: Error | undefined
  readonly overdue: readonly string[]
}

const machine = setup({
  types: {
    context: {} as Context,
    events: {} as ChildEvent,
    input: {} as { id: string; effects: ChildEffects; limits: ChildLimits },
  },
  actions: {
    start: ({ context }) => context.effects.start(),
    drain: ({ context }) => context.effects.drain(),
    stop: ({ context }) => context.effects.stop(),
    kill: ({ context }) => context.effects.kill(),
    disarm: ({ context }) => context.effects.disarm(),
    arm: ({ context }, params: { limit: keyof ChildLimits }) =>
      context.effects.arm(context.limits[params.limit]),
    wait: ({ context, event }) => context.effects.arm(event.type === 'wait' ? event.delayMs : 0),
    forget: assign({ error: undefined, overdue: [] }),
    takeError: assign({
      error: ({ context, event }) =>
        (event.type === 'ended' || event.type === 'recycle' ? event.error : undefined) ?? context.error,
    }),
    overdue: assign({
      overdue: ({ context }, params: { what: string }) => [...context.overdue, params.what],
    }),
    startOverdue: assign({
      error: ({ context }) =>
        context.error ??
        new ShardloomError('SHL_CHILD_START_TIMEOUT', { child: context.id, startMs: context.limits.startMs }),
    }),
    report: ({ context }, params: { phase: ChildPhase }) =>
      context.effects.report(params.phase, context.error, context.overdue),
  },
  guards: {
    isKill: ({ event }) => (event.type === 'stop' || event.type === 'recycle') && event.mode === 'kill',
    isDrain: ({ event }) => (event.type === 'stop' || event.type === 'recycle') && event.mode === 'drain',
    isFailure: ({ context, event }) =>
      context.error !== undefined || (event.type === 'ended' && event.error !== undefined),
  },
}).createMachine({
  id: 'child',
  context: ({ input }) => ({ ...input, error: undefined, overdue: [] }),
  initial: 'idle',
  states: {
    idle: { on: { start: 'starting' } },
    starting: {
      entry: [
        'forget',
        { type: 'report', params: { phase: 'starting' } },
        { type: 'arm', params: { limit: 'startMs' } },
        'start',
      ],
      exit: 'disarm',
      on: {
        ready: 'running',
        // Whatever ends before it was ready has failed to start.
        ended: { target: 'failed', actions: 'takeError' },
        stop: [{ guard: 'isKill', target: 'killing' }, { target: 'stopping' }],
        time: {
          target: 'killing',
          actions: ['startOverdue', { type: 'overdue', params: { what: 'start' } }],
        },
      },
    },
    running: {
      entry: { type: 'report', params: { phase: 'running' } },
      on: {
        ended: [{ guard: 'isFailure', target: 'failed', actions: 'takeError' }, { target: 'stopped' }],
        stop: [
          { guard: 'isKill', target: 'killing' },
          { guard: 'isDrain', target: 'draining' },
          { target: 'stopping' },
        ],
        recycle: [
          { guard: 'isKill', target: 'killing', actions: 'takeError' },
          { guard: 'isDrain', target: 'draining', actions: 'takeError' },
          { target: 'stopping', actions: 'takeError' },
        ],
      },
    },
    draining: {
      entry: [
        { type: 'report', params: { phase: 'draining' } },
        { type: 'arm', params: { limit: 'drainMs' } },
        'drain',
      ],
      exit: 'disarm',
      on: {
        ended: [{ guard: 'isFailure', target: 'failed', actions: 'takeError' }, { target: 'stopped' }],
        stop: [{ guard: 'isKill', target: 'killing' }, { guard: 'isDrain' }, { target: 'stopping' }],
        time: { target: 'stopping', actions: { type: 'overdue', params: { what: 'drain' } } },
      },
    },
    stopping: {
      entry: [
        { type: 'report', params: { phase: 'stopping' } },
        { type: 'arm', params: { limit: 'stopMs' } },
        'stop',
      ],
      exit: 'disarm',
      on: {
        ended: [{ guard: 'isFailure', target: 'failed', actions: 'takeError' }, { target: 'stopped' }],
        stop: [{ guard: 'isKill', target: 'killing' }],
        time: { target: 'killing', actions: { type: 'overdue', params: { what: 'stop' } } },
      },
    },
    killing: {
      entry: [
        { type: 'report', params: { phase: 'killing' } },
        { type: 'arm', params: { limit: 'killMs' } },
        'kill',
      ],
      exit: 'disarm',
      on: {
        // A killed child's own error is the kill's, not a failure of its own.
        ended: [
          { guard: ({ context }) => context.error !== undefined, target: 'failed' },
          { target: 'stopped' },
        ],
        time: { target: 'lost', actions: { type: 'overdue', params: { what: 'kill' } } },
      },
    },
    stopped: {
      entry: { type: 'report', params: { phase: 'stopped' } },
      on: { start: 'starting', wait: 'backing_off' },
    },
    failed: {
      entry: { type: 'report', params: { phase: 'failed' } },
      on: { start: 'starting', wait: 'backing_off' },
    },
    // It is still there, somewhere: whoever starts it again starts another one.
    lost: {
      entry: { type: 'report', params: { phase: 'lost' } },
      on: { start: 'starting', wait: 'backing_off' },
    },
    backing_off: {
      entry: ['wait', { type: 'report', params: { phase: 'backing_off' } }],
      exit: 'disarm',
      on: { time: 'starting', start: 'starting', stop: 'stopped' },
    },
  },
})

/** Begins a life, at `idle`. */
export function childLife(
  id: string,
  effects: ChildEffects,
  limits: ChildLimits,
  inspect?: (event: InspectedEvent) => void,
): ChildLife {
  const actor = createActor(machine, { id, input: { id, effects, limits }, ...(inspect && { inspect }) })
  actor.start()
  return {
    get phase() {
      return actor.getSnapshot().value as ChildPhase
    },
    send: (event) => actor.send(event),
  }
}

/** What a phase means to the supervisor. */
export function statusOf(phase: ChildPhase): ChildStatus {
  switch (phase) {
    case 'starting':
    case 'backing_off':
      return 'starting'
    case 'running':
      return 'up'
    case 'draining':
    case 'stopping':
    case 'killing':
      return 'ending'
    case 'idle':
    case 'stopped':
    case 'failed':
    case 'lost':
      return 'down'
  }
}
