/**
 * The order in which subsystems start: each after all that it depends on, else in the order given.
 *
 * Tests: test/supervise/subsystem/dependency-order.test.ts
 */
import { ShardloomError } from '../../base/index.ts'

/** What depends on what, by name. */
export interface Dependent {
  readonly name: string
  readonly dependsOn: readonly string[]
}

/**
 * Sorts by dependency. `known` are there already.
 *
 * @throws SHL_SUBSYSTEM_UNKNOWN, SHL_SUBSYSTEM_CYCLE
 */
export function dependencyOrder<T extends Dependent>(
  all: readonly T[],
  known: readonly string[],
): readonly T[] {
  const byName = new Map(all.map((one) => [one.name, one]))
  const sorted: T[] = []
  const done = new Set(known)
  const path: string[] = []
  const visit = (one: T): void => {
    if (done.has(one.name)) return
    if (path.includes(one.name)) {
      const cycle = [...path.slice(path.indexOf(one.name)), one.name].join(' → ')
      throw new ShardloomError('SHL_SUBSYSTEM_CYCLE', { cycle })
    }
    path.push(one.name)
    for (const name of one.dependsOn) {
      const other = byName.get(name)
      if (other !== undefined) visit(other)
      else if (!done.has(name)) {
        const subsystems = [...known, ...byName.keys()].join(', ')
        throw new ShardloomError('SHL_SUBSYSTEM_UNKNOWN', {
          subsystem: one.name,
          dependency: name,
          subsystems,
        })
      }
    }
    path.pop()
    done.add(one.name)
    sorted.push(one)
  }
  for (const one of all) visit(one)
  return sorted
}
