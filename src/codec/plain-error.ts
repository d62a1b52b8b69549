/**
 * An error as plain data and back: class, name, message, code, cause, own properties, and where it was made.
 *
 * `postMessage` keeps only message, stack and cause of an error. Here an error comes out as what it was to
 * those who catch it: classes of the language as themselves, `ShardloomError` as itself (by prototype and
 * brand, its constructor does not run), any other class as a class of the same name below the nearest one
 * that is known, so that `instanceof TypeError`, `error.constructor.name` and `error.name` still say the
 * same. A property that cannot cross is replaced by a few words on what it was: an error on its way must not
 * fail for what hangs on it.
 *
 * `stack` stays the stack of origin; `withAskerStack` adds the asker's below it.
 *
 * Invariants: (1) encoding an error never throws; (2) at most CLASSES_MAX classes are made.
 * Tests: test/codec/plain-error.test.ts
 */
import { ShardloomError, toError } from '../base/index.ts'
import { findUnsendable, type SendableScope } from './unsendable.ts'
import { classNameOf } from './value-kind.ts'

/** An error without its class. Values inside may themselves be errors. */
export interface PlainError {
  /** The nearest class that every thread has. */
  readonly base: string
  readonly className: string
  readonly name: string
  readonly message: string
  readonly stack: string | undefined
  /** Own enumerable properties. */
  readonly properties: Readonly<Record<string, unknown>>
  /** Own properties that are not enumerable: cause, errors and their like. */
  readonly hidden: Readonly<Record<string, unknown>>
}

/** The part of a plain error that is needed to make the object. */
export type ErrorHead = Omit<PlainError, 'properties' | 'hidden'>

type ErrorClass = new (...args: never[]) => object

const BRAND = Symbol.for('shardloom.error')
/** Classes made for foreign errors; when there are too many, the base class has to do. */
const CLASSES_MAX = 256
/** Own properties that are rarely enumerable and always wanted. */
const HIDDEN_KEYS = ['cause', 'errors', 'error', 'suppressed'] as const
const NATIVE_NAMES = [
  'Error',
  'EvalError',
  'RangeError',
  'ReferenceError',
  'SyntaxError',
  'TypeError',
  'URIError',
  'AggregateError',
  'SuppressedError',
]
const WEBASSEMBLY_NAMES = ['CompileError', 'LinkError', 'RuntimeError']

const NO_SCOPE: SendableScope = { transfer: new Set(), isExtension: () => false }
const knownClasses = new Map<string, ErrorClass>([
  ...findClasses(NATIVE_NAMES, globalThis),
  ...findClasses(WEBASSEMBLY_NAMES, (globalThis as { WebAssembly?: object }).WebAssembly),
  ['ShardloomError', ShardloomError as ErrorClass],
])
const madeClasses = new Map<string, ErrorClass>()

/** What can be sent of an error. A thrown value that is no error is wrapped in one first. */
export function encodeError(error: unknown, scope: SendableScope = NO_SCOPE): PlainError {
  const source = isErrorLike(error) ? error : toError(error)
  const properties: Record<string, unknown> = {}
  for (const key of Object.keys(source)) {
    if (key === 'stack' || key === 'message') continue
    setProperty(properties, key, sendable(readProperty(source, key), scope), true)
  }
  const hidden: Record<string, unknown> = {}
  for (const key of HIDDEN_KEYS) {
    if (!Object.hasOwn(source, key) || Object.hasOwn(properties, key)) continue
    hidden[key] = sendable(readProperty(source, key), scope)
  }
  const base = baseOf(source)
  const code = readProperty(source, 'code')
  if (!Object.hasOwn(properties, 'code') && isPrimitive(code) && base !== 'DOMException') {
    hidden['code'] = code
  }
  const stack = readProperty(source, 'stack')
  return {
    base,
    className: classNameOf(source) ?? 'Error',
    name: textOf(readProperty(source, 'name'), 'Error'),
    message: textOf(readProperty(source, 'message'), ''),
    stack: typeof stack === 'string' ? stack : undefined,
    properties,
    hidden,
  }
}

/** The error of `encodeError` again. */
export function decodeError(plain: PlainError): Error {
  const error = createError(plain)
  fillError(error, plain.name, plain.properties, plain.hidden)
  return error
}

/**
 * Appends the stack of who asked, below a line with `title`, so that both are shown. Nothing when it is
 * empty.
 */
export function withAskerStack(error: Error, title: string, askerStack: string): void {
  if (askerStack === '') return
  const stack = readProperty(error, 'stack')
  const origin = typeof stack === 'string' ? stack : `${error.name}: ${error.message}`
  const added = `\n    ---- ${title} ----\n${askerStack}`
  if (!origin.endsWith(added)) setProperty(error, 'stack', origin + added, false)
}

