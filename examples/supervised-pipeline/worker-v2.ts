/**
 * The next version of the worker: a third fewer divisors, since no prime but 2 and 3 is divisible by either.
 *
 * It is loaded while the pipeline runs. Tests: test/examples/supervised-pipeline.test.ts
 */
import { defineSubsystem } from 'shardloom'
import { mischief } from './mischief.ts'
import type { WorkerApi } from './worker.ts'

const VERSION = 2

export default defineSubsystem({
  name: 'worker',
  version: VERSION,
  init: () => ({}),
  idempotent: ['solve'],
  api: (): WorkerApi => ({ ...mischief(), solve: (n) => ({ factors: factorsOf(n), version: VERSION }) }),
})

/** Tries 2, 3, and 6k ± 1. */
export function factorsOf(n: number): number[] {
  const factors: number[] = []
  let rest = n
  const divideBy = (divisor: number): void => {
    for (; rest % divisor === 0; rest /= divisor) factors.push(divisor)
  }
  divideBy(2)
  divideBy(3)
  for (let divisor = 5; divisor * divisor <= rest; divisor += 6) {
    divideBy(divisor)
    divideBy(divisor + 2)
  }
  if (rest > 1) factors.push(rest)
  return factors
}
