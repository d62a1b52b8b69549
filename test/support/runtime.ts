/** Runtimes for tests: closed after each test, whatever happened, and typed loosely on purpose. */

import { type ActorRef, createRuntime, type Runtime, type RuntimeOptions } from 'shardloom'
import { onTestFinished } from 'vitest'

/** The module of the test actors. */
export const TESTER = new URL('./actors/tester.mjs', import.meta.url)

/** A runtime that is closed when the test ends. */
export async function testRuntime(options: RuntimeOptions = {}): Promise<Runtime> {
  const runtime = await createRuntime({ threads: 1, ...options })
  onTestFinished(async () => void (await runtime.close({ timeoutMs: 2000 })))
  return runtime
}

/** Spawns one of the test actors. */
export function spawnTester(runtime: Runtime, options: object = {}): Promise<ActorRef> {
  return runtime.spawn(TESTER, { export: 'tester', ...options }) as Promise<ActorRef>
}

/** Waits until `holds` does; fails after two seconds. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + 2000
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`never: ${what}`)
    await sleep(2)
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** The error that a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    await promise
  } catch (error) {
    return error as Error & Record<string, unknown>
  }
  throw new Error('it did not reject')
}
