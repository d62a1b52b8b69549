/**
 * Every interleaving of a few threads that run real code over shared memory, on one thread, without real
 * time.
 *
 * A thread is a function. It is run again and again from its beginning, each time with what its loads found
 * so far, up to the first access that is new; that access is its next step (`instrumented-memory.ts`). What
 * the function does depends only on what it has found, so the tree of its steps is made once, and the search
 * walks tuples of branches, one per thread, with the memory. A state that was seen before is not walked
 * again; schedules through it are counted all the same.
 *
 * Two machines:
 *
 *     interleaved   one memory; each access happens at once
 *     weak          each store leaves a message; a plain load may find any that its thread is not past.
 *                   An atomic store carries what its thread has seen, an atomic load takes that over. So
 *                   plain stores arrive late and in any order, as they may on arm64, unless release and
 *                   acquire forbid it
 *
 * The weak machine is the release-acquire machine of the literature (views per thread and per message), with
 * all atomic accesses in one order. It has no load that finds what is stored later, and no torn eight bytes.
 *
 * A planted bug per protocol proves that the search sees it; `weaken` takes the atomic off chosen accesses
 * for that.
 * Source: Kang and others, "A promising semantics for relaxed-memory concurrency", without its promises.
 */
import {
  type Access,
  type Cell,
  outcomeOf,
  readCell,
  runInstrumented,
  writeCell,
} from './instrumented-memory.ts'

/** What a thread may do besides running real code. */
export interface ThreadKit {
  /** Blocks until the word at a byte offset is as wanted; returns it. */
  waitUntil(address: number, until: (value: number) => boolean): number
}

/** A thread: the same each time it is run, but for what it finds in memory. Returns what it has to report. */
export type ThreadProgram = (memory: SharedArrayBuffer, kit: ThreadKit) => unknown

/** What is explored. */
export interface Exploration {
  /** Makes the memory as it is before any thread runs. */
  memory(): SharedArrayBuffer
  readonly threads: Readonly<Record<string, ThreadProgram>>
  /** Default `interleaved`. */
  readonly machine?: 'interleaved' | 'weak'
  /** Atomic loads and stores to be treated as plain ones. */
  weaken?(access: Access): boolean
  /** Called for each way that all may end; throws when it must not be. Returns what to call it. */
  check(memory: SharedArrayBuffer, reports: Readonly<Record<string, unknown>>): string
}

/** How much was explored. */
export interface Explored {
  readonly states: number
  /** Ways to walk from the beginning to an end. */
  readonly schedules: number
  /** What `check` returned, sorted. */
  readonly outcomes: readonly string[]
}

/** A point in the run of one thread: its next step, or its end. */
interface Branch {
  readonly id: number
  /** What its accesses found so far. */
  readonly found: readonly Cell[]
  readonly access?: Access
  readonly report?: unknown
  readonly failure?: unknown
  readonly children: Map<string, Branch>
}

/** A store that can be found. */
interface Message {
  readonly value: Cell
  /** Per location, the index of the oldest message that whoever takes this one over may still find. */
  readonly view: readonly number[]
  readonly isAtomic: boolean
}

interface State {
  readonly branches: readonly Branch[]
  /** Per location, its messages from old to new; none when there was no store. */
  readonly messages: readonly (readonly Message[] | undefined)[]
  /** Per thread and location, the index of the oldest message that it may still find. */
  readonly views: readonly (readonly number[])[]
}

/**
 * Walks all interleavings. Throws with the schedule when a thread fails, all are stuck, or `check` throws.
 */
export function explore(exploration: Exploration): Explored {
  return new Explorer(exploration).run()
}

class Suspended extends Error {}

/**
 * A location that was held for an atomic one is not: what was walked so far has forgotten its old messages.
 */
class PlainFound extends Error {
  readonly location: number

  constructor(location: number) {
    super()
    this.location = location
  }
}