/** The object alone, so that what it holds may point back at it. */
export function createError(head: ErrorHead): Error {
  // The stack of this place would be captured and formatted only to be replaced, at most of an error's cost.
  const limit = Error.stackTraceLimit
  try {
    Reflect.set(Error, 'stackTraceLimit', 0)
    const error = head.base === 'DOMException' ? createDomException(head) : createOfClass(head)
    const stack = head.stack ?? (head.message === '' ? head.name : `${head.name}: ${head.message}`)
    setProperty(error, 'stack', stack, false)
    return error
  } finally {
    Reflect.set(Error, 'stackTraceLimit', limit)
  }
}

/** The rest of the error: its own properties, and its name where neither they nor the class say it. */
export function fillError(error: Error, name: string, properties: object, hidden: object): void {
  for (const [key, value] of Object.entries(properties)) setProperty(error, key, value, true)
  for (const [key, value] of Object.entries(hidden)) setProperty(error, key, value, false)
  if (error.name !== name) setProperty(error, 'name', name, false)
}

function createDomException(head: ErrorHead): Error {
  return new DOMException(head.message, head.name)
}

function createOfClass(head: ErrorHead): Error {
  const { base, className, message } = head
  const Class = className === base ? (knownClasses.get(base) ?? Error) : classOf(base, className)
  const isAggregate = base === 'AggregateError'
  // The base constructor makes the object, the class gives it its prototype: no foreign constructor runs.
  const error = Reflect.construct(
    isAggregate ? AggregateError : Error,
    isAggregate ? [[], message] : [message],
    Class,
  )
  if (base === 'ShardloomError') Object.defineProperty(error, BRAND, { value: true })
  return error as Error
}

/** A class of this name below `base`: the same one each time. */
function classOf(base: string, className: string): ErrorClass {
  const key = `${base}/${className}`
  const made = madeClasses.get(key)
  if (made !== undefined) return made
  const Base = knownClasses.get(base) ?? (Error as ErrorClass)
  if (madeClasses.size >= CLASSES_MAX) return Base
  const Class = { [className]: class extends Base {} }[className] as ErrorClass
  madeClasses.set(key, Class)
  return Class
}

/** The name of the nearest class that every thread has. */
function baseOf(error: object): string {
  if (error instanceof ShardloomError) return 'ShardloomError'
  for (let link = Object.getPrototypeOf(error); link !== null; link = Object.getPrototypeOf(link)) {
    const Class = Object.getOwnPropertyDescriptor(link, 'constructor')?.value as unknown
    if (typeof Class !== 'function') continue
    const name = Object.getOwnPropertyDescriptor(Class, 'name')?.value as unknown
    if (name === 'DOMException' && Object.getPrototypeOf(error) === link) return name
    if (typeof name === 'string' && knownClasses.has(name) && name !== 'ShardloomError') return name
  }
  return 'Error'
}

/**
 * The value, or a few words about it when it cannot cross. One level of a plain object is looked at in
 * detail.
 */
function sendable(value: unknown, scope: SendableScope, depth = 0): unknown {
  if (value instanceof Unreadable) return `[${value.text}]`
  if (isPrimitive(value)) return value
  const found = findUnsendable(value, '', scope)
  if (found === undefined) return value
  if (found.path === '') return `[${found.what}]`
  if (depth > 0 || Object.getPrototypeOf(value) !== Object.prototype)
    return `[not sent: ${found.path} is ${found.what}]`
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(value as object)) {
    setProperty(copy, key, sendable(readProperty(value as object, key), scope, depth + 1), true)
  }
  return copy
}

/** Stands for a property whose getter throws. */
class Unreadable {
  readonly text = 'a getter that throws'
}

function readProperty(holder: object, key: string): unknown {
  try {
    return (holder as Record<string, unknown>)[key]
  } catch {
    // The error on its way matters more than a getter that fails.
    return new Unreadable()
  }
}

function setProperty(holder: object, key: string, value: unknown, enumerable: boolean): void {
  try {
    Object.defineProperty(holder, key, { value, enumerable, writable: true, configurable: true })
  } catch {
    // A frozen error keeps what it has.
  }
}

function isErrorLike(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]'
}

function isPrimitive(value: unknown): boolean {
  if (value === null) return true
  return (
    typeof value !== 'object' &&
    typeof value !== 'function' &&
    typeof value !== 'symbol' &&
    value !== undefined
  )
}

function textOf(value: unknown, fallback: string): string {
  return typeof value === 'string' ? value : fallback
}

function findClasses(names: readonly string[], space: object | undefined): [string, ErrorClass][] {
  return names.flatMap((name) => {
    const Class = (space as Record<string, unknown> | undefined)?.[name]
    return typeof Class === 'function' ? [[name, Class as ErrorClass] as [string, ErrorClass]] : []
  })
}
