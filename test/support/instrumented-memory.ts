/**
 * Runs real code over shared memory and sees every single load and store that it makes.
 *
 * While a program runs, the typed arrays and `Atomics` that it finds as globals are ours: an access of the
 * buffer under test goes to `perform`, which answers it. The code under test stays as it is and pays nothing
 * elsewhere; no second version of it has to be kept in step. `interleavings.ts` builds on this, and
 * `recordAccesses`.
 *
 * Only what the code of `src/memory/` does is supported: elements and `Atomics`. Anything else throws.
 */

/** What a cell of memory holds. */
export type Cell = number | bigint

export type CellType = 'Int32' | 'Uint8' | 'Uint16' | 'Float64' | 'BigInt64'

/** One access. Plain loads and stores have no `atomic_` in front; `wait` is an atomic load that blocks. */
export interface Access {
  readonly kind: 'load' | 'store' | 'atomic_load' | 'atomic_store' | 'add' | 'compare_exchange' | 'wait'
  readonly type: CellType
  /** Byte offset in the buffer. */
  readonly address: number
  /** What is stored or added. */
  readonly operand?: Cell
  /** What `compare_exchange` wants to find. */
  readonly expected?: Cell
  /** What `wait` waits for. */
  readonly until?: (value: Cell) => boolean
}

/** Carries an access out, and returns what was there before (or is there, for a load). */
export type Perform = (access: Access) => Cell

type Elements = Int32Array | Uint8Array | Uint16Array | Float64Array | BigInt64Array

const TYPES = {
  Int32: Int32Array,
  Uint8: Uint8Array,
  Uint16: Uint16Array,
  Float64: Float64Array,
  BigInt64: BigInt64Array,
}
const realAtomics = Atomics

if (process.env['SHL_INSTRUMENTED'] === undefined) {
  throw new Error(
    'a test that instruments memory is no neighbour for others: see INSTRUMENTED in vitest.config.ts',
  )
}

/**
 * Runs `program`; its accesses of `buffer` go to `perform`. What was attached to the buffer before is not
 * seen: with that, `perform` may look into the memory itself. Not for asynchronous programs.
 */
export function runInstrumented<T>(buffer: SharedArrayBuffer, perform: Perform, program: () => T): T {
  const views = new WeakMap<object, { array: Elements; type: CellType }>()
  const world = globalThis as unknown as Record<string, unknown>
  for (const [type, Real] of Object.entries(TYPES)) {
    const construct = (target: typeof Int32Array, args: never): object => {
      const array = Reflect.construct(target, args) as Elements
      if ((array.buffer as unknown) !== buffer) return array
      const view = viewOf(array, type as CellType, perform)
      views.set(view, { array, type: type as CellType })
      return view
    }
    world[`${type}Array`] = new Proxy(Real as typeof Int32Array, { construct })
  }
  world['Atomics'] = atomicsOver(views, perform)
  try {
    return program()
  } finally {
    for (const [type, Real] of Object.entries(TYPES)) world[`${type}Array`] = Real
    world['Atomics'] = realAtomics
  }
}

/** Runs `program` on the real memory and writes down what it does: `store 256`, `atomic_store 0`. */
export function recordAccesses(buffer: SharedArrayBuffer, program: () => void): string[] {
  const accesses: string[] = []
  observeAccesses(buffer, program, ({ kind, address }) => accesses.push(`${kind} ${address}`))
  return accesses
}

/** Runs `program` on the real memory and calls `observe` after each of its accesses. */
export function observeAccesses(
  buffer: SharedArrayBuffer,
  program: () => void,
  observe: (access: Access) => void,
): void {
  const data = new DataView(buffer)
  const perform = (access: Access): Cell => {
    const before = readCell(data, access)
    const after = outcomeOf(access, before)
    if (after !== undefined) writeCell(data, access, after)
    observe(access)
    return before
  }
  runInstrumented(buffer, perform, program)
}

/** What the cell holds after an access that found `before`; undefined when it writes nothing. */
export function outcomeOf(access: Access, before: Cell): Cell | undefined {
  const { kind, operand, expected, type } = access
  switch (kind) {
    case 'load':
    case 'atomic_load':
    case 'wait':
      return undefined
    case 'store':
    case 'atomic_store':
      return operand
    case 'add':
      if (type === 'BigInt64') return BigInt.asIntN(64, (before as bigint) + (operand as bigint))
      return ((before as number) + (operand as number)) | 0
    case 'compare_exchange':
      return before === expected ? operand : undefined
  }
}

export function readCell(data: DataView, { type, address }: Access): Cell {
  return data[`get${type}`](address, true)
}

export function writeCell(data: DataView, { type, address }: Access, value: Cell): void {
  data[`set${type}`](address, value as never, true)
}

/** An array whose elements are accesses. */
function viewOf(array: Elements, type: CellType, perform: Perform): object {
  const access = (index: string): { type: CellType; address: number } => {
    if (!(Number(index) < array.length)) throw new RangeError(`${type}Array: no element ${index}`)
    return { type, address: array.byteOffset + Number(index) * array.BYTES_PER_ELEMENT }
  }
  return new Proxy(array, {
    get(target, property) {
      if (typeof property === 'string' && /^-?\d/.test(property)) {
        return perform({ kind: 'load', ...access(property) })
      }
      const value: unknown = Reflect.get(target, property, target)
      if (typeof value === 'function') throw new TypeError(`${String(property)} is not instrumented`)
      return value
    },
    set(_, property, value: Cell) {
      const cell = access(String(property))
      perform({ kind: 'store', ...cell, operand: coerce(type, value) })
      return true
    },
  })
}

function coerce(type: CellType, value: Cell): Cell {
  if (type === 'Int32') return Number(value) | 0
  if (type === 'Uint8') return Number(value) & 255
  if (type === 'Uint16') return Number(value) & 0xffff
  return value
}

function atomicsOver(views: WeakMap<object, { array: Elements; type: CellType }>, perform: Perform): object {
  const through = (kind: Access['kind'], view: object, index: number, rest: Partial<Access> = {}): Cell => {
    const { array, type } = views.get(view)!
    if (!(index < array.length)) throw new RangeError(`Atomics: no element ${index}`)
    return perform({ kind, type, address: array.byteOffset + index * array.BYTES_PER_ELEMENT, ...rest })
  }
  const ours = {
    load: (view: object, index: number) => through('atomic_load', view, index),
    store(view: object, index: number, operand: Cell) {
      through('atomic_store', view, index, { operand })
      return operand
    },
    add: (view: object, index: number, operand: Cell) => through('add', view, index, { operand }),
    sub: (view: object, index: number, operand: Cell) => through('add', view, index, { operand: -operand }),
    compareExchange: (view: object, index: number, expected: Cell, operand: Cell) =>
      through('compare_exchange', view, index, { expected, operand }),
  }
  const choose = (name: keyof typeof ours) => {
    const real = realAtomics[name] as (...args: unknown[]) => unknown
    return (...args: [object, number, Cell, Cell]): unknown =>
      views.has(args[0]) ? ours[name](...args) : real(...args)
  }
  return Object.fromEntries((Object.keys(ours) as (keyof typeof ours)[]).map((name) => [name, choose(name)]))
}