class Explorer {
  readonly #exploration: Exploration
  readonly #memory: SharedArrayBuffer
  readonly #names: readonly string[]
  readonly #isWeak: boolean
  /** Address → number of the location, in the order of discovery; and their initial contents. */
  readonly #locations = new Map<number, number>()
  readonly #initial: Message[] = []
  readonly #accesses: Access[] = []
  /** Locations that are accessed plainly: of the others nobody can find any message but the last. */
  readonly #plain = new Set<number>()
  readonly #schedulesFrom = new Map<string, number>()
  readonly #outcomes = new Set<string>()
  readonly #trace: string[] = []
  #branchCount = 0

  constructor(exploration: Exploration) {
    this.#exploration = exploration
    this.#memory = exploration.memory()
    this.#names = Object.keys(exploration.threads)
    this.#isWeak = exploration.machine === 'weak'
  }

  run(): Explored {
    for (;;) {
      try {
        return this.#runOnce()
      } catch (error) {
        if (!(error instanceof PlainFound)) throw error
        this.#plain.add(error.location)
      }
    }
  }

  #runOnce(): Explored {
    this.#schedulesFrom.clear()
    this.#trace.length = 0
    const branches = this.#names.map((name) => this.#grow(name, []))
    const schedules = this.#walk({ branches, messages: [], views: this.#names.map(() => []) })
    return { states: this.#schedulesFrom.size, schedules, outcomes: [...this.#outcomes].sort() }
  }

