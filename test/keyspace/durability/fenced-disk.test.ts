/** A shard that was replaced writes nothing any more. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { fencedDisk } from '../../../src/keyspace/durability/fenced-disk.ts'
import { systemDisk } from '../../../src/storage/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'shardloom-'))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('what changes something is refused when another life has begun, what reads is not', async () => {
  let life = 1
  const disk = fencedDisk(systemDisk(), 3, () => life === 1)
  const path = join(folder, 'log')
  const file = await disk.open(path, 'create')
  await file.write(0, Buffer.from('mine'))
  await file.sync()
  life = 2
  const refused = { code: 'SHL_SHARD_DOWN', details: { shard: 3 } }
  await expect(file.write(4, Buffer.from('late'))).rejects.toMatchObject(refused)
  await expect(file.truncate(0)).rejects.toMatchObject(refused)
  await expect(file.sync()).rejects.toMatchObject(refused)
  await expect(disk.open(join(folder, 'other'), 'create')).rejects.toMatchObject(refused)
  await expect(disk.remove(path)).rejects.toMatchObject(refused)
  await expect(disk.rename(path, `${path}.old`)).rejects.toMatchObject(refused)
  const bytes = Buffer.alloc(8)
  expect(await file.read(0, bytes)).toBe(4)
  expect(await disk.list(folder)).toEqual(['log'])
  await file.close()
  expect(readFileSync(path, 'latin1')).toBe('mine')
})
