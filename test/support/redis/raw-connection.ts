/**
 * A connection to a Redis that sends any bytes: what comes back, and whether the server closes.
 *
 * When everything that was sent has been answered is known without waiting for time to pass: Redis has one
 * thread, so two round trips on another connection, begun after our bytes were written, end later.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { RedisServer } from './redis-server.ts'
import { delay } from './resp-client.ts'

const ROUND_TRIPS = 2

/** What a server said to bytes. */
export interface RawAnswer {
  /** Latin-1. */
  readonly text: string
  readonly isClosed: boolean
}

/** Sends pieces, one write each, over a connection of their own. */
export async function rawAnswer(server: RedisServer, pieces: readonly Uint8Array[]): Promise<RawAnswer> {
  const socket = connect(server.port, '127.0.0.1')
  const received: Buffer[] = []
  let isClosed = false
  socket.on('data', (bytes: Buffer) => void received.push(bytes))
  socket.on('end', () => {
    isClosed = true
  })
  socket.on('error', () => {
    isClosed = true
  })
  await once(socket, 'connect')
  socket.setNoDelay()
  for (const piece of pieces) if (!isClosed) await write(socket, piece)
  for (let i = 0; i < ROUND_TRIPS; i++) await server.client.call('PING')
  // What has arrived is in the kernel: the event loop hands it over within a turn or two.
  for (let i = 0; i < ROUND_TRIPS; i++) await delay(0)
  socket.destroy()
  return { text: Buffer.concat(received).toString('latin1'), isClosed }
}

function write(socket: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => void socket.write(bytes, () => resolve()))
}
