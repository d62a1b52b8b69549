/** The other side of the postMessage tells: adds up, and says the sum when asked. */
import { parentPort } from 'node:worker_threads'

let sum = 0
parentPort?.on('message', (value: number | 'sum') => {
  if (value !== 'sum') {
    sum += value
    return
  }
  parentPort?.postMessage(sum)
  sum = 0
})
