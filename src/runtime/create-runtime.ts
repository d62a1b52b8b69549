/**
 * The door to the runtime. Tests: test/runtime/close.race.test.ts
 */
import { Runtime } from './runtime.ts'
import type { RuntimeOptions } from './settings.ts'
import { protectFromEndlessLoops } from './v8-flags.ts'

/**
 * Starts a runtime: worker threads, linked to each other, ready for actors.
 *
 * @throws SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN, SHL_THREAD_START
 * @example
 * ```ts
 * import { createRuntime, defineActor } from 'shardloom'
 *
 * const greeter = defineActor({ name: 'greeter', receive: { hi: (_state, name: string) => `hi ${name}` } })
 * const runtime = await createRuntime({ threads: 2 })
 * const ref = await runtime.spawn(greeter)
 * const text: string = await ref.ask('hi', 'Ada')
 * await runtime.close()
 * ```
 */
export function createRuntime(options: RuntimeOptions = {}): Promise<Runtime> {
  protectFromEndlessLoops()
  return new Runtime(options).start()
}
