/**
 * Gives a socket what is to be sent, as one write where the socket can.
 * Tests: test/server/robust/unread.race.test.ts
 */
import type { Socket } from 'node:net'

/** Smaller chunks that have to wait are copied out of the slab that they would keep. */
const SHORT_CHUNK_BYTES = 16 * 1024

/** How many bytes were given. `isBehind`: the socket has not sent all of what it was given before. */
export function sendChunks(socket: Socket, chunks: readonly Uint8Array[], isBehind: boolean): number {
  let bytes = 0
  if (chunks.length > 1) socket.cork()
  for (const chunk of chunks) {
    bytes += chunk.length
    socket.write(isBehind && chunk.length < SHORT_CHUNK_BYTES ? Buffer.from(chunk) : chunk)
  }
  if (chunks.length > 1) socket.uncork()
  return bytes
}
