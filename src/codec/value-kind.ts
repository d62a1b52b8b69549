/**
 * What an object is, as far as sending goes: by its own nature, never by what its `constructor` property
 * says.
 *
 * The plain cases are told by prototype alone. Everything else is asked for its brand (`node:util/types`), so
 * that subclasses, objects of other realms and objects that only look like a Map come out right. An object of
 * a class that keeps its state where nobody can read it (a Promise, a URL, a socket) is refused by name: as a
 * plain object it would arrive empty.
 *
 * Cost: the verdict on a class is remembered by its prototype. Tests: test/codec/value-kind.test.ts
 */
import { types } from 'node:util'

/** Own enumerable properties, whatever the prototype. */
export const KIND_PLAIN = 0
export const KIND_ARRAY = 1
export const KIND_MAP = 2
export const KIND_SET = 3
export const KIND_DATE = 4
export const KIND_REGEXP = 5
export const KIND_ERROR = 6
export const KIND_VIEW = 7
export const KIND_BUFFER = 8
export const KIND_SHARED_BUFFER = 9
export const KIND_BOXED = 10
/** Travels by MessagePort as it stands, without being given away. */
export const KIND_NATIVE = 11
/** Travels by MessagePort when it is listed in `transfer`, and is given away. */
export const KIND_TRANSFERABLE = 12
export const KIND_UNSENDABLE = 13

const getPrototypeOf = Object.getPrototypeOf as (value: object) => object | null

/**
 * How Node marks the classes that a MessagePort clones or moves: symbols of their prototypes, by description.
 */
const CLONE_MARK = 'messaging_clone_symbol'
const TRANSFER_MARK = 'messaging_transfer_symbol'
/** Roots of Node's classes that hold a handle of the system. */
const HANDLE_NAMES = new Set(['AsyncWrap', 'HandleWrap', 'BaseObject', 'EventEmitter'])
/** Namespaces in which classes of the platform are found. */
const NAMESPACES: readonly string[] = ['Intl', 'WebAssembly', 'Temporal']
/** What all iterators of the platform descend from. */
const ITERATOR_PROTOTYPE = getPrototypeOf(getPrototypeOf([][Symbol.iterator]()) as object)

const kindOfPrototype = new WeakMap<object, number>()

/** One of the kinds above. Throws only where a Proxy does. */
export function kindOf(value: object): number {
  const prototype = getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return KIND_PLAIN
  if (Array.isArray(value)) return KIND_ARRAY
  return kindByBrand(value, prototype)
}

function kindByBrand(value: object, prototype: object): number {
  if (ArrayBuffer.isView(value)) return KIND_VIEW
  if (types.isMap(value)) return KIND_MAP
  if (types.isSet(value)) return KIND_SET
  if (types.isDate(value)) return KIND_DATE
  if (types.isNativeError(value)) return KIND_ERROR
  if (types.isRegExp(value)) return KIND_REGEXP
  if (types.isSharedArrayBuffer(value)) return KIND_SHARED_BUFFER
  if (types.isArrayBuffer(value)) return KIND_BUFFER
  if (types.isBoxedPrimitive(value)) return types.isSymbolObject(value) ? KIND_UNSENDABLE : KIND_BOXED
  if (types.isKeyObject(value) || types.isCryptoKey(value)) return KIND_NATIVE
  if (isHidden(value)) return KIND_UNSENDABLE
  let kind = kindOfPrototype.get(prototype)
  if (kind === undefined) {
    kind = kindOfClass(prototype)
    kindOfPrototype.set(prototype, kind)
  }
  return kind
}

/** Values whose state is out of reach, whatever their prototype says. */
function isHidden(value: object): boolean {
  return (
    types.isPromise(value) ||
    types.isWeakMap(value) ||
    types.isWeakSet(value) ||
    types.isGeneratorObject(value) ||
    types.isMapIterator(value) ||
    types.isSetIterator(value) ||
    types.isExternal(value)
  )
}

/** The kind of an instance without a brand, by the classes that it descends from. */
function kindOfClass(prototype: object): number {
  if (prototype === Error.prototype || prototype instanceof Error) return KIND_ERROR
  for (let link: object | null = prototype; link !== null; link = getPrototypeOf(link)) {
    if (link === Object.prototype) break
    if (link === ITERATOR_PROTOTYPE) return KIND_UNSENDABLE
    const name = ownClassName(link)
    // An object of another realm ends here.
    if (getPrototypeOf(link) === null && name === 'Object') break
    const kind = kindByMark(link, name)
    if (kind !== undefined) return kind
    if (name === undefined) continue
    if (HANDLE_NAMES.has(name) || isPlatformClass(link, name)) return KIND_UNSENDABLE
  }
  return KIND_PLAIN
}

function kindByMark(link: object, name: string | undefined): number | undefined {
  if (name === 'DOMException') return KIND_ERROR
  const marks = Object.getOwnPropertySymbols(link).map((symbol) => symbol.description)
  if (marks.includes(TRANSFER_MARK)) return KIND_TRANSFERABLE
  if (marks.includes(CLONE_MARK)) return KIND_NATIVE
  if (name === 'MessagePort' && isPlatformClass(link, name)) return KIND_TRANSFERABLE
  if (name === 'Module' && isPlatformClass(link, name)) return KIND_NATIVE
  return undefined
}

/** Whether the platform defines this class, globally or in one of its namespaces. */
function isPlatformClass(prototype: object, name: string): boolean {
  const Class = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value as unknown
  const globals = globalThis as Record<string, unknown>
  if (Object.hasOwn(globals, name) && globals[name] === Class) return true
  return NAMESPACES.some((space) => (globals[space] as Record<string, unknown> | undefined)?.[name] === Class)
}

/** The name of the class whose prototype this is. */
function ownClassName(prototype: object): string | undefined {
  const Class = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value as unknown
  if (typeof Class !== 'function') return undefined
  const name = Object.getOwnPropertyDescriptor(Class, 'name')?.value as unknown
  return typeof name === 'string' && name !== '' ? name : undefined
}

/** The class of an object, in words: `a Promise`, `an EventEmitter`. */
export function describeClass(value: object): string {
  return withArticle(classNameOf(value) ?? 'Object')
}

export function withArticle(name: string): string {
  // A leading U is spoken as in "unit": a URL, a Uint8Array.
  return `${/^[AEIO]/.test(name) ? 'an' : 'a'} ${name}`
}

/** The primitive in a Number, String, Boolean or BigInt object. */
export function primitiveOf(value: object): unknown {
  if (types.isNumberObject(value)) return Number.prototype.valueOf.call(value)
  if (types.isStringObject(value)) return String.prototype.valueOf.call(value)
  if (types.isBooleanObject(value)) return Boolean.prototype.valueOf.call(value)
  return BigInt.prototype.valueOf.call(value)
}

/** The name of the class of an object: the nearest prototype that has one. Runs no code of the object. */
export function classNameOf(value: object): string | undefined {
  for (let link = getPrototypeOf(value); link !== null; link = getPrototypeOf(link)) {
    const name = ownClassName(link)
    if (name !== undefined) return name
  }
  return undefined
}

/** Whether this memory was given away before. */
export function isDetached(buffer: ArrayBuffer): boolean {
  if (buffer.byteLength > 0) return false
  try {
    new Uint8Array(buffer)
    return false
  } catch {
    // Only a detached buffer refuses a view of its whole.
    return true
  }
}
