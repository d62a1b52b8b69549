/**
 * The subsystem `worker-N`: takes numbers apart, on a thread of its own. It keeps nothing.
 *
 * What it computes depends on nothing but its argument, so that a call that was under way when its thread
 * died may be made again, here or elsewhere: `solve` is named as idempotent.
 *
 * Tests: test/examples/supervised-pipeline.test.ts
 */
import { defineSubsystem } from 'shardloom'
import { type Mischief, mischief } from './mischief.ts'

/** What a worker offers. */
export interface WorkerApi extends Mischief {
  solve(n: number): Solution
}

/** Factors, and which version has found them. */
export interface Solution {
  readonly factors: readonly number[]
  readonly version: number
}

const VERSION = 1

export default defineSubsystem({
  name: 'worker',
  version: VERSION,
  init: () => ({}),
  idempotent: ['solve'],
  api: (): WorkerApi => ({ ...mischief(), solve: (n) => ({ factors: factorsOf(n), version: VERSION }) }),
})

/** Tries every odd divisor. */
export function factorsOf(n: number): number[] {
  const factors: number[] = []
  let rest = n
  for (let divisor = 2; divisor * divisor <= rest; divisor += divisor === 2 ? 1 : 2) {
    for (; rest % divisor === 0; rest /= divisor) factors.push(divisor)
  }
  if (rest > 1) factors.push(rest)
  return factors
}
