/** The file with the id of a process. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { writePidFile } from '../../src/host/pid-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'shardloom-pid-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('it is there while the process runs', () => {
  const file = join(folder, 'a.pid')
  writeFileSync(file, '1\n')
  const remove = writePidFile(file, 77)
  expect(readFileSync(file, 'utf8')).toBe('77\n')
  remove()
  expect(existsSync(file)).toBe(false)
  remove()
})

test('what another process has written since is left', () => {
  const file = join(folder, 'b.pid')
  const remove = writePidFile(file, 77)
  writeFileSync(file, '78\n')
  remove()
  expect(readFileSync(file, 'utf8')).toBe('78\n')
})

test('a file that cannot be written is told by name', () => {
  expect(() => writePidFile(join(folder, 'no', 'c.pid'))).toThrow(
    /cannot be used: .*c.pid: ENOENT.*; choose .* --pidfile/,
  )
})
