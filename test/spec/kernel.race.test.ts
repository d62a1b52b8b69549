/** The specification on real threads. */
import { test } from 'vitest'
import { sleep, testRuntime } from '../support/runtime.ts'
import * as spec from './kernel-spec.ts'

const ACTORS = new URL('./actors.mjs', import.meta.url)

async function realWorld(): Promise<spec.SpecWorld> {
  const runtime = await testRuntime({ threads: 2 })
  return {
    start: (actor, thread) => {
      const placement = thread === 0 ? 'main' : 'shared'
      return runtime.spawn(ACTORS, { export: actor, placement }) as Promise<spec.SpecRef>
    },
    pause: sleep,
    loseThread: (id) => runtime.killThread(id),
  }
}

const specs = Object.entries(spec) as [string, (world: spec.SpecWorld) => Promise<void>][]

test.each(specs)('%s', async (_name, holds) => {
  await holds(await realWorld())
})
