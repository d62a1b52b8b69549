/** A server of a test's own, on a free port: closed, with its runtime, when the test file is over. */
import { connect } from 'node:net'
import {
  createRuntime,
  type RespServer,
  type Runtime,
  type RuntimeOptions,
  type ServeOptions,
} from 'shardloom'

/** What is given to the runtime and to the server. */
export interface TestServerOptions {
  readonly threads?: number
  readonly keyspace?: RuntimeOptions['keyspace']
  readonly serve?: ServeOptions
}

/** A server, and how to end it. */
export interface TestServer {
  readonly runtime: Runtime
  readonly server: RespServer
  readonly port: number
  close(): Promise<void>
}

/** Starts a runtime that serves; 2 threads and 2 shards when nothing else is said. */
export async function testServer(options: TestServerOptions = {}): Promise<TestServer> {
  const { threads = 2, keyspace = { shards: 2 }, serve: serveOptions = {} } = options
  const runtime = await createRuntime({ threads, keyspace })
  try {
    const server = await runtime.serve({ port: 0, ...serveOptions })
    return {
      runtime,
      server,
      port: server.address.port,
      async close() {
        await server.close()
        await runtime.close()
      },
    }
  } catch (error) {
    await runtime.close()
    throw error
  }
}

/** Sends bytes in pieces, and gives all bytes that come back until the other end closes, as Latin-1. */
export function exchange(port: number, pieces: readonly Uint8Array[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    const received: Buffer[] = []
    socket.setNoDelay()
    socket.on('data', (bytes: Buffer) => void received.push(bytes))
    socket.on('error', reject)
    socket.on('end', () => {
      socket.end()
      resolve(Buffer.concat(received).toString('latin1'))
    })
    void send()

    async function send(): Promise<void> {
      for (const piece of pieces) {
        await new Promise((done) => void socket.write(piece, done))
        // Another turn of the event loop: otherwise pieces arrive as one.
        await new Promise((done) => setImmediate(done))
      }
    }
  })
}

/** A request in the form in which clients send it. */
export function request(...argv: readonly (string | number)[]): Buffer {
  const words = argv.map((word) => `$${Buffer.byteLength(String(word), 'latin1')}\r\n${word}\r\n`)
  return Buffer.from(`*${argv.length}\r\n${words.join('')}`, 'latin1')
}
