/**
 * Typed arrays, DataViews and Buffers by number, and back.
 *
 * A view is told by its brand, so a subclass arrives as what it extends. `Buffer` is the exception: it is a
 * class of Node that every thread has, and arrives as itself.
 *
 * Tests: test/codec/value-codec-buffers.test.ts
 */

/** Kinds of views by their place; a kind that this Node does not have is never written. */
const VIEW_NAMES = [
  'Uint8Array',
  'Int8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'Float16Array',
  'DataView',
]
export const VIEW_KIND_UINT8 = 0
export const VIEW_KIND_BUFFER = 0x20

interface ViewClass {
  readonly BYTES_PER_ELEMENT?: number
  new (buffer: ArrayBufferLike, offset?: number, length?: number): ArrayBufferView
}

const kinds = new Map<unknown, number>(VIEW_NAMES.map((name, kind) => [name, kind]))
const classes = VIEW_NAMES.map(
  (name) => (globalThis as Record<string, unknown>)[name] as ViewClass | undefined,
)
/** The getter that tells the class of a typed array by its brand; undefined for a DataView. */
const nameOf = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
)?.get as (this: unknown) => string | undefined

/** The kind of a view; undefined for one that came after this list. */
export function viewKindOf(view: ArrayBufferView): number | undefined {
  if (Buffer.isBuffer(view)) return VIEW_KIND_BUFFER
  return kinds.get(nameOf.call(view) ?? 'DataView')
}

/** A view of `buffer`; one without a size follows its buffer. Undefined when there is no such kind. */
export function makeView(
  kind: number,
  buffer: ArrayBufferLike,
  offset: number,
  sizeBytes: number | undefined,
): ArrayBufferView | undefined {
  if (kind === VIEW_KIND_BUFFER) return Buffer.from(buffer as ArrayBuffer, offset, sizeBytes)
  const Class = classes[kind]
  if (Class === undefined) return undefined
  if (sizeBytes === undefined) return new Class(buffer, offset)
  return new Class(buffer, offset, sizeBytes / (Class.BYTES_PER_ELEMENT ?? 1))
}

/**
 * Whether a view grows with its buffer. Only a view without a length of its own does; none tells so, but one
 * that ends where a resizable buffer ends is taken for one.
 */
export function isTrackingView(view: ArrayBufferView): boolean {
  const { resizable, growable, byteLength } = view.buffer as ResizableBuffer
  if (resizable !== true && growable !== true) return false
  return view.byteOffset + view.byteLength === byteLength
}

interface ResizableBuffer {
  readonly byteLength: number
  readonly resizable?: boolean
  readonly growable?: boolean
}
