/**
 * `defineSubsystem`: what a module says of the subsystem it is: how it starts, what it offers, how it ends.
 *
 * A subsystem is an actor whose messages are calls of its interface, so that whatever holds for actors holds
 * for it: placement, bounds, death watch, timing, suspension. Calls overlap when they are asynchronous.
 * Nothing heavy is loaded here: Comlink comes with the first subsystem that starts.
 *
 * Source: OTP's behaviours `gen_server` (`init`, `terminate`, `code_change`) and `application`; the probes of
 * Kubernetes. Tests: test/supervise/subsystem/subsystem.race.test.ts
 */
import { type ActorDefinition, defineActor } from '../../actor/index.ts'
import { checkKnownOptions, invalidOption } from '../../base/index.ts'
import type { SubsystemDefinition } from './subsystem-definition.ts'
import { type SubsystemActorHandlers, subsystemActor } from './subsystem-host.ts'

/** A subsystem as its module exports it: an actor's definition that carries its types. */
export interface SubsystemModule<Args, Api>
  extends ActorDefinition<unknown, unknown, SubsystemActorHandlers> {
  readonly subsystem?: { readonly args: Args; readonly api: Api }
}

const KEYS = [
  'name',
  'version',
  'init',
  'api',
  'snapshot',
  'migrate',
  'health',
  'drain',
  'stop',
  'idempotent',
  'formatState',
  'mailbox',
  'stopTimeoutMs',
]
const HOOKS = ['api', 'snapshot', 'migrate', 'health', 'drain', 'stop', 'formatState'] as const

/**
 * Defines a subsystem; its module exports what this returns.
 *
 * @throws SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN
 * @example
 * ```ts
 * import { defineSubsystem } from 'shardloom'
 *
 * export default defineSubsystem({
 *   name: 'visits',
 *   init: (_ctx, args: { start: number }, previous?: number) => ({ count: previous ?? args.start }),
 *   snapshot: (state) => state.count,
 *   api: (state) => ({
 *     visit: () => ++state.count,
 *   }),
 * })
 * ```
 */
export function defineSubsystem<State, Args = undefined, Api = object, Snapshot = undefined>(
  definition: SubsystemDefinition<State, Args, Api, Snapshot>,
): SubsystemModule<Args, Api> {
  checkKnownOptions('defineSubsystem', definition, KEYS)
  const { init, version, idempotent } = definition as { init: unknown; version: unknown; idempotent: unknown }
  if (typeof init !== 'function') invalidOption('init', init, 'a function')
  for (const hook of HOOKS) {
    const value: unknown = definition[hook]
    if (value !== undefined && typeof value !== 'function') invalidOption(hook, value, 'a function')
  }
  if (version !== undefined && (!Number.isSafeInteger(version) || (version as number) < 0)) {
    invalidOption('version', version, 'a whole number from 0')
  }
  const isNames = Array.isArray(idempotent) && idempotent.every((name) => typeof name === 'string')
  if (idempotent !== undefined && !isNames) invalidOption('idempotent', idempotent, 'a list of names')
  return defineActor(subsystemActor(definition)) as SubsystemModule<Args, Api>
}
