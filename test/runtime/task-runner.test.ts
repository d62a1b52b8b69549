/** The thread's side of a task: finding its function, and what it says when there is none. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { ShardloomError } from '../../src/base/index.ts'
import { unpack, ValueCodec } from '../../src/codec/index.ts'
import { runTask } from '../../src/runtime/task-runner.ts'

const folder = mkdtempSync(join(tmpdir(), 'shardloom-tasks-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function moduleOf(name: string, code: string): string {
  const path = join(folder, name)
  writeFileSync(path, code)
  return pathToFileURL(path).href
}

const codec = new ValueCodec()

function reply(href: string, name: string, input: unknown) {
  return runTask({ href, name, value: input }, async (moved) => moved)
}

async function run(href: string, name = 'default', input: unknown = 1): Promise<unknown> {
  return unpack(codec, await reply(href, name, input))
}

async function failure(href: string, name = 'default'): Promise<ShardloomError> {
  return unpack(codec, await reply(href, name, 1)) as ShardloomError
}

describe('a task is found', () => {
  test('as the default export or by its name, also in what was compiled to CommonJS', async () => {
    const esm = moduleOf('a.mjs', 'export default (n) => n + 1; export const twice = async (n) => n * 2')
    expect(await run(esm, 'default', 4)).toBe(5)
    expect(await run(esm, 'twice', 4)).toBe(8)
    const whole = moduleOf('b.cjs', 'module.exports = (n) => n + 1')
    expect(await run(whole, 'default', 4)).toBe(5)
    const compiled = moduleOf('c.cjs', 'exports.default = (n) => n + 1; exports["twice"] = (n) => n * 2')
    expect(await run(compiled, 'default', 4)).toBe(5)
    expect(await run(compiled, 'twice', 4)).toBe(8)
  })

  test('in TypeScript, also when it is named as JavaScript', async () => {
    const href = moduleOf('typed.mts', 'export default (n: number): number => n + 1')
    expect(await run(href.replace('.mts', '.mjs'), 'default', 4)).toBe(5)
  })
})

describe('what cannot be run says what to do', () => {
  test('a file that is not there', async () => {
    const error = await failure(new URL('./no-such-task.js', import.meta.url).href)
    expect(error).toBeInstanceOf(ShardloomError)
    expect(error).toMatchObject({ code: 'SHL_TASK_MODULE', retryable: false })
    expect(error.message).toMatch(/module=file:.*no-such-task\.js export=default; the file does not exist/)
  })

  test('a module without the export, or with one that is no function', async () => {
    const href = moduleOf('none.mjs', 'export const a = 1, b = () => 1')
    expect((await failure(href)).message).toContain(
      'it has no export default; it exports a, b: export default a function, or name one with export',
    )
    expect((await failure(href, 'c')).message).toContain('it has no export c; it exports a, b')
    expect((await failure(href, 'a')).message).toContain('its export a is no function')
  })

  test('a module that throws', async () => {
    const error = await failure(moduleOf('broken.mjs', 'throw new TypeError("broken")'))
    expect(error).toMatchObject({ code: 'SHL_TASK_MODULE', cause: { message: 'broken' } })
    expect(error.cause).toBeInstanceOf(TypeError)
  })
})
