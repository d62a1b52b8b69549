/** What is told of a directory in which there was a Redis. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { foreignData } from '../../src/host/foreign-data.ts'

test('files of Redis are told of, until there is data of ours', () => {
  const dir = mkdtempSync(join(tmpdir(), 'shardloom-foreign-'))
  const tell = (): string | undefined => foreignData(dir, 'dump.rdb', 'appendonlydir')
  expect(tell()).toBeUndefined()
  expect(foreignData(join(dir, 'gone'), 'dump.rdb', 'appendonlydir')).toBeUndefined()
  writeFileSync(join(dir, 'dump.rdb'), '')
  expect(tell()).toContain('not read: dump.rdb;')
  mkdirSync(join(dir, 'appendonlydir'))
  expect(tell()).toContain('not read: dump.rdb, appendonlydir;')
  writeFileSync(join(dir, 'shardloom.json'), '')
  expect(tell()).toBeUndefined()
  rmSync(dir, { recursive: true })
})
