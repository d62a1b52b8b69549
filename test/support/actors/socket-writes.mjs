/**
 * Counts what the sockets of its thread are given to write: an actor that tests spawn where a server's
 * connections are. A call of `_write`, or of `_writev` for what was corked, is one call of the kernel.
 */
import { Socket } from 'node:net'
import { defineActor } from 'shardloom'

/** The client's port → the bytes of each write. */
const writes = new Map()

function note(socket, bytes) {
  const port = socket.remotePort
  writes.set(port, [...(writes.get(port) ?? []), bytes])
}

function begin() {
  const { _write, _writev } = Socket.prototype
  Socket.prototype._write = function (chunk, ...rest) {
    note(this, chunk.length)
    return _write.call(this, chunk, ...rest)
  }
  Socket.prototype._writev = function (chunks, ...rest) {
    note(
      this,
      chunks.reduce((sum, { chunk }) => sum + chunk.length, 0),
    )
    return _writev.call(this, chunks, ...rest)
  }
}

export const socketWrites = defineActor({
  name: 'socket-writes',
  init: () => begin(),
  receive: {
    /** The writes to one client since the last look; undefined: it is not of this thread. */
    take(_state, port) {
      const found = writes.get(port)
      if (found !== undefined) writes.set(port, [])
      return found
    },
  },
})
