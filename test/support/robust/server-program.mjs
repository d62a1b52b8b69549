/**
 * A process that serves, for tests that measure a process, or end one: it does what its parent says.
 *
 *     fork('server-program.mjs', [module, JSON.stringify({ threads, keyspace, serve })])
 *
 * Every message has an id, and is answered with it. `close` ends the server and the runtime; what is left to
 * do then must not keep the process.
 */
import { readFileSync } from 'node:fs'
import { open, writeFile } from 'node:fs/promises'

const [module, json] = process.argv.slice(2)
const { createRuntime } = await import(module)
const { threads = 2, keyspace = { shards: 2 }, serve = {} } = JSON.parse(json)

const runtime = await createRuntime({ threads, keyspace })
const server = await runtime.serve({ port: 0, ...serve })

/** Megabytes, by the kernel: of now, and the most there ever was. */
function memory() {
  const status = readFileSync('/proc/self/status', 'utf8')
  const of = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024
  return { rss: of('VmRSS'), peak: of('VmHWM') }
}

const ACTIONS = {
  memory,
  /** The most there ever was begins anew. */
  async forgetPeak() {
    await writeFile('/proc/self/clear_refs', '5')
    return memory()
  },
  /** Whatever the process asks of its disk waits until somebody opens this pipe to write: see `HELD_DISK`. */
  holdDisk({ path }) {
    open(path, 'r').then((pipe) => pipe.close())
  },
  moveSlots: ({ first, count, shard }) =>
    runtime.keyspace.moveSlots(
      Array.from({ length: count }, (_, i) => first + i),
      shard,
    ),
  async close({ timeoutMs }) {
    await server.close({ timeoutMs })
    await runtime.close()
  },
}

process.on('message', async ({ id, action, args }) => {
  let answer
  try {
    answer = { id, result: await ACTIONS[action](args ?? {}) }
  } catch (error) {
    answer = { id, error: String(error?.stack ?? error) }
  }
  process.send(answer, () => {
    if (action === 'close') process.disconnect()
  })
})
process.send({ id: 0, result: { port: server.address.port } })
