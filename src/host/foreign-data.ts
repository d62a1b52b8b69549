/**
 * Whether a directory holds the data of a Redis, and none of ours: it would seem to be lost.
 *
 * It is not read by itself. Which of its files is the newer one, and whether a Redis still writes them, is
 * for a person to say; `shardloom import` takes over what is in an RDB file.
 *
 * Tests: test/host/foreign-data.test.ts
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** What is to be told of a directory before it is opened; undefined: nothing. */
export function foreignData(dir: string, rdbFile: string, appendFolder: string): string | undefined {
  if (existsSync(join(dir, 'shardloom.json'))) return undefined
  const found = [rdbFile, appendFolder].filter((name) => name !== '' && existsSync(join(dir, name)))
  if (found.length === 0) return undefined
  const what = found.join(', ')
  return `${dir} holds data of Redis, which is not read: ${what}; shardloom import FILE DIR takes it over`
}
