/**
 * A thread that accepts connections, for the tests of `server/listen`: it greets each with its name, keeps it
 * open, and answers what it is asked. Over the compiled classes, as threads load them.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { acceptOn, readInto } from '../../dist/src/server/listen/index.js'

const { grant, name } = workerData
const buffer = Buffer.alloc(4096)
let taken = 0

const listener = await acceptOn(grant, (accepted) => {
  taken++
  const socket = readInto(accepted, buffer, () => undefined)
  socket.on('error', () => undefined)
  socket.write(`${name}\n`)
})

const ANSWERS = {
  taken: () => taken,
  state: () => ({ isListening: listener.isListening, open: listener.openConnections }),
  pause: () => listener.pause(),
  resume: () => listener.resume(),
  close: () => listener.close(),
  /** Stands still, as with a long command. */
  block: () => setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000), 5),
}

parentPort.on('message', async (question) => {
  const answer = await ANSWERS[question]()
  parentPort.postMessage(question === 'block' ? undefined : answer)
})
parentPort.postMessage('up')
