/**
 * Flags of V8 that the runtime needs, set before the first worker starts.
 *
 * On Node 24 a hot loop can be compiled so that nothing interrupts it, `terminate()` included; without this
 * optimisation it stays interruptible. Tests: test/runtime/close.race.test.ts
 */
import { setFlagsFromString } from 'node:v8'

/** Keeps loops interruptible. */
export function protectFromEndlessLoops(): void {
  const major = Number(process.versions.node.split('.')[0])
  if (major >= 24) setFlagsFromString('--no-turboshaft-loop-unrolling')
}
