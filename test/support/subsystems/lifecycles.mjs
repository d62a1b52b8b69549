/** Things with a lifecycle: a server, a loop of jobs, a child process, an actor. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { defineActor, defineSubsystem } from 'shardloom'

const sleep = (ms, signal) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal?.addEventListener('abort', () => resolve(clearTimeout(timer)), { once: true })
  })

export const server = defineSubsystem({
  name: 'server',
  async init(_ctx, { port = 0 } = {}) {
    const http = createServer((_request, response) => void setTimeout(() => response.end('hello'), 30))
    http.listen(port, '127.0.0.1')
    await once(http, 'listening')
    return { http, port: http.address().port }
  },
  api: ({ port }) => ({ port: () => port }),
  // Requests under way are finished before the port is given back.
  drain: ({ http }) => new Promise((resolve) => http.close(() => resolve())),
  stop: ({ http }) => void http.close(),
})

export const jobs = defineSubsystem({
  name: 'jobs',
  init(ctx, _args, previous) {
    const state = { done: previous?.done ?? 0, running: Promise.resolve() }
    const work = async () => {
      while (!ctx.signal.aborted) {
        await sleep(2, ctx.signal)
        state.done++
      }
    }
    state.running = work()
    return state
  },
  api: (state) => ({ done: () => state.done }),
  drain: ({ running }) => running,
  snapshot: ({ done }) => ({ done }),
})

export const childProcess = defineSubsystem({
  name: 'childProcess',
  async init(ctx) {
    const child = spawn(process.execPath, ['-e', 'process.stdin.on("data", (d) => process.stdout.write(d))'])
    child.on('exit', (code, signal) => {
      if (!ctx.signal.aborted) ctx.fail(new Error(`the process ended: ${code ?? signal}`))
    })
    await once(child, 'spawn')
    return { child }
  },
  api: ({ child }) => ({
    pid: () => child.pid,
    async echo(text) {
      child.stdin.write(text)
      const [answer] = await once(child.stdout, 'data')
      return String(answer)
    },
  }),
  stop: async ({ child }) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill()
    await once(child, 'exit')
  },
})

const adder = defineActor({
  name: 'adder',
  init: () => ({ sum: 0 }),
  receive: { add: (state, n) => (state.sum += n) },
})

export const withActor = defineSubsystem({
  name: 'withActor',
  init: async (ctx) => ({ adder: await ctx.actor.spawn(adder) }),
  api: ({ adder: ref }) => ({ add: (n) => ref.ask('add', n), ref: () => ref }),
})
