/**
 * Every interleaving of a few simulated processes that lock one directory, with a crash before any step.
 *
 * A process runs the real code over a simulated system. It is run again and again from its beginning, each
 * time with what its calls have found so far, up to the first call that is new: that call is its next step.
 * What it does depends only on what it has found, so each of its steps is made once, and the search walks
 * states: where each process is, the names in the folder, the sockets that somebody listens at. A state that
 * was seen is not walked again.
 *
 * A listing is two steps. What comes or goes between them is in it or not, in every combination: POSIX says
 * no more. A close is two steps as well: Node removes the name, then the kernel closes the socket.
 *
 * What keeps it small: of names that a process has no use for nothing is said; an attempt remembers nothing
 * of the ones before; and processes, being alike, begin in their order.
 *
 * Tests: test/storage/directory-lock.model.test.ts, where each planted mistake is found
 */
import { basename } from 'node:path'
import { ShardloomError } from '../../src/base/index.ts'
import { type LockSystem, lockDirectory, type SocketState } from '../../src/storage/directory-lock.ts'
import { ManualClock } from './manual-clock.ts'

/** What is explored. */
export interface LockExploration {
  readonly processes: number
  /** How many of them may crash. */
  readonly crashes: number
  /** Names that others have left: nobody listens there. */
  readonly before?: readonly string[]
  /** Listings and closes are one step each: for larger worlds. */
  readonly isCoarse?: boolean
  /** Puts a mistake between the code and the system. */
  readonly sabotage?: (system: LockSystem, bare: BareSystem) => LockSystem
}

/** Steps that the lock does not use, for mistakes. Errors are those of the system. */
export interface BareSystem {
  /** Makes a socket at which nobody listens yet. */
  bind(path: string): Promise<void>
  startListening(path: string): Promise<void>
  stopListening(path: string): Promise<void>
  /** Links in the place of whatever has the name. */
  linkOver(from: string, to: string): Promise<void>
}

/** What was seen. */
export interface ExploredLock {
  readonly states: number
  /** What became of the processes, sorted: `owned`, `refused` or `crashed`. */
  readonly ends: readonly string[]
}

type Step =
  | { readonly kind: 'list' | 'listed' | 'listAtOnce' | 'hold' }
  | {
      readonly kind: 'listen' | 'unlink' | 'connect' | 'stop' | 'close' | 'bind' | 'start'
      readonly name: string
    }
  | { readonly kind: 'link' | 'linkOver'; readonly from: string; readonly to: string }

/** What a step finds: a word, or names. */
type Found = string | readonly string[]
type Take = (step: Step) => Promise<Found>

/** A process at one point: what it does next, or how it has ended. */
interface Branch {
  /** Stands for all that it still knows: two with the same do the same from here. */
  readonly id: string
  readonly found: readonly Found[]
  readonly step?: Step
  readonly end?: string
}

/** A listing that is under way: what was there, and what has come or gone since. */
interface Listing {
  readonly names: readonly string[]
  readonly changed: readonly string[]
}

interface State {
  readonly branches: readonly Branch[]
  /** Name → socket. */
  readonly names: ReadonlyMap<string, string>
  readonly alive: ReadonlySet<string>
  readonly listings: readonly (Listing | undefined)[]
  readonly crashes: number
  /** How it came to be. */
  readonly before: State | undefined
  readonly text: string
}

const CRASHED: Branch = { id: 'crashed', found: [], end: 'crashed' }
const CLOCK = new ManualClock()

/** Walks every state. @throws when two processes own the directory, or one that should get it does not */
export function exploreLock(exploration: LockExploration): Promise<ExploredLock> {
  return new Explorer(exploration).run()
}

class Explorer {
  readonly #exploration: LockExploration
  readonly #seen = new Set<string>()
  readonly #ends = new Set<string>()
  readonly #branches = new Map<string, Branch>()
  readonly #shorts = new Map<string, string>()

  constructor(exploration: LockExploration) {
    this.#exploration = exploration
  }

