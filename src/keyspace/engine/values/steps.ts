/**
 * Work that a caller may do in slices: a generator that stops after each bounded piece.
 *
 * Whoever runs it calls `next` until its time slice is over and goes on later, or gives up with `return`,
 * which leaves the value sound. The value must not be changed by others in between: the key is held
 * meanwhile. A continuation as data would be the other way; it would have to say again all that a local
 * variable says.
 *
 * Tests: test/keyspace/engine/values/list-value.prop.test.ts
 */

/** Pieces of work that end with a result. */
export type Steps<T> = Generator<undefined, T, undefined>

/** All of it at once. */
export function runSteps<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}
