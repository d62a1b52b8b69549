/**
 * lmdb-js in a folder of its own.
 *
 * Its `put` gives a promise that, by its manual, resolves when the transaction of the put is committed:
 * written into the cache of the operating system, and visible to readers. With `overlappingSync`, its default
 * on all but Windows, that may be before the flush; `.flushed` of that promise (`separateFlushed`), or
 * `db.flushed`, resolves behind it. In effect, in 3.5.6, both resolve behind the flush, since a transaction
 * is marked as committed when `mdb_txn_commit` has returned, which ends with it: who awaits one put after the
 * other sees an `fdatasync` of the pages, and a synchronous write of the page that names them, for each. Puts
 * of one turn of the event loop are one transaction.
 */
import type { Key, RootDatabase } from 'lmdb'
import { type BenchFolder, benchFolder } from '../files.ts'

/** An open database of text. */
export type Lmdb = RootDatabase<string, string>

/** One of which each put tells of its flush, too. */
export interface SyncedLmdb {
  put(key: string, value: string): Promise<boolean> & { readonly flushed: Promise<unknown> }
  get(key: string): string | undefined
  close(): Promise<void>
}

/**
 * Opens the database of a folder, without a sync to disk: what a process keeps in memory only. Each thread
 * opens its own.
 */
export async function openLmdb(folder: string): Promise<Lmdb> {
  const { open } = await import('lmdb')
  return open<string, string>({ path: folder, encoding: 'string', noSync: true, compression: false })
}

/** Opens the database of a folder with the durability that it has by default. */
export async function openSyncedLmdb(folder: string): Promise<SyncedLmdb> {
  const { open } = await import('lmdb')
  const options = { path: folder, encoding: 'string', compression: false, separateFlushed: true } as const
  return open<string, Key>(options) as unknown as SyncedLmdb
}

/** A folder for one, and how to get rid of it. */
export function lmdbFolder(): BenchFolder {
  return benchFolder('lmdb')
}
