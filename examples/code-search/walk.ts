/**
 * Finds the files to index and cuts them into batches.
 *
 * Paths are sorted by their characters, not by locale, and links are not followed: the same tree always gives
 * the same list, which is what makes two runs comparable. A batch is bounded by files and by bytes, so that
 * no worker is left with a big one at the end.
 *
 * Tests: test/examples/walk.test.ts
 */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { BATCH_FILES_MAX } from './segment.ts'

const SOURCE_NAME = /\.([cm]?[jt]s|[jt]sx|md|json)$/
const FILE_BYTES_MAX = 2 ** 20
const BATCH_BYTES_MAX = 2 ** 20

/** A file to index: its path below the folder. */
export interface SourceFile {
  readonly path: string
  readonly bytes: number
}

/**
 * All source files below a folder. Hidden folders belong to tools and are left out; so is a folder that
 * cannot be read, except the first.
 */
export function findFiles(folder: string): SourceFile[] {
  const files: SourceFile[] = []
  const pending = ['']
  for (let below = pending.pop(); below !== undefined; below = pending.pop()) {
    for (const entry of listFolder(folder, below)) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`
      if (entry.isDirectory() && !entry.name.startsWith('.')) pending.push(path)
      else if (entry.isFile() && SOURCE_NAME.test(entry.name)) {
        const bytes = statSync(join(folder, path), { throwIfNoEntry: false })?.size ?? 0
        if (bytes > 0 && bytes <= FILE_BYTES_MAX) files.push({ path, bytes })
      }
    }
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** Cuts a list of files into batches, in order. */
export function cutBatches(files: readonly SourceFile[]): SourceFile[][] {
  const batches: SourceFile[][] = []
  let batch: SourceFile[] = []
  let bytes = 0
  for (const file of files) {
    if (batch.length === BATCH_FILES_MAX || (batch.length > 0 && bytes + file.bytes > BATCH_BYTES_MAX)) {
      batches.push(batch)
      batch = []
      bytes = 0
    }
    batch.push(file)
    bytes += file.bytes
  }
  if (batch.length > 0) batches.push(batch)
  return batches
}

function listFolder(folder: string, below: string) {
  try {
    return readdirSync(join(folder, below), { withFileTypes: true })
  } catch (error) {
    if (below === '') throw error
    return []
  }
}