  async run(): Promise<ExploredLock> {
    const { processes, before = [], crashes } = this.#exploration
    const beginnings = Array.from({ length: processes }, (_, i) => this.#grow(i, [], `p${i}`))
    const branches = await Promise.all(beginnings)
    const names = new Map(before.map((name) => [name, `before ${name}`]))
    const listings = branches.map(() => undefined)
    const stack: State[] = [
      { branches, names, alive: new Set(), listings, crashes, before: undefined, text: '' },
    ]
    for (let state = stack.pop(); state !== undefined; state = stack.pop()) {
      const key = this.#keyOf(state)
      if (this.#seen.has(key)) continue
      this.#seen.add(key)
      check(state)
      const next = await this.#successors(state)
      if (next.length === 0) this.#finish(state)
      stack.push(...next)
    }
    return { states: this.#seen.size, ends: [...this.#ends].sort() }
  }

  #finish(state: State): void {
    const ends = state.branches.map(({ end }) => end ?? '').sort()
    if (!ends.some((end) => end === 'owned' || end === 'crashed')) fail(state, 'nobody has got it')
    this.#ends.add(ends.join(' '))
  }

  async #successors(state: State): Promise<State[]> {
    const next: State[] = []
    for (const [process, branch] of state.branches.entries()) {
      if (branch.step === undefined) continue
      for (const [found, after] of perform(state, process, branch.step)) {
        const branches = state.branches.with(process, await this.#child(branch, process, found))
        const text = `${process}: ${describe(branch.step)} → ${String(found)}`
        next.push({ ...after, branches, before: state, text })
      }
      if (state.crashes > 0) next.push(crashed(state, process))
      // The others are like this one, which has not begun.
      if (branch.found.length === 0) break
    }
    return next
  }

  async #child(branch: Branch, process: number, found: Found): Promise<Branch> {
    const step = branch.step!
    // An attempt begins by listening, at a name of its own, unless a mistake has it begin elsewhere.
    const isBeginning = step.kind === 'listen' && this.#exploration.sabotage === undefined
    // To find a name gone is as good as to remove it.
    const key = isBeginning ? step.name : `${branch.id} ${step.kind === 'unlink' ? 'done' : found}`
    let child = this.#branches.get(key)
    if (child === undefined) {
      child = await this.#grow(process, [...branch.found, found], `b${this.#branches.size}`)
      this.#branches.set(key, child)
    }
    return child
  }

  /** Runs a process from its beginning through what it has found, up to its next step or its end. */
  #grow(process: number, found: readonly Found[], id: string): Promise<Branch> {
    return new Promise((resolve) => {
      let at = 0
      const take: Take = (step) => {
        const known = found[at++]
        if (known !== undefined) return Promise.resolve(known)
        resolve({ id, found, step })
        // Nobody goes on from here: another run takes the next step.
        return new Promise(() => undefined)
      }
      runProcess(process, take, this.#exploration).then(
        (end) => resolve({ id: end, found, end }),
        (error) => resolve({ id, found, end: String(error) }),
      )
    })
  }

  /** The same for states from which the same follows. */
  #keyOf({ branches, names, alive, listings, crashes }: State): string {
    const files = [...names].map(
      ([name, socket]) => `${this.#short(name)}${this.#short(socket)}${alive.has(socket) ? '!' : ''}`,
    )
    const lists = listings.map((found) => found && `${this.#many(found.names)}~${this.#many(found.changed)}`)
    return `${branches.map(({ id }) => id)};${files.sort()};${lists};${crashes}`
  }

  #many(texts: readonly string[]): string {
    const shorts = texts.map((text) => this.#short(text))
    return shorts.sort().join('')
  }

  /** A few letters that stand for a text. */
  #short(text: string): string {
    let short = this.#shorts.get(text)
    if (short === undefined) {
      short = `.${this.#shorts.size}`
      this.#shorts.set(text, short)
    }
    return short
  }
}

/** Locks, holds, releases. */
async function runProcess(process: number, take: Take, exploration: LockExploration): Promise<string> {
  const { system, bare, hasFoundOwner } = simulatedSystem(process, take, exploration.isCoarse === true)
  try {
    const lock = await lockDirectory('/dir', {
      clock: CLOCK,
      system: exploration.sabotage?.(system, bare) ?? system,
    })
    await take({ kind: 'hold' })
    await lock.release()
    return 'owned'
  } catch (error) {
    if (!(error instanceof ShardloomError) || error.code !== 'SHL_DIRECTORY_IN_USE') throw error
    return hasFoundOwner() ? 'refused' : 'gave up'
  }
}

function simulatedSystem(process: number, take: Take, isCoarse: boolean) {
  let attempts = 0
  let hasFoundOwner = false
  const done = async (step: Step): Promise<void> => {
    const found = await take(step)
    if (found !== 'done') throw Object.assign(new Error(String(found)), { code: found })
  }
  const system: LockSystem = {
    makeFolder: async () => undefined,
    networkFileSystem: async () => undefined,
    touch: async () => undefined,
    unique: () => `${process}x${attempts++}`,
    async list() {
      if (!isCoarse) await take({ kind: 'list' })
      return [...(await take({ kind: isCoarse ? 'listAtOnce' : 'listed' }))]
    },
    link: (from, to) => done({ kind: 'link', from: basename(from), to: basename(to) }),
    unlink: (path) => done({ kind: 'unlink', name: basename(path) }),
    async listen(path) {
      const name = basename(path)
      await done({ kind: 'listen', name })
      return {
        async close() {
          if (!isCoarse) await take({ kind: 'unlink', name })
          await take({ kind: isCoarse ? 'close' : 'stop', name })
        },
      }
    },
    connect: async (path) => (await take({ kind: 'connect', name: basename(path) })) as SocketState,
    // Asked only for the message, once an owner was found.
    async identity() {
      hasFoundOwner = true
      return ''
    },
  }
  const bare: BareSystem = {
    bind: (path) => done({ kind: 'bind', name: basename(path) }),
    startListening: (path) => done({ kind: 'start', name: basename(path) }),
    stopListening: (path) => done({ kind: 'stop', name: basename(path) }),
    linkOver: (from, to) => done({ kind: 'linkOver', from: basename(from), to: basename(to) }),
  }
  return { system, bare, hasFoundOwner: () => hasFoundOwner }
}

