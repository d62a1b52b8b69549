/**
 * The servers of all threads, as the main thread sees them: who runs, and who hands out changes.
 *
 * Changes (`Peers.change`) are handed out by the eldest that runs. It also lets a new one in, between two
 * changes, with what all others have by then: one that was started with what they had a moment before would
 * miss what was changed meanwhile. When one is lost the others are told at once, so that changes go on.
 *
 * A server that was lost comes back on the thread that replaces the lost one, for which it waits a moment: on
 * another, which has a server already, it would leave the new thread idle.
 *
 * Invariant: a server that is in the list has every change that the others have.
 * Tests: test/server/robust/lost-thread.race.test.ts
 */
import type { ActorRef } from '../actor/index.ts'
import type { Clock } from '../base/index.ts'
import type { ServerMessages } from './thread/server-actor.ts'

type ServerRef = ActorRef<ServerMessages>

/** So long a server may take to answer. */
const ASK_MS = 30_000
/** So long a thread is waited for that has no server yet. */
const THREAD_MS = 10_000
const THREAD_LOOK_MS = 10

/** The servers that run. */
export class ServerMembers {
  /** By place; undefined: it is being started. */
  readonly refs: (ServerRef | undefined)[]
  /** The eldest first. */
  readonly #bySeniority: ServerRef[] = []
  /** The threads that they were started on, by place. */
  readonly #threads: (number | undefined)[]
  readonly #clock: Clock

  constructor(threads: readonly number[], clock: Clock) {
    this.#clock = clock
    this.#threads = [...threads]
    this.refs = threads.map(() => undefined)
  }

  /** A thread for a server that was lost. `running`: the threads that there are by then. */
  async threadFor(place: number, running: () => readonly number[]): Promise<number> {
    const endMs = this.#clock.nowMs() + THREAD_MS
    this.#threads[place] = undefined
    for (;;) {
      const threads = running()
      const free = threads.find((thread) => !this.#threads.includes(thread))
      if (free !== undefined || this.#clock.nowMs() > endMs) {
        const thread = free ?? threads[place % threads.length] ?? 0
        this.#threads[place] = thread
        return thread
      }
      await new Promise<void>((resolve) => void this.#clock.after(THREAD_LOOK_MS, resolve))
    }
  }

  /** The eldest; undefined: none runs. */
  get eldest(): ServerRef | undefined {
    return this.#bySeniority[0]
  }

  /** Takes one that has been started. @throws when it is lost, or who would have let it in */
  async enter(place: number, ref: ServerRef): Promise<void> {
    this.refs[place] = ref
    this.#bySeniority.push(ref)
    const { eldest } = this
    if (eldest === undefined || eldest === ref) return this.#joinAll()
    const list = this.#list()
    const [self, newcomer] = [list.indexOf(eldest), list.indexOf(ref)]
    await eldest.ask('admit', { refs: list, self, newcomer }, { timeoutMs: ASK_MS })
  }

  /** One is gone. */
  async leave(place: number, ref: ServerRef): Promise<void> {
    if (this.refs[place] === ref) this.refs[place] = undefined
    const at = this.#bySeniority.indexOf(ref)
    if (at >= 0) this.#bySeniority.splice(at, 1)
    await this.#joinAll()
  }

  #list(): readonly ServerRef[] {
    return this.refs.filter((ref) => ref !== undefined)
  }

  async #joinAll(): Promise<void> {
    const { eldest } = this
    if (eldest === undefined) return
    const refs = this.#list()
    const first = refs.indexOf(eldest)
    const told = refs.map((ref, self) => ref.ask('join', { refs, self, first }, { timeoutMs: ASK_MS }))
    await Promise.allSettled(told)
  }
}
