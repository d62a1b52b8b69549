/** Clients that are silent are probed, so that one that has vanished does not stay for ever. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WireClients } from '../../support/robust/wire-client.ts'
import { type TestServer, testServer } from '../../support/server.ts'

/** The unit of the kernel's table. */
const TICKS_PER_SECOND = 100
/** A timer of this kind probes a silent connection. */
const KEEP_ALIVE = '02'

let server: TestServer
let clients: WireClients

beforeAll(async () => {
  server = await testServer({ serve: { tcpKeepalive: 500 } })
  clients = new WireClients(server.port)
})
afterAll(async () => {
  clients.close()
  await server.close()
})

/** Seconds until the server's side of a connection is probed, as the kernel says; undefined: never. */
function probedInSeconds(clientPort: number): number | undefined {
  const portOf = (address: string): number => Number.parseInt(address.split(':')[1]!, 16)
  const rows = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n').slice(1)
  const row = rows
    .map((line) => line.trim().split(/\s+/))
    .find((words) => portOf(words[1]!) === server.port && portOf(words[2]!) === clientPort)
  const [kind, when] = row![5]!.split(':') as [string, string]
  return kind === KEEP_ALIVE ? Number.parseInt(when, 16) / TICKS_PER_SECOND : undefined
}

// The table is Linux'.
test.runIf(process.platform === 'linux')('after as long as is set, also while it runs', async () => {
  const probed = async (): Promise<number | undefined> => {
    const client = await clients.one()
    expect(await client.call('PING')).toBe('PONG')
    return probedInSeconds(client.socket.localPort!)
  }
  const first = await probed()
  expect(first).toBeGreaterThan(400)
  expect(first).toBeLessThanOrEqual(500)
  const client = await clients.one()
  expect(await client.call('CONFIG', 'SET', 'tcp-keepalive', 200)).toBe('OK')
  const second = await probed()
  expect(second).toBeGreaterThan(100)
  expect(second).toBeLessThanOrEqual(200)
  expect(await client.call('CONFIG', 'SET', 'tcp-keepalive', 0)).toBe('OK')
  expect(await probed()).toBeUndefined()
})
