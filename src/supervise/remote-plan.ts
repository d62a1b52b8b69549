/**
 * A tree as it travels to another thread: plain data, without functions.
 * Tests: test/supervise/remote-tree.race.test.ts
 */
import { invalidOption } from '../base/index.ts'
import type { ActorLimits, ChildOptions, TreeChild, TreeOptions } from './tree-child.ts'

/** A child on its way. */
export interface PlainChild {
  readonly id: string
  readonly kind:
    | { readonly type: 'actor'; readonly module: string; readonly spawn: object }
    | { readonly type: 'supervisor'; readonly tree: PlainTree; readonly placement: string | undefined }
  readonly options: ChildOptions
}

/** A tree on its way. */
export interface PlainTree extends Omit<TreeOptions, 'children'> {
  readonly children: readonly PlainChild[]
}

/**
 * Takes out what cannot travel, or says what must not be there.
 *
 * @throws SHL_OPTION_INVALID
 */
export function plainTree({ children = [], ...rest }: TreeOptions): PlainTree {
  return { ...rest, children: children.map(plainChild) }
}

/** @throws SHL_OPTION_INVALID */
export function plainChild({ id, kind, options }: TreeChild): PlainChild {
  const where = `child ${id}, in a tree on another thread`
  if (options.decide !== undefined)
    invalidOption(`${where}: decide`, options.decide, 'nothing: a function cannot travel')
  if (kind.type === 'driver') invalidOption(where, 'a driver', "an actor's module, or a supervisor")
  if (kind.type === 'supervisor') {
    const { placement } = kind
    return { id, kind: { type: 'supervisor', tree: plainTree(kind.tree), placement }, options }
  }
  const { actor, spawn } = kind
  if (!(actor instanceof URL)) {
    invalidOption(where, 'a definition', "new URL('./actor.js', import.meta.url)")
  }
  // Limits are watched from outside.
  return { id, kind: { type: 'actor', module: actor.href, spawn }, options }
}

/** The tree as its supervisor takes it. */
export function arrivedTree({ children, ...rest }: PlainTree): TreeOptions {
  return { ...rest, children: children.map(arrivedChild) }
}

export function arrivedChild({ id, kind, options }: PlainChild): TreeChild {
  if (kind.type === 'actor') {
    const actor = new URL(kind.module)
    return { id, kind: { type: 'actor', actor, spawn: kind.spawn, limits: {} }, options }
  }
  const { placement } = kind
  const supervisor = { type: 'supervisor' as const, tree: arrivedTree(kind.tree) }
  return {
    id,
    kind: { ...supervisor, ...(placement !== undefined && { placement: placement as never }) },
    options,
  }
}

/** The limits of a tree's own actors, by id. */
export function limitsOf(children: readonly TreeChild[]): Map<string, ActorLimits> {
  const limits = new Map<string, ActorLimits>()
  for (const { id, kind } of children) {
    if (kind.type === 'actor' && kind.limits.messageMs !== undefined) limits.set(id, kind.limits)
  }
  return limits
}
