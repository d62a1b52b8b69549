/**
 * Folders for what a benchmark writes, below the folder for temporary files (`TMPDIR` says which), and how
 * much is in them.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Room that is kept free, and holds no data. */
const RESERVE = 'reserve'

/** A folder of one's own. */
export interface BenchFolder {
  readonly folder: string
  /** Removes it with all that is in it. */
  remove(): void
}

/** A folder that is removed at the latest when the process ends. */
export function benchFolder(name: string): BenchFolder {
  const folder = mkdtempSync(join(tmpdir(), `shardloom-bench-${name}-`))
  const atExit = (): void => rmSync(folder, { recursive: true, force: true })
  process.once('exit', atExit)
  process.once('SIGTERM', leave)
  return {
    folder,
    remove() {
      process.off('exit', atExit)
      process.off('SIGTERM', leave)
      atExit()
    },
  }
}

/** So that what is done at the exit is done. */
function leave(): void {
  process.exit(143)
}

/** Bytes of the files in a folder and below, as long as they are; without those that hold no data. */
export function bytesIn(folder: string): number {
  let bytes = 0
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) bytes += bytesIn(path)
    else if (entry.isFile() && entry.name !== RESERVE) bytes += statSync(path).size
  }
  return bytes
}

/** Makes something in a folder, which is removed when that fails. */
export async function orRemoved<T>(place: BenchFolder, make: () => Promise<T>): Promise<T> {
  try {
    return await make()
  } catch (error) {
    place.remove()
    throw error
  }
}
