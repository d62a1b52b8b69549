/**
 * Where a copy may not be made: in what it is a copy of, or around it.
 *
 * The copy would be among the files that are copied the next time, and whoever clears the one away clears
 * away the other. Folders are compared as they really are: a link does not hide where it leads to. What is
 * not there yet is where its parent is.
 *
 * Tests: test/cli/storage/copy-target.test.ts
 */
import { realpath } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { ShardloomError } from '../../base/index.ts'

/** @throws SHL_COPY_TARGET when one folder is in the other, or is it */
export async function checkApart(from: string, to: string): Promise<void> {
  const [source, target] = [await realPathOf(resolve(from)), await realPathOf(resolve(to))]
  const found = isWithin(source, target)
    ? 'it is in the directory that is copied'
    : isWithin(target, source)
      ? 'it holds the directory that is copied'
      : undefined
  if (found !== undefined) throw new ShardloomError('SHL_COPY_TARGET', { to, found })
}

/** Without links, as far as it is there. */
async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch {
    // Whatever is wrong with it is told by whoever reads it, or makes it.
    const parent = dirname(path)
    return parent === path ? path : join(await realPathOf(parent), basename(path))
  }
}

function isWithin(outer: string, path: string): boolean {
  const way = relative(outer, path)
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way))
}
