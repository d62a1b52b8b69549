/** The other side of raw `postMessage`: a number comes back plus one, anything else as it is. */
import { parentPort } from 'node:worker_threads'

parentPort?.on('message', (value: unknown) => {
  parentPort?.postMessage(typeof value === 'number' ? value + 1 : value)
})
