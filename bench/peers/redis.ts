/**
 * A local Redis of our own: started on a free port, with nothing of it saved, and stopped with the benchmark.
 *
 * Clients are ioredis, as its manual shows it; where many commands are on their way at once, with the
 * automatic pipelining that it recommends for that.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Redis } from 'ioredis'
import { MissingPeer } from '../harness.ts'

const INSTALL = 'apt-get install redis-server, or brew install redis'
const READY_MS = 10_000

/** A Redis that runs. */
export interface RedisServer {
  readonly port: number
  client(options?: { readonly isPipelined?: boolean }): Promise<Redis>
  /** A field of INFO. */
  info(section: string, field: string): Promise<number>
  stop(): Promise<void>
}

/** @throws MissingPeer when there is no redis-server */
export async function startRedis(): Promise<RedisServer> {
  const { Redis: Client } = await import('ioredis')
  const port = await freePort()
  const child = spawn('redis-server', [
    ...['--port', String(port), '--bind', '127.0.0.1'],
    ...['--save', '', '--appendonly', 'no', '--daemonize', 'no'],
  ])
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)
  process.once('SIGTERM', leave)
  await isReady(child)
  const clients: Redis[] = []
  const client = async (options: { readonly isPipelined?: boolean } = {}): Promise<Redis> => {
    const made = new Client({ port, enableAutoPipelining: options.isPipelined === true })
    clients.push(made)
    await made.ping()
    return made
  }
  const control = await client()
  return {
    port,
    client,
    async info(section, field) {
      const line = (await control.info(section)).split('\r\n').find((one) => one.startsWith(`${field}:`))
      return Number(line?.slice(field.length + 1))
    },
    async stop() {
      for (const one of clients) one.disconnect()
      process.off('exit', kill)
      process.off('SIGTERM', leave)
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** So that what is done at the exit is done. */
function leave(): void {
  process.exit(143)
}

async function isReady(child: ChildProcess): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let seen = ''
    const late = setTimeout(() => reject(new Error('redis-server does not start')), READY_MS)
    child.once('error', () => reject(new MissingPeer('redis-server is not there', INSTALL)))
    child.once('exit', () => reject(new Error(`redis-server ended: ${seen}`)))
    child.stdout?.on('data', (data: Buffer) => {
      seen += data.toString()
      if (!seen.includes('Ready to accept connections')) return
      clearTimeout(late)
      child.removeAllListeners('exit')
      resolve()
    })
  })
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
