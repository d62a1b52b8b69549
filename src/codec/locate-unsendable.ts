/**
 * Finds the first part of a value that cannot be sent, and says where it is and what: `message.options.onDone` is
 * `a function`. Runs only after encoding has failed, so it may take its time.
 *
 * Tests: test/codec/locate-unsendable.test.ts
 */
import { DEPTH_MAX, viewKind } from './value-tags.ts'

/** A part that cannot be sent. */
export interface Unsendable {
  readonly path: string
  readonly what: string
  readonly cause?: unknown
}

const SENDABLE_TAGS = new Set(
  [
    'Object',
    'Date',
    'RegExp',
    'Map',
    'Set',
    'ArrayBuffer',
    'SharedArrayBuffer',
    'Number',
    'String',
    'Boolean',
    'BigInt',
    'Error',
  ].map((name) => `[object ${name}]`),
)
const TRANSFERABLE_TAGS = new Set(
  ['MessagePort', 'ReadableStream', 'WritableStream', 'TransformStream', 'FileHandle'].map(
    (name) => `[object ${name}]`,
  ),
)

/** The first part of `value` that cannot be sent; undefined when all of it can. */
export function locateUnsendable(
  value: unknown,
  path: string,
  accepts: (value: object) => boolean = () => false,
): Unsendable | undefined {
  const seen = new Set<object>()
  return look(value, path, 1)

  function look(part: unknown, at: string, depth: number): Unsendable | undefined {
    if (typeof part === 'function') return { path: at, what: 'a function' }
    if (typeof part === 'symbol') return { path: at, what: 'a symbol' }
    if (typeof part !== 'object' || part === null || seen.has(part) || accepts(part)) return undefined
    if (depth > DEPTH_MAX)
      return { path: `${at.slice(0, 60)}…`, what: `nested deeper than ${DEPTH_MAX} levels` }
    seen.add(part)
    if (ArrayBuffer.isView(part)) {
      return viewKind(part) === -1 ? { path: at, what: 'a view of an unknown kind' } : undefined
    }
    if (part instanceof Error) return undefined
    const tag = Object.prototype.toString.call(part)
    if (part instanceof Map) return lookInMap(part, at, depth)
    if (part instanceof Set) return lookInSet(part, at, depth)
    if (Array.isArray(part)) return lookInObject(part, at, depth)
    if (TRANSFERABLE_TAGS.has(tag))
      return { path: at, what: `${nameOf(part, tag)} that is not listed in transfer` }
    if (!SENDABLE_TAGS.has(tag)) return { path: at, what: nameOf(part, tag) }
    return lookInObject(part, at, depth)
  }

  function lookInMap(map: Map<unknown, unknown>, at: string, depth: number): Unsendable | undefined {
    for (const [key, item] of map) {
      const found =
        look(key, `${at}.keys(${keyText(key)})`, depth + 1) ??
        look(item, `${at}.get(${keyText(key)})`, depth + 1)
      if (found !== undefined) return found
    }
    return undefined
  }

  function lookInSet(set: Set<unknown>, at: string, depth: number): Unsendable | undefined {
    let index = 0
    for (const item of set) {
      const found = look(item, `${at}{${index++}}`, depth + 1)
      if (found !== undefined) return found
    }
    return undefined
  }

  function lookInObject(part: object, at: string, depth: number): Unsendable | undefined {
    for (const key of Object.keys(part)) {
      const step = pathStep(part, key)
      let item: unknown
      try {
        item = (part as Record<string, unknown>)[key]
      } catch (cause) {
        return { path: `${at}${step}`, what: 'a getter that throws', cause }
      }
      const found = look(item, `${at}${step}`, depth + 1)
      if (found !== undefined) return found
    }
    return undefined
  }
}

function pathStep(part: object, key: string): string {
  if (Array.isArray(part)) return `[${key}]`
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`
}

function keyText(key: unknown): string {
  return typeof key === 'string' ? JSON.stringify(key) : typeof key === 'object' ? 'an object' : String(key)
}

function nameOf(part: object, tag: string): string {
  const Class = (part as { constructor?: { name?: unknown } }).constructor
  const name = typeof Class?.name === 'string' && Class.name !== '' ? Class.name : tag.slice(8, -1)
  return `${/^[AEIOU]/.test(name) ? 'an' : 'a'} ${name}`
}
