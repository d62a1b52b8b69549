/** Sockets that read into one buffer of their thread. */
import { connect, createServer, type Server, Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { onceClosed, readEvents, readInto } from '../../../src/server/listen/adopt-socket.ts'

const BUFFER = Buffer.alloc(1000)
let server: Server | undefined
afterEach(() => server?.close())

interface Pair {
  readonly client: Socket
  /** As it was accepted. */
  readonly accepted: Socket
}

async function pair(options: { allowHalfOpen?: boolean } = {}): Promise<Pair> {
  server?.close()
  const made = createServer({ ...options, pauseOnConnect: true })
  server = made
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve))
  const { port } = made.address() as { port: number }
  const accepted = new Promise<Socket>((resolve) => made.once('connection', resolve))
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  client.on('error', () => undefined)
  return { client, accepted: await accepted }
}

function once(socket: Socket, event: string): Promise<unknown> {
  return new Promise((resolve) => socket.once(event, resolve))
}

async function receive(socket: Socket, bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let count = 0
  while (count < bytes) {
    const chunk = (await once(socket, 'data')) as Buffer
    chunks.push(chunk)
    count += chunk.length
  }
  return Buffer.concat(chunks)
}

test.each([
  ['the buffer', readInto],
  [
    'events, where handles are not as expected',
    (socket: Socket, _: Buffer, take: never) => readEvents(socket, take),
  ],
])('bytes come in order by %s, longer ones than the buffer too', async (_, read) => {
  const { client, accepted } = await pair()
  const echo = read(accepted, BUFFER, ((bytes: Uint8Array, length: number) => {
    echo.write(Buffer.from(bytes.subarray(0, length)))
  }) as never)
  const sent = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 251))
  client.write(sent)
  expect((await receive(client, sent.length)).equals(sent)).toBe(true)
  client.end()
  await once(client, 'end')
})

test('sockets of a thread share the buffer, and know their addresses', async () => {
  const one = await pair()
  const port = one.client.localPort
  let text = ''
  const own = readInto(one.accepted, BUFFER, (bytes, length) => {
    text += Buffer.from(bytes.subarray(0, length)).toString()
  })
  const two = await pair()
  readInto(two.accepted, BUFFER, (bytes, length) => {
    text += Buffer.from(bytes.subarray(0, length)).toString()
  })
  expect([own.remoteAddress, own.remotePort]).toEqual(['127.0.0.1', port])
  for (let i = 0; i < 5; i++) {
    one.client.write(`a${i}`)
    two.client.write(`b${i}`)
  }
  await expect.poll(() => text.length).toBe(20)
  for (let i = 0; i < 5; i++) expect(text).toContain(`b${i}`)
  one.client.destroy()
  two.client.destroy()
})

test('a socket that is paused reads nothing until it is resumed', async () => {
  const { client, accepted } = await pair()
  let count = 0
  const own = readInto(accepted, BUFFER, (_, length) => {
    count += length
    if (count === 3) own.pause()
  })
  client.write('abc')
  await expect.poll(() => count).toBe(3)
  client.write('def')
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(count).toBe(3)
  own.resume()
  await expect.poll(() => count).toBe(6)
  client.destroy()
})

test('a client that ends its side is still answered when that is allowed', async () => {
  const { client, accepted } = await pair({ allowHalfOpen: true })
  const own = readInto(accepted, BUFFER, () => undefined)
  const ended = once(own, 'end')
  client.end('x')
  await ended
  const closed = once(own, 'close')
  own.end('late')
  expect((await receive(client, 4)).toString()).toBe('late')
  await closed
})

test('the end of a connection is told once, whichever socket stands for it', async () => {
  const { client, accepted } = await pair()
  let ends = 0
  onceClosed(accepted, () => ends++)
  const own = readInto(accepted, BUFFER, () => undefined)
  own.on('error', () => undefined)
  await new Promise((resolve) => setTimeout(resolve, 10))
  expect(ends).toBe(0)
  const closed = once(own, 'close')
  client.resetAndDestroy()
  await closed
  expect(ends).toBe(1)
  const connections = new Promise((resolve) => server?.getConnections((_, count) => resolve(count)))
  expect(await connections).toBe(0)
})

test('a socket that was destroyed, or is read already, keeps its events', async () => {
  const { client, accepted } = await pair()
  accepted.resume()
  let text = ''
  const same = readInto(accepted, BUFFER, (bytes, length) => {
    text += Buffer.from(bytes.subarray(0, length)).toString()
  })
  expect(same).toBe(accepted)
  client.write('abc')
  await expect.poll(() => text).toBe('abc')
  client.destroy()
  const never = new Socket()
  expect(readInto(never, BUFFER, () => undefined)).toBe(never)
})
