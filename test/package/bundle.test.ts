/** What the build makes of many modules: few files, the same classes, the same addresses. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { ROOT, runNode } from '../support/package-lab.ts'

const DIST = join(ROOT, 'dist')

/** Files and packages that loading `entry` loads at once. */
function loadedBy(...entries: readonly string[]): {
  readonly files: string[]
  readonly packages: Set<string>
} {
  const files = entries.map((entry) => join(DIST, entry))
  const packages = new Set<string>()
  for (const file of files) {
    for (const [, name] of readFileSync(file, 'utf8').matchAll(/^(?:import|export|\}).*?"([^"\n]+)";$/gm)) {
      const path = join(dirname(file), name!)
      if (!name!.startsWith('.')) packages.add(name!)
      else if (!files.includes(path)) files.push(path)
    }
  }
  return { files, packages }
}

test('a thread loads few files, and no package that only some need', () => {
  const { files, packages } = loadedBy('workers/thread-main.js', 'src/keyspace/shard/shard-actor.js')
  expect(files.every((file) => existsSync(file))).toBe(true)
  expect(files.length).toBeGreaterThan(5)
  expect(files.length).toBeLessThan(50)
  expect(
    [...packages].filter((name) => /^(@redis|pino|cockatiel|comlink|piscina|xstate)/.test(name)),
  ).toEqual([])
})

test('the code of a module is in one place', () => {
  const owners = new Map<string, Set<string>>()
  for (const file of readdirSync(join(DIST, 'chunks')).filter((name) => name.endsWith('.js'))) {
    const text = readFileSync(join(DIST, 'chunks', file), 'utf8')
    for (const [, module] of text.matchAll(/^\/\/ (dist\/src\/\S+)$/gm)) {
      owners.set(module!, (owners.get(module!) ?? new Set()).add(file))
    }
  }
  expect(owners.size).toBeGreaterThan(300)
  expect([...owners].filter(([, files]) => files.size > 1)).toEqual([])
})

test('classes keep the names of their sources', async () => {
  for (const entry of [
    'src/index.js',
    'src/keyspace/public.js',
    'src/testkit/index.js',
    'src/client/index.js',
  ]) {
    const module = (await import(pathToFileURL(join(DIST, entry)).href)) as Record<string, unknown>
    const classes = Object.entries(module).filter(([, it]) => /^class\b/.test(String(it)))
    expect(classes.length, entry).toBeGreaterThan(0)
    for (const [, it] of classes) expect((it as { name: string }).name).toMatch(/^[A-Z][A-Za-z]+$/)
  }
})

test('stacks lead to the sources when Node is asked for that', async () => {
  const program = `
    import { createRuntime } from ${JSON.stringify(pathToFileURL(join(DIST, 'src', 'index.js')).href)}
    await createRuntime({ threads: -1 }).catch((error) => console.log(error.stack))
  `
  const { stdout } = await runNode(ROOT, ['--enable-source-maps', '--input-type=module', '--eval', program])
  expect(stdout).toMatch(/src[/\\]base[/\\]options\.ts:\d+/)
})
