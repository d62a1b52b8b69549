/**
 * Files that hold what a test expects: compared on every run, written again with UPDATE=1, reviewed as a
 * diff.
 *
 * Tests: every caller.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect } from 'vitest'

/** Expects that the file holds `text`. With UPDATE=1 it does from then on. */
export function expectGolden(path: string, text: string): void {
  if (process.env['UPDATE'] === '1') {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
  const found = existsSync(path) ? readFileSync(path, 'utf8').replace(/\r\n/g, '\n') : ''
  expect(text, `${path} is not what it should be: UPDATE=1 writes it again`).toBe(found)
}
