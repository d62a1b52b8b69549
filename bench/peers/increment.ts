/** The job of the task pools: a module whose default export is run on a worker. */

/** Adds one. */
export default function increment(n: number): number {
  return n + 1
}
