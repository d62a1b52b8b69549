/** Runs `shardloom cli` and `shardloom top` in this process, with streams of its own. */
import { type AddressInfo, createServer } from 'node:net'
import { PassThrough, Writable } from 'node:stream'
import { addressDefaults } from '../../../src/cli/connection/address-options.ts'
import { RespConnection } from '../../../src/cli/connection/resp-connection.ts'
import { cliCommand } from '../../../src/cli/prompt/cli-command.ts'
import { type CommandDocs, commandDocsOf, NO_DOCS } from '../../../src/cli/prompt/command-docs.ts'
import type { CliStreams } from '../../../src/cli/prompt/context.ts'
import { topCommand } from '../../../src/cli/top/top-command.ts'
import { type RedisServer, startRedis } from '../../support/redis/redis-server.ts'

/** What a command did; `out` is bytes as Latin-1. */
export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** A real Redis, and where it listens. */
export interface PortedRedis {
  readonly server: RedisServer
  readonly port: number
}

export async function startPorted(settings: readonly string[] = []): Promise<PortedRedis | undefined> {
  const server = await startRedis(settings)
  if (server === undefined) return undefined
  const [, port] = (await server.client.call('CONFIG', 'GET', 'port')) as string[]
  return { server, port: Number(port?.slice(1)) }
}

/** A port where nobody listens. */
export function closedPort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

/** What a server says of its commands. */
export async function docsOf({ port }: Pick<PortedRedis, 'port'>): Promise<CommandDocs> {
  const connection = await RespConnection.connect({ ...addressDefaults({}), port })
  const reply = await connection.call(['COMMAND', 'DOCS'])
  connection.close()
  return reply === undefined ? NO_DOCS : commandDocsOf(reply)
}

/** Runs `shardloom cli` with what is on stdin. */
export function cli(words: readonly string[], stdin: string | Buffer = '', env = {}): Promise<Ran> {
  return run(cliCommand, words, stdin, env)
}

/** Runs `shardloom top`. */
export function top(words: readonly string[]): Promise<Ran> {
  return run(topCommand, words, '', {})
}

async function run(
  command: (words: readonly string[], streams: CliStreams) => Promise<number>,
  words: readonly string[],
  stdin: string | Buffer,
  env: CliStreams['env'],
): Promise<Ran> {
  const input = new PassThrough()
  input.end(stdin)
  let out = ''
  let err = ''
  const output = new Writable({
    write(chunk: Buffer, _, done) {
      out += chunk.toString('latin1')
      done()
    },
  })
  const code = await command(words, {
    input,
    output,
    err: (text) => {
      err += text
    },
    isErrTerminal: false,
    isClosed: () => false,
    env,
  })
  return { code, out, err }
}
