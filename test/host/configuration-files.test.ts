/** Files are replaced as a whole, with the mode that they have. */
import { mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { systemFiles } from '../../src/host/configuration-files.ts'

const folder = mkdtempSync(join(tmpdir(), 'shardloom-files-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('bytes are read as they were written; a link and a mode stay', () => {
  const file = join(folder, 'a.conf')
  const link = join(folder, 'b.conf')
  writeFileSync(file, 'x', { mode: 0o640 })
  symlinkSync(file, link)
  systemFiles.write(link, 'pass \xff\n')
  expect(systemFiles.read(file)).toBe('pass \xff\n')
  expect(statSync(file).mode & 0o777).toBe(0o640)
  expect(readdirSync(folder).sort()).toEqual(['a.conf', 'b.conf'])
  expect(systemFiles.list(folder)).toEqual(['a.conf', 'b.conf'])
})

test('a new file is for its owner alone', () => {
  const file = join(folder, 'new.conf')
  systemFiles.write(file, 'x')
  expect(statSync(file).mode & 0o777).toBe(0o600)
})

test('what is not there is told apart from what cannot be read', () => {
  expect(systemFiles.read(join(folder, 'gone'))).toBeUndefined()
  expect(systemFiles.list(join(folder, 'gone'))).toEqual([])
  expect(() => systemFiles.read(folder)).toThrow(/cannot be used: .*EISDIR/)
  expect(() => systemFiles.write(join(folder, 'no', 'x'), '')).toThrow(/cannot be used: .*ENOENT/)
})
