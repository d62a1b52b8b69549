/**
 * Errors across threads: taken apart on one side, put together on the other, with all that made them useful.
 *
 * `postMessage` keeps message, stack and cause. Here an error also keeps its class name, `code`, every own field,
 * the errors of an `AggregateError`, and the stack of its origin. A field that cannot be sent is replaced by a text
 * that says what it was: an error must never be lost because of what hangs on it.
 * A class that both sides know is the same class again; any other comes back as a subclass of `Error` with its name.
 *
 * Tests: test/codec/errors.test.ts
 */
import { ERROR_CODES, type ErrorCode, type ErrorDetails, ShardloomError } from '../base/index.ts'
import { locateUnsendable } from './locate-unsendable.ts'

/** What an error is made of. */
export interface ErrorParts {
  readonly className: string
  readonly message: string
  readonly stack: string
  readonly fields: Record<string, unknown>
  readonly cause: unknown
  readonly errors: readonly unknown[] | undefined
}

/** Stands for "there is no cause": `undefined` may be one. */
const NO_CAUSE = null

/** Classes made for names that this side does not know; more are plain errors with a name. */
const CLASSES_MAX = 256
const madeClasses = new Map<string, new (message?: string) => Error>()

const KNOWN_CLASSES: Readonly<Record<string, new (message?: string) => Error>> = {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
}
const OWN_PARTS = new Set(['message', 'stack', 'cause', 'errors'])

/** Takes an error apart; what is in it can be sent. */
export function errorParts(error: Error): ErrorParts {
  const fields: Record<string, unknown> = {}
  const source = error as unknown as Record<string, unknown>
  for (const key of Object.keys(error)) if (!OWN_PARTS.has(key)) fields[key] = sendable(source, key)
  const name = read(source, 'name')
  const ownName = Object.hasOwn(error, 'name') || typeof name !== 'string' ? name : undefined
  if (ownName !== undefined) fields['name'] = String(ownName)
  const className = classNameOf(error, name)
  if (className === 'DOMException') fields['name'] = String(name)
  const hasCause = Object.hasOwn(error, 'cause')
  const errors = read(source, 'errors')
  return {
    className,
    message: String(read(source, 'message') ?? ''),
    stack: String(read(source, 'stack') ?? ''),
    fields,
    cause: hasCause ? [sendable(source, 'cause')] : NO_CAUSE,
    errors: Array.isArray(errors) ? errors.map((_, i) => sendable(errors as never, String(i))) : undefined,
  }
}

/** Makes the error anew, without what may lead back to it: that is set by `completeError`. */
export function createError(className: string, message: string, stack: string): Error {
  const error = instantiate(className, message)
  Object.defineProperty(error, 'stack', { value: stack, writable: true, configurable: true })
  return error
}

/** Sets what may contain the error itself. */
export function completeError(error: Error, fields: unknown, cause: unknown, errors: unknown): void {
  const target = error as unknown as Record<string, unknown>
  for (const [key, value] of Object.entries(fields as Record<string, unknown>)) {
    const enumerable = key !== 'name'
    Object.defineProperty(target, key, { value, writable: true, configurable: true, enumerable })
  }
  if (Array.isArray(cause)) define(target, 'cause', cause[0])
  if (Array.isArray(errors)) define(target, 'errors', errors)
  if (!(error instanceof ShardloomError)) return
  const { code } = error
  if (!(code in ERROR_CODES)) return
  define(target, 'retryable', ERROR_CODES[code].retryable)
}

function instantiate(className: string, message: string): Error {
  if (className === 'ShardloomError') {
    const error = new ShardloomError('SHL_ASSERTION' satisfies ErrorCode, {} satisfies ErrorDetails)
    define(error as never, 'message', message)
    return error
  }
  if (className === 'AggregateError') return new AggregateError([], message)
  if (className === 'DOMException') return new DOMException(message) as unknown as Error
  const Known = Object.hasOwn(KNOWN_CLASSES, className) ? KNOWN_CLASSES[className] : madeClass(className)
  return Known === undefined ? new Error(message) : new Known(message)
}

function madeClass(className: string): (new (message?: string) => Error) | undefined {
  const made = madeClasses.get(className)
  if (made !== undefined) return made
  if (madeClasses.size >= CLASSES_MAX) return undefined
  const Made = class extends Error {}
  Object.defineProperty(Made, 'name', { value: className })
  Object.defineProperty(Made.prototype, 'name', { value: className, writable: true, configurable: true })
  madeClasses.set(className, Made)
  return Made
}

/** Appends the asker's frames to the error's stack, under a line that says what they are. */
export function withAskerStack(error: Error, title: string, askerStack: string): void {
  if (askerStack === '') return
  try {
    error.stack = `${error.stack ?? String(error)}\n    --- ${title} ---\n${askerStack}`
  } catch {
    // A frozen error, or one whose stack is an accessor: it keeps what it has.
  }
}

function classNameOf(error: Error, name: unknown): string {
  if (error instanceof ShardloomError) return 'ShardloomError'
  const Class = (error as { constructor?: { name?: unknown } }).constructor
  if (typeof Class?.name === 'string' && Class.name !== '') return Class.name
  return typeof name === 'string' ? name : 'Error'
}

/** The property, or a text in the place of what cannot be sent or read. */
function sendable(source: Record<string, unknown>, key: string): unknown {
  const value = read(source, key)
  if (value === source) return value
  const problem = value instanceof Error ? undefined : locateUnsendable(value, key)
  return problem === undefined ? value : `[not sendable: ${problem.path} is ${problem.what}]`
}

function read(source: Record<string, unknown>, key: string): unknown {
  try {
    return source[key]
  } catch {
    // A getter that throws: the error is worth more than this field.
    return '[unreadable]'
  }
}

function define(target: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, configurable: true, enumerable: false })
}
