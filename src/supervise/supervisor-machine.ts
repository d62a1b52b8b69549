/**
 * A supervisor, as a state machine.
 *
 *     idle ─► starting ─ all ready ─► running ─ stop, or a significant child ended ─► stopping ─► stopped
 *                └─ one fails ─► stopping ─► failed ◄─ stopping ◄─ intensity exceeded, or escalated ─┘
 *
 * What it decides is `policy/supervision-plan.ts`; here the decisions become transitions, which XState's
 * inspection sees, and the commands become effects. Every event is handled to its end before the next one.
 *
 * Invariants: (1) children start and stop only by commands of the plan; (2) `stopped` and `failed` are final,
 * and entered when no child lives any more. Tests: test/supervise/supervisor-machine.test.ts
 */
import { assign, createActor, setup } from 'xstate'
import type { InspectedEvent } from './inspected-event.ts'
import * as plans from './policy/index.ts'

/** What a supervisor is told. */
export type SupervisorEvent =
  | { readonly type: 'start' }
  | { readonly type: 'stop'; readonly error?: Error }
  | { readonly type: 'add'; readonly row: plans.ChildRow }
  | { readonly type: 'remove'; readonly id: string }
  | { readonly type: 'down'; readonly id: string }
  | { readonly type: 'up'; readonly id: string }
  | {
      readonly type: 'changed'
      readonly id: string
      readonly status: plans.ChildStatus
      readonly nowMs: number
    }
  | ({ readonly type: 'ended' } & plans.ChildEnd)

/** What a supervisor does. */
export interface SupervisorEffects {
  start(id: string, delayMs: number): void
  stop(id: string): void
  /** An event was handled to its end: this is what holds now. */
  settled(plan: plans.Plan): void
  /** A phase was entered. */
  report(phase: plans.PlanPhase, plan: plans.Plan): void
}

/** A supervisor under way. */
export interface SupervisorLife {
  readonly plan: plans.Plan
  send(event: SupervisorEvent): void
}

interface Context {
  readonly plan: plans.Plan
  readonly effects: SupervisorEffects
  readonly commands: readonly plans.Command[]
}

function decide(plan: plans.Plan, event: SupervisorEvent): plans.Plan {
  switch (event.type) {
    case 'start':
      return plans.begin(plan)
    case 'stop':
      return plans.end(plan, event.error)
    case 'add':
      return plans.addChild(plan, event.row)
    case 'remove':
      return plans.removeChild(plan, event.id)
    case 'down':
      return plans.bringDown(plan, event.id)
    case 'up':
      return plans.bringUp(plan, event.id)
    case 'changed':
      return plans.childChanged(plan, event.id, event.status, event.nowMs)
    case 'ended':
      return plans.childEnded(plan, event)
  }
}

const isIn =
  (phase: plans.PlanPhase) =>
  ({ context }: { context: Context }): boolean =>
    context.plan.phase === phase

const report = (phase: plans.PlanPhase) => ({ type: 'report', params: { phase } }) as const

const machine = setup({
  types: { context: {} as Context, events: {} as SupervisorEvent, input: {} as Omit<Context, 'commands'> },
  actions: {
    decide: assign(({ context, event }) => {
      const decided = decide(context.plan, event)
      const commands = plans.commands(decided)
      return { plan: plans.carriedOut(decided, commands), commands }
    }),
    carryOut: ({ context }) => {
      for (const command of context.commands) {
        if (command.type === 'start') context.effects.start(command.id, command.delayMs)
        else context.effects.stop(command.id)
      }
    },
    settled: ({ context }) => context.effects.settled(context.plan),
    report: ({ context }, params: { phase: plans.PlanPhase }) =>
      context.effects.report(params.phase, context.plan),
  },
}).createMachine({
  id: 'supervisor',
  context: ({ input }) => ({ ...input, commands: [] }),
  initial: 'idle',
  on: { '*': { actions: ['decide', 'carryOut', 'settled'] } },
  states: {
    idle: {
      always: [
        { guard: isIn('starting'), target: 'starting' },
        { guard: isIn('running'), target: 'running' },
        { guard: isIn('stopping'), target: 'stopping' },
        { guard: isIn('stopped'), target: 'stopped' },
      ],
    },
    starting: {
      entry: report('starting'),
      always: [
        { guard: isIn('running'), target: 'running' },
        { guard: isIn('stopping'), target: 'stopping' },
        { guard: isIn('stopped'), target: 'stopped' },
        { guard: isIn('failed'), target: 'failed' },
      ],
    },
    running: {
      entry: report('running'),
      always: [
        { guard: isIn('stopping'), target: 'stopping' },
        { guard: isIn('stopped'), target: 'stopped' },
        { guard: isIn('failed'), target: 'failed' },
      ],
    },
    stopping: {
      entry: report('stopping'),
      always: [
        { guard: isIn('stopped'), target: 'stopped' },
        { guard: isIn('failed'), target: 'failed' },
      ],
    },
    stopped: { entry: report('stopped'), type: 'final' },
    failed: { entry: report('failed'), type: 'final' },
  },
})

/** Begins a supervisor, at `idle`. */
export function supervisorLife(
  plan: plans.Plan,
  effects: SupervisorEffects,
  inspect?: (event: InspectedEvent) => void,
): SupervisorLife {
  const actor = createActor(machine, { id: plan.id, input: { plan, effects }, ...(inspect && { inspect }) })
  actor.start()
  return {
    get plan() {
      return actor.getSnapshot().context.plan
    },
    // What comes after its end is too late, and no error.
    send: (event) => {
      if (actor.getSnapshot().status === 'active') actor.send(event)
    },
  }
}
