/**
 * One parameter as data, and how a row of the table is written.
 *
 * Tests: test/server/parameters/parameter-table.test.ts
 */
import type { ParameterType, ParameterValue } from './parameter-type.ts'

/** What a parameter belongs to. */
export type ParameterPart = 'server' | 'keyspace' | 'host'

/**
 * What a value does. `live`: it may be changed while the server runs; `start`: it is read when it starts;
 * `none`: it is known, kept and shown, since tools of Redis set it, and has no effect here.
 */
export type ParameterEffect = 'live' | 'start' | 'none'

/** One parameter. */
export interface Parameter<V extends ParameterValue = ParameterValue> {
  /** Redis' name where Redis has it. */
  readonly name: string
  /** Its name in `runtime.serve({ … })`, also allowed in a file. */
  readonly option: string
  /** Other names of Redis for the same; `CONFIG GET` shows them as well. */
  readonly aliases: readonly string[]
  /** Shorter names for flags, variables and files of ours. */
  readonly shortNames: readonly string[]
  readonly type: ParameterType<V>
  readonly default: V
  readonly effect: ParameterEffect
  readonly part: ParameterPart
  readonly summary: string
  /**
   * Whether `CONFIG SET` may change it; `protected`: only where `enable-protected-configs` says so; `same`:
   * it may be set to what it is.
   */
  readonly isMutable: boolean | 'protected' | 'same'
  /** Never printed in a log, an error or a listing; `CONFIG GET` shows it to whoever may use that. */
  readonly isSecret: boolean
  /** Its default follows from other values; the one of the table is for when nothing else is said. */
  readonly isDerived: boolean
  /** A directive of files, which `CONFIG` does not know. */
  readonly isDirective: boolean
}

/** A row of the table; its option's name is its key. */
export interface ParameterRow<V extends ParameterValue> extends Omit<Parameter<V>, 'option'> {}

/** A table with a row for each of some values, by the names of their options. */
export type RowsOf<Values> = {
  readonly [K in keyof Values]: Values[K] extends ParameterValue ? ParameterRow<Values[K]> : never
}

/** What few rows say. */
export interface RowExtras {
  readonly aliases?: readonly string[]
  readonly shortNames?: readonly string[]
  readonly isMutable?: boolean | 'protected' | 'same'
  readonly isSecret?: boolean
  readonly isDirective?: boolean
  readonly isDerived?: boolean
}

/** Makes the rows of one part. */
export function rowsFor(
  part: ParameterPart,
): <V extends ParameterValue>(
  name: string,
  type: ParameterType<V>,
  fallback: NoInfer<V>,
  effect: ParameterEffect,
  summary: string,
  extras?: RowExtras,
) => ParameterRow<V> {
  return (name, type, fallback, effect, summary, extras = {}) => ({
    name,
    type,
    default: fallback,
    effect,
    part,
    summary,
    aliases: extras.aliases ?? [],
    shortNames: extras.shortNames ?? [],
    isMutable: extras.isMutable ?? effect !== 'start',
    isSecret: extras.isSecret ?? false,
    isDirective: extras.isDirective ?? false,
    isDerived: extras.isDerived ?? false,
  })
}
