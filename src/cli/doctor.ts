/**
 * What `shardloom doctor` looks at: each check does the real thing once and says what it found.
 * Tests: test/cli/cli.test.ts
 */
import { availableParallelism } from 'node:os'
import { toError } from '../base/index.ts'
import { createRuntime } from '../server/index.ts'
import type { doctorActor } from './doctor-actor.ts'

const ASKS = 2000

/** One thing that was tried. */
export interface DoctorCheck {
  readonly name: string
  readonly isFine: boolean
  readonly found: string
}

/** Everything that was tried. */
export interface DoctorReport {
  readonly isFine: boolean
  readonly checks: readonly DoctorCheck[]
}

/** Tries the runtime on this machine; never rejects. */
export async function examine(): Promise<DoctorReport> {
  const checks: DoctorCheck[] = []
  const note = (name: string, isFine: boolean, found: string): void =>
    void checks.push({ name, isFine, found })
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const isSupported = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major >= 24
  note('Node', isSupported, `${process.version} (supported: 20.19+, 22.12+, 24 and later)`)
  note('cores', true, `${availableParallelism()} usable by this process`)
  const { typescript } = process.features as { typescript?: unknown }
  const natively = typeof typescript === 'string'
  note(
    'TypeScript actors',
    true,
    natively ? 'load natively' : 'load through tsx where it is installed, or built',
  )
  try {
    await examineRuntime(note)
  } catch (error) {
    note('runtime', false, toError(error).message)
  }
  return { isFine: checks.every((check) => check.isFine), checks }
}

async function examineRuntime(note: (name: string, isFine: boolean, found: string) => void): Promise<void> {
  const startMs = performance.now()
  await using runtime = await createRuntime({ threads: 1 })
  note('start', true, `runtime with one worker thread in ${(performance.now() - startMs).toFixed(0)} ms`)
  const actor = await runtime.spawn<typeof doctorActor>(new URL('./doctor-actor.js', import.meta.url))
  let sum = 0
  const askMs = performance.now()
  for (let i = 0; i < ASKS; i++) sum += await actor.ask('echo', i)
  const eachUs = ((performance.now() - askMs) * 1000) / ASKS
  note('asks between threads', sum === (ASKS * (ASKS - 1)) / 2, `${eachUs.toFixed(1)} µs each, one at a time`)
  const ended = runtime.watch(actor)
  await runtime.killThread(actor.thread)
  const reason = await ended
  note('loss of a thread', reason.type === 'thread_lost', `noticed as ${reason.type}`)
  const report = await runtime.close()
  note('close', report.cut.length === 0, `${report.durationMs.toFixed(0)} ms, ${report.cut.length} cut`)
}
