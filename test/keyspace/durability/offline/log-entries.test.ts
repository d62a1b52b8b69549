/** Records one by one, until damage, a tail, or enough. */
import { mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readLogs, readSegmentFile } from '../../../../src/keyspace/durability/offline/log-entries.ts'
import { commit, craft, DISK, flip, offsetsIn, segmentPath } from './crafted-directory.ts'

const folder = mkdtempSync(join(tmpdir(), 'shardloom-entries-'))
const STEPS = [commit(1, 'a'), commit(2, 'b'), 'segment', commit(3, 'c'), commit(4, 'd')] as const
let made = 0

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const make = (): Promise<string> => craft(join(folder, `dir${++made}`), [STEPS, STEPS])

async function read(dir: string, shard?: number, limit = 100) {
  const found: string[] = []
  const stops = await readLogs(DISK, dir, shard, ({ shard: id, path, record }) => {
    if (record.kind !== 1) found.push(`${id}/${path.slice(-5, -4)}:${record.revision}`)
    return found.length < limit
  })
  return { found: found.join(' '), stops }
}

test('shards come one after the other, or one alone', async () => {
  const dir = await make()
  const first = '0/1:1 0/1:2 0/2:3 0/2:4'
  expect(await read(dir)).toEqual({ found: `${first} 1/1:1 1/1:2 1/2:3 1/2:4`, stops: [] })
  expect((await read(dir, 1)).found).toBe('1/1:1 1/1:2 1/2:3 1/2:4')
  expect(await read(dir, undefined, 5)).toEqual({ found: `${first} 1/1:1`, stops: [] })
})

test('damage ends its log, and a tail is no damage', async () => {
  const dir = await make()
  const path = segmentPath(dir, 0, 1)
  const offset = (await offsetsIn(path))[2] as number
  flip(path, offset + 34)
  const cut = segmentPath(dir, 1, 2)
  truncateSync(cut, statSync(cut).size - 40)
  const { found, stops } = await read(dir)
  expect(found).toBe('0/1:1 1/1:1 1/1:2 1/2:3')
  expect(stops).toMatchObject([
    { file: path, offset, reason: 'the checksum of a record is wrong', isTail: false },
    { file: cut, isTail: true },
  ])
})

test('a segment is read alone', async () => {
  const dir = await make()
  const path = segmentPath(dir, 1, 2)
  const found: number[] = []
  const take = ({ shard, record }: { shard: number; record: { revision: number } }): boolean => {
    found.push(shard, record.revision)
    return found.length < 4
  }
  expect(await readSegmentFile(DISK, path, take)).toEqual([])
  expect(found).toEqual([1, 0, 1, 3])
  flip(path, 20)
  expect(await readSegmentFile(DISK, path, take)).toMatchObject([{ offset: 16, isTail: false }])
})
