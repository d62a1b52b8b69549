/** MONITOR over two threads: every command of every client is shown, once, and nothing when nobody looks. */
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { delay, RespClient } from '../../support/redis/resp-client.ts'
import { request, type TestServer, testServer } from '../../support/server.ts'

let server: TestServer
let clients: RespClient[]

beforeAll(async () => {
  server = await testServer()
  clients = await Promise.all(Array.from({ length: 6 }, () => RespClient.connect(server.port)))
})
afterAll(async () => {
  for (const client of clients) client.close()
  await server.close()
})

interface Monitor {
  readonly socket: Socket
  text: string
}

async function monitor(): Promise<Monitor> {
  const socket = connect(server.port, '127.0.0.1')
  const one = { socket, text: '' }
  socket.on('data', (bytes: Buffer) => {
    one.text += bytes.toString('latin1')
  })
  socket.write(request('MONITOR'))
  await until(() => one.text.startsWith('+OK\r\n'))
  return one
}

async function until(holds: () => boolean): Promise<void> {
  const endMs = performance.now() + 5000
  while (!holds() && performance.now() < endMs) await delay(2)
  expect(holds()).toBe(true)
}

const EACH = 40

it('monitors of both threads see the commands of both, in the order of each client', async () => {
  const monitors = await Promise.all(Array.from({ length: 4 }, monitor))
  await Promise.all(
    clients.map((client, i) =>
      client.pipeline(Array.from({ length: EACH }, (_, j) => ['SET', `key:${i}:${j}`, 'a\nb\xff'])),
    ),
  )
  for (const one of monitors) {
    await until(() => one.text.split('\r\n').length - 2 >= clients.length * EACH)
    const lines = one.text.split('\r\n').slice(1, -1)
    expect(lines).toHaveLength(clients.length * EACH)
    for (let i = 0; i < clients.length; i++) {
      const own = lines.filter((line) => line.includes(`"key:${i}:`))
      expect(own.map((line) => /key:\d+:(\d+)/.exec(line)?.[1])).toEqual(own.map((_, j) => `${j}`))
      expect(own[0]).toMatch(/^\+\d{10}\.\d{6} \[0 127\.0\.0\.1:\d+\] "SET" "key:\d:0" "a\\nb\\xff"$/)
    }
    one.socket.destroy()
  }
})

it('when all monitors are gone no thread looks any more, and the next one sees what comes then', async () => {
  const first = await monitor()
  first.socket.destroy()
  await clients[0]!.call('SET', 'unseen', '1')
  const second = await monitor()
  await Promise.all(clients.map((client, i) => client.call('GET', `seen:${i}`)))
  await until(() => clients.every((_, i) => second.text.includes(`"seen:${i}"`)))
  expect(second.text).not.toContain('unseen')
  second.socket.write(request('RESET'))
  await until(() => second.text.endsWith('+RESET\r\n'))
  const { length } = second.text
  await Promise.all(clients.map((client) => client.call('GET', 'after')))
  second.socket.write(request('PING'))
  await until(() => second.text.endsWith('+PONG\r\n'))
  expect(second.text.slice(length)).toBe('+PONG\r\n')
  second.socket.destroy()
})

it('no password is shown', async () => {
  const one = await monitor()
  const [client, other] = clients as [RespClient, RespClient]
  await client.call('CONFIG', 'SET', 'requirepass', 'hidden-1')
  await client.call('ACL', 'SETUSER', 'tom', '>hidden-2')
  await client.call('AUTH', 'default', 'hidden-1')
  await client.call('AUTH', 'tom', 'hidden-3')
  await other.call('HELLO', '3', 'AUTH', 'tom', 'hidden-4')
  await client.call('CONFIG', 'SET', 'requirepass', '')
  await client.call('SET', 'end', '1')
  await until(() => one.text.includes('"end"'))
  await until(() => one.text.includes('"HELLO"'))
  expect(one.text).not.toContain('hidden')
  expect(one.text).toContain('"AUTH" "(redacted)" "(redacted)"')
  one.socket.destroy()
})
