/** Dependencies are loaded when they are first used, and not before: actors alone need none. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..', '..')
const folder = mkdtempSync(join(tmpdir(), 'shardloom-lazy-'))
const urlOf = (path: string) => JSON.stringify(pathToFileURL(join(ROOT, path)).href)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Tells the main thread which packages are resolved, by it or by its workers. */
const HOOKS = `
  let port
  export const initialize = (data) => { port = data.port }
  export async function resolve(specifier, context, next) {
    const late = /^(comlink|piscina|pino|pino-pretty|smol-toml|xstate|cockatiel|@redis\\/client)$/
    if (late.test(specifier)) port.postMessage(specifier)
    return next(specifier, context)
  }
`

const PROGRAM = `
  import { register } from 'node:module'
  import { MessageChannel } from 'node:worker_threads'
  const { port1, port2 } = new MessageChannel()
  const seen = new Set()
  port1.on('message', (name) => seen.add(name))
  port1.unref()
  register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(HOOKS)}`)}, {
    data: { port: port2 },
    transferList: [port2],
  })
  const show = async (what) => {
    await new Promise((resolve) => setTimeout(resolve, 50))
    console.log(what + ': ' + [...seen].sort().join(' '))
  }
  const { createRuntime } = await import(${urlOf('dist/src/index.js')})
  const runtime = await createRuntime({ threads: 1 })
  const ref = await runtime.spawn(new URL(${urlOf('test/support/actors/tester.mjs')}), { export: 'tester' })
  await ref.ask('echo', 1)
  await show('actors')
  const tree = await runtime.supervise({ id: 'app' })
  await show('a tree')
  await runtime.subsystem({ name: 'v', module: new URL(${urlOf('test/support/subsystems/visits.mjs')}) })
  await show('a subsystem')
  await runtime.run(new URL(${urlOf('test/support/actors/tasks.mjs')}), 1)
  await show('a task')
  await import(${urlOf('dist/src/client/index.js')})
  await show('a client')
  await runtime.close()
`

test('each with the first thing that needs it', async () => {
  const program = join(folder, 'program.mjs')
  writeFileSync(program, PROGRAM)
  const { stdout } = await promisify(execFile)(process.execPath, [program])
  expect(stdout.trim().split('\n')).toEqual([
    'actors: ',
    'a tree: xstate',
    'a subsystem: comlink xstate',
    'a task: comlink piscina xstate',
    'a client: @redis/client cockatiel comlink piscina xstate',
  ])
})
