/** What is said of a connection that there is not: once, and what is wrong. */
import { createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { closeLater, failureOf, testKeyspace } from '../support/client-lab.ts'

/** Something that is no server of ours. */
async function stranger(talk: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    talk(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closeLater({
    close() {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(resolve))
    },
  })
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

const OPTIONS = { timeoutMs: 1000, backoff: { minMs: 5, maxMs: 20 }, breaker: { failures: 1000 } }

test.each([
  ['an HTTP server', (socket: Socket) => socket.once('data', () => socket.write('HTTP/1.1 400 Bad\r\n\r\n'))],
  ['a banner of SSH', (socket: Socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n')],
  ['garbage', (socket: Socket) => socket.write(Buffer.from([0, 1, 2, 3, 13, 10]))],
])('%s is said to be no server of the Redis protocol', async (_, talk) => {
  const { keyspace, events } = testKeyspace(await stranger(talk), OPTIONS)
  const { code, message } = await failureOf(keyspace.ready())
  expect(code).toBe('SHL_CONNECTION_FAILED')
  expect(message).toMatch(/command=ping: what answers there is no server of the Redis protocol/)
  expect(message.match(/no connection:/g)).toHaveLength(1)
  expect(message.match(/nothing was sent/g)).toHaveLength(1)
  expect(message).not.toMatch(/Disconnects client/)
  const failed = events.find((event) => event.type === 'connectFailed')
  expect(failed?.reason).toMatch(/^what answers there is no server/)
})

test('a listener that says nothing is not called an actor', async () => {
  const { keyspace } = testKeyspace(await stranger(() => undefined), { ...OPTIONS, connectTimeoutMs: 150 })
  const { code, message } = await failureOf(keyspace.ready())
  expect(code).toBe('SHL_CONNECTION_FAILED')
  expect(message).toMatch(/command=ping: the server said nothing for 150 ms; nothing was sent/)
  expect(message).not.toMatch(/actor|ask timed out/)
  // The same for who needs a connection of its own.
  const wait = await failureOf(keyspace.list('l').shiftWait())
  expect(wait.message).not.toMatch(/actor|ask timed out/)
})

test('a session whose connection cannot be made says why, once', async () => {
  const { keyspace } = testKeyspace(await stranger((socket) => socket.write('SSH-2.0\r\n')), OPTIONS)
  const { message } = await failureOf(keyspace.session().call(['PING']))
  expect(message).toMatch(/no server of the Redis protocol/)
  expect(message.match(/nothing was sent/g)).toHaveLength(1)
})
