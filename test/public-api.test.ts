/**
 * The public surface, name by name: it grows only in a diff that a person sees.
 *
 * For each entry point of package.json: what `dist/` exports at run time, and the types that its declarations
 * name. `UPDATE=1 npm test -- test/public-api.test.ts` writes test/transcripts/public-api.txt again.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { expectGolden } from './support/golden.ts'

const ROOT = join(import.meta.dirname, '..')
const TRANSCRIPT = join(ROOT, 'test', 'transcripts', 'public-api.txt')

interface EntryPoint {
  readonly types: string
  readonly default: string
}

test('each entry point exports what the transcript lists, and nothing else', async () => {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    exports: Record<string, EntryPoint | string>
  }
  const sections: string[] = []
  for (const [name, entry] of Object.entries(manifest.exports)) {
    if (typeof entry === 'string') continue
    sections.push(`shardloom${name.slice(1)}\n${(await surfaceOf(entry)).join('')}`)
  }
  expect(sections.length).toBeGreaterThan(0)
  expectGolden(TRANSCRIPT, sections.join('\n'))
})

async function surfaceOf(entry: EntryPoint): Promise<string[]> {
  const values = (await import(pathToFileURL(join(ROOT, entry.default)).href)) as Record<string, unknown>
  const names = Object.keys(values).map((name) => ({ name, kind: kindOf(values[name]) }))
  for (const name of declaredNames(join(ROOT, entry.types))) {
    if (!(name in values)) names.push({ name, kind: 'type' })
  }
  names.sort((a, b) => (a.name < b.name ? -1 : 1))
  return names.map(({ name, kind }) => `  ${kind.padEnd(9)} ${name}\n`)
}

/**
 * The names of an entry's declarations, which hold nothing but `export { … } from` (the tidy test sees to
 * it).
 */
function declaredNames(path: string): string[] {
  const text = readFileSync(path, 'utf8')
  expect(text).not.toMatch(/export \*/)
  return [...text.matchAll(/export (?:type )?\{([^}]*)\}/g)].flatMap(([, list = '']) =>
    list
      .split(',')
      .map((part) =>
        part
          .trim()
          .replace(/^type /, '')
          .replace(/^.* as /, ''),
      )
      .filter((name) => name !== ''),
  )
}

function kindOf(value: unknown): string {
  if (typeof value !== 'function') return typeof value
  return /^class\b/.test(Function.prototype.toString.call(value)) ? 'class' : 'function'
}
