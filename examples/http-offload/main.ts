/**
 * An HTTP server whose CPU-heavy requests run on other threads, so that it answers the others at once; and
 * whose sessions, cache and limits are in the keyspace.
 *
 *     node dist/examples/http-offload/main.js            serve, on a terminal; else the demo
 *     node dist/examples/http-offload/main.js --demo     measure /health with and without Shardloom
 *
 * Tests: test/examples/http-offload.test.ts, test/examples/http-keyspace.test.ts
 */
import { parseArgs } from 'node:util'
import { createRuntime, type Runtime } from 'shardloom'
import { runDemo } from './demo.ts'
import { renderTile, type Tile } from './mandelbrot.ts'
import { type Site, startServer } from './server.ts'
import type { Render } from './tiles.ts'
import type { worker } from './work.ts'

const HELP = `Serves /work?n=200 (CPU-heavy), /session and /health on 127.0.0.1.
Clients have sessions, tiles are rendered once, and who asks for too much is told so.

  --demo         load it with and without Shardloom, print a table, and exit (default without a terminal)
  --serve        serve, also without a terminal; Ctrl-C ends
  --port N       where to listen (default: any free port)
  --threads N    how many worker threads (default: the cores but one)
  --seconds N    how long each part of the demo takes (default: 2)
  --help         print this`
const EXIT_USAGE = 2
/** Above, what was not used for longest goes: tiles, sessions and limits alike have an expiry. */
const CACHE_BYTES_MAX = 64 * 1024 * 1024
const SECONDS_MAX = 600
const PORT_MAX = 65_535
const THREADS_MAX = 64
const SECONDS_DEFAULT = 2

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  let options: ReturnType<typeof readOptions>
  try {
    options = readOptions(args)
  } catch (error) {
    process.stderr.write(`http-offload: ${(error as Error).message.split(/\. |\n/)[0]} (see --help)\n`)
    return EXIT_USAGE
  }
  if (options.help) {
    process.stdout.write(`${HELP}\n`)
    return 0
  }
  await using runtime = await createRuntime({
    ...(options.threads > 0 && { threads: options.threads }),
    keyspace: { maxMemoryBytes: CACHE_BYTES_MAX, evictionPolicy: 'volatile-lru' },
  })
  const { keyspace } = runtime
  const offload = await offloaded(runtime)
  if (options.demo) {
    process.stderr.write(`8 clients ask for /work, one looks at /health: ${options.seconds} s each way\n`)
    const cases = [
      { title: 'inline', site: { render: inline } },
      { title: 'with Shardloom', site: { render: offload } },
      { title: 'and its keyspace', site: { render: offload, keyspace } },
    ]
    process.stdout.write(`${await runDemo(cases, options.seconds)}\n`)
  } else {
    await serve({ render: offload, keyspace }, options.port)
  }
  return 0
}

function readOptions(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      demo: { type: 'boolean' },
      serve: { type: 'boolean' },
      port: { type: 'string' },
      threads: { type: 'string' },
      seconds: { type: 'string' },
      help: { type: 'boolean' },
    },
  })
  const seconds = Number(values.seconds ?? SECONDS_DEFAULT)
  if (!(seconds > 0 && seconds <= SECONDS_MAX)) throw new RangeError(`--seconds must be up to ${SECONDS_MAX}`)
  return {
    help: values.help ?? false,
    demo: values.demo ?? !(values.serve ?? process.stdin.isTTY),
    port: countOf('port', values.port, PORT_MAX),
    threads: countOf('threads', values.threads, THREADS_MAX),
    seconds,
  }
}

/** A whole number; 0 when nothing is given. */
function countOf(name: string, text: string | undefined, max: number): number {
  const count = Number(text ?? 0)
  if (Number.isInteger(count) && count >= 0 && count <= max) return count
  throw new RangeError(`--${name} must be a whole number up to ${max}, not "${text}"`)
}

/** Renders on the thread that serves: everybody else waits. */
async function inline(size: number): Promise<Tile | undefined> {
  return renderTile(size, () => false)
}

/** Renders on the runtime's threads. */
async function offloaded(runtime: Runtime): Promise<Render> {
  const pool = await runtime.router<typeof worker>(new URL('./work.js', import.meta.url), {
    strategy: 'least_mailbox',
  })
  return (size, signal) => pool.ask('render', size, { signal })
}

/** Serves until it is told to end, then answers what is under way. */
async function serve(site: Site, port: number): Promise<void> {
  const server = await startServer(site, port)
  process.stdout.write(`${server.url}/work?n=200, ${server.url}/session and ${server.url}/health\n`)
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve())
    process.once('SIGTERM', () => resolve())
  })
  process.stderr.write('finishing what is under way\n')
  await server.stop()
}
