/** Tasks for the pool: functions that answer, fail, take long, or take their thread with them. */
import { isMainThread } from 'node:worker_threads'

export default function double(n) {
  return isMainThread ? Number.NaN : n * 2
}

export function fail(text) {
  const error = new RangeError(text)
  error.code = 'E_TASK'
  throw error
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms, ms))

export function spin() {
  for (;;);
}

export function exit() {
  process.exit(3)
}

/** Says when it began, by a count that all tasks share. */
export function stamp({ words, text }) {
  const at = Atomics.add(words, 0, 1)
  return { at, text }
}

export function size(bytes) {
  return bytes.byteLength
}
