/** lmdb-js in a folder of its own, without a sync to disk: what a process keeps in memory only. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RootDatabase } from 'lmdb'

/** An open database of text. */
export type Lmdb = RootDatabase<string, string>

/** Opens the database of a folder; each thread opens its own. */
export async function openLmdb(folder: string): Promise<Lmdb> {
  const { open } = await import('lmdb')
  return open<string, string>({ path: folder, encoding: 'string', noSync: true, compression: false })
}

/** A folder for one, and how to get rid of it. */
export function lmdbFolder(): { readonly folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'shardloom-bench-lmdb-'))
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
