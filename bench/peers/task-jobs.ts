/** The module of the task benchmarks, for both pools: nothing to do, and a millisecond of work. */

/** Does nothing. */
export default function nothing(n: number): number {
  return n
}

/** Keeps the processor busy for a millisecond. */
export function millisecond(n: number): number {
  const endMs = performance.now() + 1
  while (performance.now() < endMs);
  return n
}