  /** The number of schedules from `state` to an end. */
  #walk(state: State): number {
    const key = keyOf(state)
    const known = this.#schedulesFrom.get(key)
    if (known !== undefined) return known
    let schedules = 0
    state.branches.forEach((branch, thread) => {
      if (branch.failure !== undefined) this.#fail(branch.failure)
      if (branch.access === undefined) return
      for (const next of this.#steps(state, thread, branch.access)) {
        this.#trace.push(`${this.#names[thread]}: ${next.text}`)
        schedules += this.#walk(next.state)
        this.#trace.pop()
      }
    })
    if (schedules === 0) {
      this.#finish(state)
      schedules = 1
    }
    this.#schedulesFrom.set(key, schedules)
    return schedules
  }

  #finish(state: State): void {
    const stuck = state.branches.flatMap(({ access }, thread) => (access ? [this.#names[thread]] : []))
    if (stuck.length > 0) this.#fail(new Error(`${stuck.join(' and ')} waits for ever`))
    const end = new SharedArrayBuffer(this.#memory.byteLength)
    new Uint8Array(end).set(new Uint8Array(this.#memory))
    const data = new DataView(end)
    state.messages.forEach((messages, location) => {
      if (messages) writeCell(data, this.#accesses[location]!, messages.at(-1)!.value)
    })
    const reports = Object.fromEntries(state.branches.map((branch, i) => [this.#names[i]!, branch.report]))
    try {
      this.#outcomes.add(this.#exploration.check(end, reports))
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(cause: unknown): never {
    const text = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`${text}\nafter\n  ${this.#trace.join('\n  ')}`, { cause })
  }

  /**
   * All that the next access of a thread may lead to: nothing when it blocks, several when it may find
   * several.
   */
  #steps(state: State, thread: number, access: Access): { state: State; text: string }[] {
    const location = this.#locate(access)
    if (this.#isWeak && !this.#isAtomic(access) && !this.#plain.has(location)) throw new PlainFound(location)
    const isPlain = this.#plain.has(location)
    const messages = state.messages[location] ?? [this.#initial[location]!]
    return this.#candidates(state, thread, access, location, messages).flatMap((index) => {
      const message = messages[index]!
      const before = message.value
      if (access.until && !access.until(before)) return []
      const after = outcomeOf(access, before)
      const isAtomic = this.#isAtomic(access)
      // Who stores plainly finds nothing and takes nothing over.
      const isLoad = access.kind !== 'store' && access.kind !== 'atomic_store'
      let view = state.views[thread]!
      if (isPlain && isLoad) view = withAtLeast(view, location, index)
      if (this.#isWeak && isLoad) {
        if (isAtomic && message.isAtomic) view = joined(view, message.view)
      }
      let changed = state.messages
      if (after !== undefined) {
        const kept = isPlain ? messages : []
        if (isPlain) view = withAtLeast(view, location, kept.length)
        const added = { value: after, view: isAtomic && this.#isWeak ? view : [], isAtomic }
        changed = replaced(changed, location, [...kept, added])
      }
      const branch = this.#child(state.branches[thread]!, thread, isLoad ? before : 0)
      return [
        {
          state: {
            branches: state.branches.with(thread, branch),
            messages: changed,
            views: this.#isWeak ? state.views.with(thread, view) : state.views,
          },
          text: describe(access, before, after),
        },
      ]
    })
  }

  /** The messages that an access may find. */
  #candidates(
    state: State,
    thread: number,
    access: Access,
    location: number,
    messages: readonly Message[],
  ): number[] {
    const last = messages.length - 1
    const isAtomic = this.#isAtomic(access)
    const isReadModifyWrite = access.kind === 'add' || access.kind === 'compare_exchange'
    const isStore = access.kind === 'store' || access.kind === 'atomic_store'
    if (!this.#isWeak || isReadModifyWrite || isStore) return [last]
    let oldest = state.views[thread]![location] ?? 0
    // Atomic accesses have one order: an atomic load is never behind the last atomic store.
    if (isAtomic)
      oldest = Math.max(
        oldest,
        messages.findLastIndex((message) => message.isAtomic),
      )
    return Array.from({ length: last - oldest + 1 }, (_, i) => oldest + i)
  }

  #isAtomic(access: Access): boolean {
    if (access.kind === 'load' || access.kind === 'store') return false
    return this.#exploration.weaken?.(access) !== true
  }

  #locate(access: Access): number {
    const known = this.#locations.get(access.address)
    if (known !== undefined) {
      if (this.#accesses[known]!.type === access.type) return known
      throw new Error(
        `address ${access.address} is used as ${this.#accesses[known]!.type} and ${access.type}`,
      )
    }
    const location = this.#locations.size
    this.#locations.set(access.address, location)
    this.#accesses.push(access)
    this.#initial.push({ value: readCell(new DataView(this.#memory), access), view: [], isAtomic: true })
    return location
  }

  #child(branch: Branch, thread: number, found: Cell): Branch {
    const key = `${typeof found}${found}`
    let child = branch.children.get(key)
    if (!child) {
      child = this.#grow(this.#names[thread]!, [...branch.found, found])
      branch.children.set(key, child)
    }
    return child
  }

  /** Runs a thread from its beginning through what it has found, up to the access behind that, or its end. */
  #grow(name: string, found: readonly Cell[]): Branch {
    let access: Access | undefined
    let at = 0
    const perform = (next: Access): Cell => {
      if (at < found.length) return found[at++]!
      access = next
      throw new Suspended()
    }
    const waitUntil = (address: number, until: (value: number) => boolean): number =>
      perform({ kind: 'wait', type: 'Int32', address, until: (value) => until(value as number) }) as number
    const rest = { id: this.#branchCount++, found, children: new Map<string, Branch>() }
    const program = this.#exploration.threads[name]!
    try {
      const report = runInstrumented(this.#memory, perform, () => program(this.#memory, { waitUntil }))
      return { ...rest, report }
    } catch (failure) {
      return access ? { ...rest, access } : { ...rest, failure }
    }
  }
}

function keyOf({ branches, messages, views }: State): string {
  const cells = messages.map((list) => list?.map(({ value, view }) => `${value}@${view}`).join(' ') ?? '')
  return `${branches.map(({ id }) => id)}|${cells.join(';')}|${views.map((view) => view.join()).join(';')}`
}

function describe(access: Access, before: Cell, after: Cell | undefined): string {
  return `${access.kind} ${access.address}: ${before}${after === undefined ? '' : ` → ${after}`}`
}

function withAtLeast(view: readonly number[], location: number, index: number): readonly number[] {
  return (view[location] ?? 0) >= index ? view : replaced(view, location, index, 0)
}

function joined(a: readonly number[], b: readonly number[]): readonly number[] {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, i) => Math.max(a[i] ?? 0, b[i] ?? 0))
}

function replaced<T>(list: readonly T[], index: number, value: T, filler?: T): T[] {
  const copy = [...list]
  while (copy.length < index) copy.push(filler as T)
  copy[index] = value
  return copy
}
