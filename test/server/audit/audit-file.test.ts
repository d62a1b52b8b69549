/** The file of the audit log: in order, bounded, and honest about what is missing. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { AuditFile, checkAuditFile } from '../../../src/server/audit/audit-file.ts'

let folder: string
let path: string
let logged: unknown[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shardloom-audit-'))
  path = join(folder, 'audit.log')
  logged = []
})
afterEach(() => rmSync(folder, { recursive: true }))

function makeFile(at = path): AuditFile {
  return new AuditFile({ path: at, wallMs: () => 0, log: (...record) => logged.push(record) })
}

function lines(at = path): string[] {
  return readFileSync(at, 'utf8').trimEnd().split('\n')
}

it('appends in order, to a file of its own, and to what is there', async () => {
  const first = makeFile()
  for (let i = 0; i < 10; i++) first.append([`${i}a`, `${i}b`])
  await first.close()
  expect(statSync(path).mode & 0o777).toBe(0o600)
  const second = makeFile()
  second.append(['end'])
  await second.close()
  expect(lines()).toEqual([...Array.from({ length: 10 }, (_, i) => [`${i}a`, `${i}b`]).flat(), 'end'])
  expect(logged).toEqual([])
})

it('says how many lines are missing, where they are', async () => {
  const file = makeFile()
  file.append(['one'])
  await file.close()
  const again = makeFile()
  again.append(['two'], 3)
  await again.close()
  expect(lines()).toEqual(['one', '{"time":"1970-01-01T00:00:00.000Z","dropped":3}', 'two'])
  expect(logged).toEqual([['warn', 'lines of the audit log were dropped', { dropped: 3 }]])
})

it('drops what is too much, and counts it', async () => {
  const file = makeFile()
  const line = 'x'.repeat(1024 * 1024)
  file.append(Array.from({ length: 20 }, () => line))
  await file.close()
  expect(lines()).toHaveLength(17)
  expect(lines()[0]).toContain('"dropped":4')
  expect(file.lost).toBe(4)
})

it('what cannot be written is counted, and told when it can again', async () => {
  mkdirSync(path)
  const file = makeFile()
  file.append(['lost'])
  await file.close()
  file.append(['lost', 'too'])
  await file.close()
  expect(logged).toEqual([
    ['error', 'the audit log cannot be written', { path, reason: expect.stringContaining('EISDIR') }],
  ])
  expect(file.lost).toBe(3)
  rmdirSync(path)
  file.append(['kept'], 2)
  await file.close()
  expect(lines()).toEqual([expect.stringContaining('"dropped":5'), 'kept'])
  // It is told, and stays lost.
  expect(file.lost).toBe(5)
})

it('goes on in a new file when the old one was moved', async () => {
  const file = makeFile()
  file.append(['old'])
  await file.reopen()
  renameSync(path, `${path}.1`)
  file.append(['still old'])
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(existsSync(path)).toBe(false)
  await file.reopen()
  file.append(['new'])
  await file.close()
  expect(lines(`${path}.1`)).toEqual(['old', 'still old'])
  expect(lines()).toEqual(['new'])
})

it('a file that cannot be appended to is refused, by name; one that can is left as it is', () => {
  expect(() => checkAuditFile('')).not.toThrow()
  checkAuditFile(path)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  writeFileSync(path, 'kept')
  checkAuditFile(path)
  expect(readFileSync(path, 'utf8')).toBe('kept')
  for (const wrong of [join(folder, 'none', 'z'), folder]) {
    expect(() => checkAuditFile(wrong)).toThrow(
      expect.objectContaining({
        code: 'SHL_CONFIGURATION_FILE',
        message: expect.stringMatching(
          `file cannot be used: ${wrong}: .*choose another with audit-log-file$`,
        ),
      }),
    )
  }
})
