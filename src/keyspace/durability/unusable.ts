/**
 * What the disk says when files of a directory cannot be read, as an error of this library: it has a code,
 * and names the directory and the file.
 *
 * A folder in place of a file, a sector that cannot be read, a file that belongs to somebody else: nothing
 * is known then of what is in it, so it is no damage, and no repair would help.
 *
 * Tests: test/keyspace/durability/unusable.test.ts
 */
import { ShardloomError } from '../../base/index.ts'

/** The error as SHL_DIRECTORY_UNUSABLE; one that is not the disk's is left as it is. */
export function unusable(dir: string, error: unknown): unknown {
  if (error instanceof ShardloomError || !(error instanceof Error)) return error
  const { code, path = dir } = error as { readonly code?: unknown; readonly path?: string }
  if (typeof code !== 'string') return error
  const reason = error.message.includes(path) ? error.message : `${error.message} '${path}'`
  return new ShardloomError('SHL_DIRECTORY_UNUSABLE', { dir, path, reason }, { cause: error })
}

/** Runs what reads a directory. @throws SHL_DIRECTORY_UNUSABLE for what the disk throws */
export async function usable<T>(dir: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw unusable(dir, error)
  }
}
