/** Loading definitions: what is found, and what is said when it is not. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { moduleHref } from '../../src/runtime/module-loader.ts'
import { rejection, testRuntime } from '../support/runtime.ts'

const folder = mkdtempSync(join(tmpdir(), 'shardloom-modules-'))
const entry = new URL('../../dist/src/index.js', import.meta.url).href
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function moduleOf(name: string, code: string): URL {
  const path = join(folder, name)
  writeFileSync(path, `import { defineActor } from ${JSON.stringify(entry)}\n${code}\n`)
  return pathToFileURL(path)
}

const ACTOR = `defineActor({ name: 'm', receive: { hi: (_state, n) => n + 1 } })`

describe('a module', () => {
  test('may export its actor by default, by name, or as the only one', async () => {
    const runtime = await testRuntime()
    const main = await runtime.spawn(moduleOf('main.mjs', `export default ${ACTOR}`))
    const named = await runtime.spawn(moduleOf('named.mjs', `export const a = ${ACTOR}, b = ${ACTOR}`), {
      export: 'b',
    })
    const only = await runtime.spawn(moduleOf('only.mjs', `export const x = 1, y = ${ACTOR}`))
    for (const ref of [main, named, only]) expect(await ref.ask('hi', 1)).toBe(2)
  })

  test('that throws, or exports no actor, says so', async () => {
    const runtime = await testRuntime()
    const broken = await rejection(runtime.spawn(moduleOf('broken.mjs', `throw new TypeError('broken')`)))
    expect(broken).toMatchObject({ code: 'SHL_ACTOR_MODULE', cause: { message: 'broken' } })
    const none = await rejection(runtime.spawn(moduleOf('none.mjs', 'export const x = 1')))
    expect(none.message).toContain('it exports x; export the result of defineActor')
    const other = await rejection(
      runtime.spawn(moduleOf('other.mjs', `export const a = ${ACTOR}`), { export: 'z' }),
    )
    expect(other.message).toContain('it exports a')
  })

  test('in TypeScript loads natively or through tsx, also when it is named as JavaScript', async () => {
    const runtime = await testRuntime()
    const code = `const one: number = 1
      export default defineActor({ name: 't', receive: { hi: (_s, n: number) => n + one } })`
    const url = moduleOf('typed.mts', code)
    expect(await (await runtime.spawn(url)).ask('hi', 1)).toBe(2)
    const asJavaScript = new URL(url.href.replace('.mts', '.mjs'))
    expect(await (await runtime.spawn(asJavaScript)).ask('hi', 2)).toBe(3)
  })

  test('is named by a URL or an absolute path', () => {
    expect(moduleHref('/a/b.js')).toBe('file:///a/b.js')
    expect(moduleHref('file:///a/b.js')).toBe('file:///a/b.js')
    for (const bad of ['./b.js', 'package', 5, undefined, {}]) {
      expect(() => moduleHref(bad)).toThrow(/invalid option: module=/)
    }
  })
})
