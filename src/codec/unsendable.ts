/**
 * Where in a value stands what cannot be sent: a second, slow walk that is made only after encoding has
 * failed.
 *
 * The encoder keeps no path, since almost every message is fine. When it fails, this walk goes through the
 * value in the same order with the same rules and remembers how it came to each place. It also tells which of
 * the properties of an error have to be replaced by a note.
 *
 * Paths read as the code that would reach the place: `message.options.onDone`, `message.list[3]`,
 * `message.byId.get("x")`; `message.tags{2}` is the third member of a Set, `message.byId{key 2}` the third
 * key.
 *
 * Tests: test/codec/unsendable.test.ts
 */
import { types } from 'node:util'
import {
  classNameOf,
  describeClass,
  isDetached,
  KIND_ARRAY,
  KIND_BOXED,
  KIND_BUFFER,
  KIND_DATE,
  KIND_ERROR,
  KIND_MAP,
  KIND_NATIVE,
  KIND_PLAIN,
  KIND_REGEXP,
  KIND_SET,
  KIND_SHARED_BUFFER,
  KIND_TRANSFERABLE,
  KIND_VIEW,
  kindOf,
  withArticle,
} from './value-kind.ts'
import { DEPTH_MAX } from './wire-tags.ts'

/** One thing that cannot cross. */
export interface Unsendable {
  readonly path: string
  readonly what: string
  readonly cause?: unknown
}

/** What else may cross besides plain data. */
export interface SendableScope {
  /** What is listed in `transfer`. */
  readonly transfer: ReadonlySet<unknown>
  /** Whether a class of a higher layer takes care of this object. */
  isExtension(value: object): boolean
}

/** A place that is still to be looked at. */
interface Place {
  readonly value: unknown
  readonly path: PathLink
  readonly depth: number
}

interface PathLink {
  readonly parent: PathLink | undefined
  readonly segment: string
}

const PATH_SEGMENTS_MAX = 24
const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u

/** The first thing in `root` that cannot be sent, or undefined. */
export function findUnsendable(
  root: unknown,
  rootPath: string,
  scope: SendableScope,
): Unsendable | undefined {
  const seen = new Set<object>()
  const stack: Place[] = [{ value: root, path: { parent: undefined, segment: rootPath }, depth: 0 }]
  for (let place = stack.pop(); place !== undefined; place = stack.pop()) {
    const { value, path, depth } = place
    const what = describePrimitive(value)
    if (what !== undefined) return { path: pathText(path), what }
    if (typeof value !== 'object' || value === null || seen.has(value)) continue
    seen.add(value)
    if (depth > DEPTH_MAX) {
      return { path: pathText(path), what: `nested deeper than ${DEPTH_MAX} levels` }
    }
    const found = visit(value, path, depth, scope, stack)
    if (found !== undefined) return found
  }
  return undefined
}

function describePrimitive(value: unknown): string | undefined {
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'symbol') return 'a symbol'
  return undefined
}

/** Looks at one object, and puts what it holds on the stack. */
function visit(
  value: object,
  path: PathLink,
  depth: number,
  scope: SendableScope,
  stack: Place[],
): Unsendable | undefined {
  try {
    const what = describeObject(value, scope)
    if (what !== undefined) return { path: pathText(path), what }
  } catch (cause) {
    return { path: pathText(path), what: 'a revoked Proxy', cause }
  }
  if (scope.transfer.has(value) || scope.isExtension(value)) return undefined
  const places: Place[] = []
  const add = (inner: unknown, segment: string): void => {
    places.push({ value: inner, path: { parent: path, segment }, depth: depth + 1 })
  }
  const kind = kindOf(value)
  // The properties of an error never stop it: what cannot cross is replaced.
  if (kind === KIND_MAP) addMap(value as Map<unknown, unknown>, add)
  else if (kind === KIND_SET) addSet(value as Set<unknown>, add)
  else if (kind === KIND_PLAIN || kind === KIND_ARRAY) {
    const found = addProperties(value, kind, path, add)
    if (found !== undefined) return found
  }
  for (let i = places.length - 1; i >= 0; i--) stack.push(places[i] as Place)
  return undefined
}

/** What is wrong with this very object. */
function describeObject(value: object, scope: SendableScope): string | undefined {
  if (scope.isExtension(value)) return undefined
  const kind = kindOf(value)
  if (scope.transfer.has(value)) return undefined
  switch (kind) {
    case KIND_PLAIN:
    case KIND_ARRAY:
    case KIND_MAP:
    case KIND_SET:
    case KIND_DATE:
    case KIND_REGEXP:
    case KIND_ERROR:
    case KIND_BOXED:
    case KIND_NATIVE:
    case KIND_SHARED_BUFFER:
      return undefined
    case KIND_BUFFER:
      return isDetached(value as ArrayBuffer) ? 'a detached ArrayBuffer' : undefined
    case KIND_VIEW: {
      const { buffer } = value as Uint8Array
      if (scope.transfer.has(buffer) || !(buffer instanceof ArrayBuffer)) return undefined
      return isDetached(buffer) ? `${describeClass(value)} of a detached ArrayBuffer` : undefined
    }
    case KIND_TRANSFERABLE:
      return `${describeClass(value)} that is not listed in \`transfer\``
    default:
      return describeHidden(value)
  }
}

function describeHidden(value: object): string {
  if (types.isProxy(value)) return `a Proxy of ${describeClass(value)}`
  if (classNameOf(value) === 'Object') return withArticle(Object.prototype.toString.call(value).slice(8, -1))
  return describeClass(value)
}

function addProperties(
  value: object,
  kind: number,
  path: PathLink,
  add: (inner: unknown, segment: string) => void,
): Unsendable | undefined {
  let segment = ''
  try {
    for (const key of Object.keys(value)) {
      segment = kind === KIND_ARRAY && /^\d+$/.test(key) ? `[${key}]` : propertySegment(key)
      add((value as Record<string, unknown>)[key], segment)
    }
  } catch (cause) {
    const at = segment === '' ? path : { parent: path, segment }
    return { path: pathText(at), what: 'a getter that throws', cause }
  }
  return undefined
}

function addMap(value: Map<unknown, unknown>, add: (inner: unknown, segment: string) => void): void {
  let index = 0
  for (const [key, inner] of Map.prototype.entries.call(value)) {
    add(key, `{key ${index}}`)
    add(inner, isPrintable(key) ? `.get(${printKey(key)})` : `{value ${index}}`)
    index++
  }
}

function addSet(value: Set<unknown>, add: (inner: unknown, segment: string) => void): void {
  let index = 0
  for (const inner of Set.prototype.values.call(value)) add(inner, `{${index++}}`)
}

function isPrintable(key: unknown): boolean {
  return key === null || (typeof key !== 'object' && typeof key !== 'function' && typeof key !== 'symbol')
}

function printKey(key: unknown): string {
  if (typeof key === 'string') return JSON.stringify(key)
  return typeof key === 'bigint' ? `${key}n` : String(key)
}

function propertySegment(key: string): string {
  return IDENTIFIER.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`
}

/** The path as text; the middle of a very long one is left out. */
function pathText(path: PathLink): string {
  const segments: string[] = []
  for (let link: PathLink | undefined = path; link !== undefined; link = link.parent) {
    segments.push(link.segment)
  }
  segments.reverse()
  if (segments.length <= PATH_SEGMENTS_MAX) return segments.join('')
  const half = PATH_SEGMENTS_MAX / 2
  return `${segments.slice(0, half).join('')}…${segments.slice(-half).join('')}`
}
