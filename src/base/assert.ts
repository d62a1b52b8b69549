/**
 * Assertions: for what must hold if this package is right, always on, at the edges of shared memory.
 *
 * A failed assertion is a programmer error (ours), never an operating error: it fails the actor that runs,
 * not the process. Operating errors are `ShardloomError`s with another code.
 * Tests: test/base/errors.test.ts
 */
import { ShardloomError } from './errors.ts'

/** Throws `SHL_ASSERTION` with `text` unless `condition` holds. */
export function assert(condition: boolean, text: string): asserts condition {
  if (!condition) throw new ShardloomError('SHL_ASSERTION', { text })
}

/** For the branch that the types say cannot be reached. */
export function unreachable(value: never): never {
  throw new ShardloomError('SHL_ASSERTION', { text: `unreachable: ${String(value)}` })
}
