/**
 * A program that asks, fails and prints the error's stack: run by ask.race.test.ts, whose own stacks are
 * mapped.
 */
import { createRuntime } from 'shardloom'

const runtime = await createRuntime({ threads: 1 })
const ref = await runtime.spawn(new URL('./actors/tester.mjs', import.meta.url), { export: 'tester' })

async function theAsker() {
  return await ref.ask('fail', 'it failed')
}

async function theCaller() {
  try {
    await theAsker()
  } catch (error) {
    console.log(error.stack)
  }
}

await theCaller()
await runtime.close()
