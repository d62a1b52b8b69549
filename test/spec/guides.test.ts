/** The programs of the guides do what they say: each that is about tests is run as it stands. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { transform } from 'esbuild'
import { afterAll, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..', '..')
const folder = mkdtempSync(join(tmpdir(), 'shardloom-guides-'))

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const page = readFileSync(join(ROOT, 'docs', 'guides', 'testing.md'), 'utf8')
const programs = [...page.matchAll(/^```ts\n(.*?)^```/gms)].map((match, i) => ({
  i,
  text: match[1] as string,
}))

test.each(programs)('program $i of the guide to testing', async ({ i, text }) => {
  const { code } = await transform(text, { loader: 'ts', format: 'esm' })
  const path = join(folder, `program-${i}.mjs`)
  writeFileSync(path, withPaths(code))
  await import(pathToFileURL(path).href)
})

test('there are some', () => expect(programs.length).toBeGreaterThan(2))

/** Imports of the package, made those of this clone's `dist/`. */
function withPaths(code: string): string {
  const dist = (path: string) => JSON.stringify(pathToFileURL(join(ROOT, 'dist', 'src', path)).href)
  return code
    .replaceAll(/"shardloom\/testing"/g, dist('testkit/index.js'))
    .replaceAll(/"shardloom"/g, dist('index.js'))
}
