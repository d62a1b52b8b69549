/**
 * The children of a tree, as data: what they are, and what every child may say.
 *
 * Nothing is loaded or started here, so that a program may describe trees without loading what runs them.
 * Tests: test/supervise/supervised-runtime.race.test.ts
 */
import type { AnyActorDefinition, ArgsOf, SpawnOptions } from '../actor/index.ts'
import { choiceOption } from '../base/index.ts'
import type { ChildDriver, ChildSpec } from './child-spec.ts'
import type { SupervisorOptions } from './supervisor-options.ts'

const PLACEMENTS = ['shared', 'dedicated'] as const

/** Limits of an actor, beyond which it has failed. */
export interface ActorLimits {
  /**
   * The longest time for one message, asynchronous handlers included. A handler that blocks its thread is
   * ended with the thread, and with whatever else lives there: such an actor wants `placement: 'dedicated'`.
   */
  readonly messageMs?: number
  /** How long a thread that hangs is profiled before it is ended. Default 100; 0: not at all. */
  readonly profileMs?: number
}

/** What every child may say, whatever it is. */
export type ChildOptions = Omit<ChildSpec, 'id' | 'driver'>

/** Options of a tree's supervisor. */
export interface TreeOptions extends Omit<SupervisorOptions, 'children'> {
  /** In the order of starting. */
  readonly children?: readonly TreeChild[]
}

/** What a child is. */
export type ChildKind =
  | {
      readonly type: 'actor'
      readonly actor: URL | AnyActorDefinition
      readonly spawn: SpawnOptions<unknown>
      readonly limits: ActorLimits
    }
  | {
      readonly type: 'supervisor'
      readonly tree: TreeOptions
      /** On a thread of its own kind; undefined: on the thread of its parent. */
      readonly placement?: 'shared' | 'dedicated'
    }
  | { readonly type: 'driver'; readonly driver: ChildDriver }

/** A child of a tree: made by `actorChild`, `supervisorChild` or `driverChild`. */
export interface TreeChild {
  readonly id: string
  readonly kind: ChildKind
  readonly options: ChildOptions
}

/** An actor as a child, from its module or its definition. */
export function actorChild<D extends AnyActorDefinition>(
  id: string,
  actor: URL | D,
  options: ChildOptions & Omit<SpawnOptions<ArgsOf<D>>, 'signal'> & { readonly limits?: ActorLimits } = {},
): TreeChild {
  const { args, name = id, export: exported, placement, mailbox, limits = {}, ...rest } = options
  const { resourceLimits, ...childOptions } = rest
  const spawn = {
    name,
    ...(args !== undefined && { args }),
    ...(exported !== undefined && { export: exported }),
    ...(placement !== undefined && { placement }),
    ...(mailbox !== undefined && { mailbox }),
    ...(resourceLimits !== undefined && { resourceLimits }),
  }
  return { id, kind: { type: 'actor', actor, spawn, limits }, options: childOptions }
}

/**
 * A supervisor as a child: when it gives up, that is its failure, and its parent's to decide. With
 * `placement` it runs on another thread; then its children are actors from modules, or supervisors, and
 * nothing in it is a function.
 *
 * @throws SHL_OPTION_INVALID
 */
export function supervisorChild(
  tree: TreeOptions,
  options: ChildOptions & { readonly placement?: 'shared' | 'dedicated' } = {},
): TreeChild {
  const { placement, ...childOptions } = options
  if (placement !== undefined)
    choiceOption(`supervisor ${tree.id}: placement`, placement, 'shared', PLACEMENTS)
  const kind = { type: 'supervisor' as const, tree, ...(placement !== undefined && { placement }) }
  return { id: tree.id, kind, options: childOptions }
}

/** Anything that starts and ends, as a child. */
export function driverChild(id: string, driver: ChildDriver, options: ChildOptions = {}): TreeChild {
  return { id, kind: { type: 'driver', driver }, options }
}
