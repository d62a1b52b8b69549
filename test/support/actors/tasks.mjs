/** Tasks for the pool: functions that answer, fail, take long, or take their thread with them. */
import { isMainThread } from 'node:worker_threads'
import { move } from 'piscina'
import { transfer } from 'shardloom/actor'

export default function double(n) {
  return isMainThread ? Number.NaN : n * 2
}

/** An error as programs throw them: a class of their own, properties, and what it came from. */
export class TaskError extends RangeError {
  constructor(message, details, options) {
    super(message, options)
    this.name = 'TaskError'
    this.code = 'E_DEEP'
    this.details = details
  }
}

export function failDeep({ message, details }) {
  const root = Object.assign(new TypeError('the root'), { code: 'E_ROOT', at: new Date(0) })
  const middle = new AggregateError([root, 'a text'], 'the middle', { cause: root })
  throw new TaskError(message, details, { cause: middle })
}

export function failWithText(text) {
  throw text
}

/** Fails when nobody listens to it any more. */
export function failLater() {
  setTimeout(() => {
    throw new RangeError('later')
  }, 1)
  return new Promise(() => undefined)
}

export const notATask = 5

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

/** Gives back what it gets, moved. */
export function moveBack(bytes) {
  bytes[0] = 7
  return transfer(bytes, [bytes.buffer])
}

/** As a module written for Piscina does it. */
export function moveByPiscina(bytes) {
  return move(bytes)
}

/** A buffer that stays here: `keptSize` tells whether it was moved. */
let kept
export function moveKept(size) {
  kept = new Uint8Array(size)
  return transfer({ kept }, [kept.buffer])
}
export const keptSize = () => kept.byteLength

export const answerWithFunction = () => () => undefined

export function size(bytes) {
  return bytes.byteLength
}
