/**
 * A local Redis of our own: started on a free port, with nothing of it saved unless a folder is named, and
 * stopped with the benchmark.
 *
 * Clients are ioredis, as its manual shows it; where many commands are on their way at once, with the
 * automatic pipelining that it recommends for that. With a folder, the append-only file is never rewritten
 * and no snapshot is made but when a benchmark asks for it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { Redis } from 'ioredis'
import { MissingPeer } from '../harness.ts'

const INSTALL = 'apt-get install redis-server, or brew install redis'
const READY_MS = 10_000
/** Where there are files, they are read first. */
const LOADED_MS = 300_000
const PING_EVERY_MS = 1

/** Where its files are, and which. Default: none. */
export interface RedisFiles {
  readonly folder: string
  /** When the append-only file is synced; without, there is none, but an RDB file may be loaded. */
  readonly appendFsync?: 'always' | 'everysec'
}

/** A Redis that runs. */
export interface RedisServer {
  readonly port: number
  /** From the start of the process until PING was answered by PONG, and not by LOADING. */
  readonly startMs: number
  client(options?: { readonly isPipelined?: boolean }): Promise<Redis>
  /** A field of INFO, as a number, or as it is. */
  info(section: string, field: string): Promise<number>
  infoText(section: string, field: string): Promise<string | undefined>
  stop(): Promise<void>
  /** Ends it as an operator does: its files are complete. */
  shutDown(): Promise<void>
}

/** @throws MissingPeer when there is no redis-server */
export async function startRedis(files?: RedisFiles): Promise<RedisServer> {
  const { Redis: Client } = await import('ioredis')
  const port = await freePort()
  const startMs = performance.now()
  const child = spawn('redis-server', wordsOf(port, files))
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)
  process.once('SIGTERM', leave)
  const [readyMs] = await Promise.all([answersPing(child, port), isReady(child, files)])
  const clients: Redis[] = []
  const client = async (options: { readonly isPipelined?: boolean } = {}): Promise<Redis> => {
    const made = new Client({ port, enableAutoPipelining: options.isPipelined === true })
    clients.push(made)
    await made.ping()
    return made
  }
  const control = await client()
  const infoText = async (section: string, field: string): Promise<string | undefined> => {
    const line = (await control.info(section)).split('\r\n').find((one) => one.startsWith(`${field}:`))
    return line?.slice(field.length + 1)
  }
  const end = async (how: () => unknown): Promise<void> => {
    process.off('exit', kill)
    process.off('SIGTERM', leave)
    const hasEnded = child.exitCode !== null || child.signalCode !== null
    const ended = hasEnded ? undefined : once(child, 'exit')
    for (const one of clients) one.disconnect()
    how()
    await ended
  }
  return {
    port,
    startMs: readyMs - startMs,
    client,
    info: async (section, field) => Number(await infoText(section, field)),
    infoText,
    stop: () => end(kill),
    shutDown: () => end(() => void child.kill('SIGTERM')),
  }
}

function wordsOf(port: number, files: RedisFiles | undefined): string[] {
  const words = [
    ...['--port', String(port), '--bind', '127.0.0.1'],
    ...['--save', '', '--daemonize', 'no', '--auto-aof-rewrite-percentage', '0'],
  ]
  if (files === undefined) return [...words, '--appendonly', 'no']
  const { folder, appendFsync } = files
  if (appendFsync === undefined) return [...words, '--dir', folder, '--appendonly', 'no']
  return [...words, '--dir', folder, '--appendonly', 'yes', '--appendfsync', appendFsync]
}

/** So that what is done at the exit is done. */
function leave(): void {
  process.exit(143)
}

async function isReady(child: ChildProcess, files: RedisFiles | undefined): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let seen = ''
    const lateMs = files === undefined ? READY_MS : LOADED_MS
    const late = setTimeout(() => reject(new Error('redis-server does not start')), lateMs)
    child.once('error', () => {
      clearTimeout(late)
      reject(new MissingPeer('redis-server is not there', INSTALL))
    })
    const onExit = (): void => {
      clearTimeout(late)
      reject(new Error(`redis-server ended: ${seen}`))
    }
    const onData = (data: Buffer): void => {
      seen += data.toString()
      if (!seen.includes('Ready to accept connections')) return
      clearTimeout(late)
      child.off('exit', onExit)
      child.stdout?.off('data', onData)
      child.stdout?.resume()
      resolve()
    }
    child.once('exit', onExit)
    child.stdout?.on('data', onData)
  })
}

/** Asks again and again: when it was answered. Gives up when the process has ended. */
async function answersPing(child: ChildProcess, port: number): Promise<number> {
  while (child.exitCode === null && child.pid !== undefined) {
    if (await isPonged(port)) break
    await new Promise((resolve) => void setTimeout(resolve, PING_EVERY_MS))
  }
  return performance.now()
}

/** False while nobody listens, and while it is loading. */
async function isPonged(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    return await new Promise<boolean>((resolve) => {
      socket.once('error', () => resolve(false))
      socket.once('close', () => resolve(false))
      socket.once('data', (data: Buffer) => resolve(data.toString().startsWith('+PONG')))
      socket.write('PING\r\n')
    })
  } finally {
    socket.destroy()
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