type Outcome = readonly [found: Found, after: State]

/** All that a step may find, with the state after it. */
function perform(state: State, process: number, step: Step): readonly Outcome[] {
  const { names, alive, listings } = state
  switch (step.kind) {
    case 'hold':
      return [['done', state]]
    case 'list': {
      const listing = { names: [...names.keys()], changed: [] }
      return [['done', { ...state, listings: listings.with(process, listing) }]]
    }
    case 'listed': {
      const after = { ...state, listings: listings.with(process, undefined) }
      return possibleNames(state, process, listings[process]!).map((found) => [found, after])
    }
    case 'listAtOnce':
      return [[possibleNames(state, process, { names: [...names.keys()], changed: [] })[0]!, state]]
    case 'connect': {
      const socket = names.get(step.name)
      return [[socket === undefined ? 'gone' : alive.has(socket) ? 'alive' : 'dead', state]]
    }
    case 'unlink':
      return names.has(step.name) ? [['done', withName(state, step.name, undefined)]] : [['ENOENT', state]]
    case 'link':
    case 'linkOver': {
      const socket = names.get(step.from)
      if (socket === undefined) return [['ENOENT', state]]
      if (step.kind === 'link' && names.has(step.to)) return [['EEXIST', state]]
      return [['done', withName(state, step.to, socket)]]
    }
    default:
      return [performAtSocket(state, `${process} ${step.name}`, step)]
  }
}

function performAtSocket(state: State, socket: string, { kind, name }: Step & { name: string }): Outcome {
  switch (kind) {
    case 'start':
    case 'stop':
      return ['done', withAlive(state, socket, kind === 'start')]
    case 'close':
      return ['done', withAlive(withName(state, name, undefined), socket, false)]
    default: {
      if (state.names.has(name)) return ['EADDRINUSE', state]
      return ['done', withAlive(withName(state, name, socket), socket, kind === 'listen')]
    }
  }
}

/** What has come or gone meanwhile is in a listing or not. */
function possibleNames({ names }: State, process: number, listing: Listing): string[][] {
  const isOwner = [...names].some(([name, socket]) => isNumber(name) && socket.startsWith(`${process} `))
  // Who has no number yet looks at numbers alone.
  const matters = (name: string): boolean => isOwner || isNumber(name)
  const uncertain = listing.changed.filter(matters)
  const sure = listing.names.filter((name) => matters(name) && !uncertain.includes(name)).sort()
  return uncertain.reduce((lists, name) => lists.flatMap((list) => [list, [...list, name]]), [sure])
}

function isNumber(name: string): boolean {
  return name.startsWith('owner-')
}

function crashed(state: State, process: number): State {
  const { branches, alive, listings, crashes } = state
  return {
    ...state,
    branches: branches.with(process, CRASHED),
    alive: new Set([...alive].filter((socket) => !socket.startsWith(`${process} `))),
    listings: listings.with(process, undefined),
    crashes: crashes - 1,
    before: state,
    text: `${process}: crashes`,
  }
}

function withName(state: State, name: string, socket: string | undefined): State {
  const names = new Map(state.names)
  if (socket === undefined) names.delete(name)
  else names.set(name, socket)
  const listings = state.listings.map((listing) =>
    listing === undefined || listing.changed.includes(name)
      ? listing
      : { ...listing, changed: [...listing.changed, name].sort() },
  )
  return { ...state, names, listings }
}

function withAlive(state: State, socket: string, isAlive: boolean): State {
  const alive = new Set(state.alive)
  if (isAlive) alive.add(socket)
  else alive.delete(socket)
  return { ...state, alive }
}

function check(state: State): void {
  if (state.branches.filter(({ step }) => step?.kind === 'hold').length > 1) fail(state, 'two owners')
  const wrong = state.branches.find(({ end = 'owned' }) => !['owned', 'refused', 'crashed'].includes(end))
  if (wrong) fail(state, wrong.end ?? '')
}

function fail(state: State, text: string): never {
  const steps: string[] = []
  for (let at: State = state; at.before; at = at.before) steps.unshift(at.text)
  throw new Error(`${text}\nafter\n  ${steps.join('\n  ')}`)
}

function describe(step: Step): string {
  return Object.values(step).join(' ')
}
