/**
 * A router: many actors behind one ref-like object; it chooses who gets each message.
 *
 *     round_robin      in turn
 *     least_mailbox    the shortest mailbox, read from shared memory at that moment
 *     consistent_hash  by `hashKey(type, payload)`: the same key goes to the same routee, and a resize moves
 *                      only the keys of the routees that came or went (rendezvous hashing, Thaler 1998)
 *     broadcast        everybody; `ask` answers with an array
 *
 * A router is an object of the thread that made it, not an actor: it costs no hop. `ref()` gives it an actor,
 * whose ref can be sent, registered and used on any thread, for a hop over this one. It may be resized at any
 * time; a routee that is taken out finishes its mailbox first. A routee that ends abnormally is replaced, at
 * most `REPLACEMENTS_MAX` times within `REPLACEMENT_WINDOW_MS`: a routee that cannot live must not be spawned
 * for ever.
 *
 * Tests: test/actor/router.race.test.ts
 */
import { type Clock, choiceOption, invalidOption, numberOption, ShardloomError } from '../base/index.ts'
import type { Dispatch } from './dispatch.ts'
import type { AnswerOf, ItemOf, MessageType, PayloadArguments } from './message-types.ts'
import type { AskOptions, OfferOptions, Owner, StopOptions, StreamOptions, TellOptions } from './messenger.ts'
import type { ActorRef } from './ref.ts'
import { isAbnormal, type TerminationReason } from './termination.ts'

/** How a router chooses. */
export type RouterStrategy = 'round_robin' | 'least_mailbox' | 'consistent_hash' | 'broadcast'

/** How a router is made. */
export interface RouterOptions {
  /** How many routees. Default: the runtime's shared threads. */
  readonly size?: number
  /** Default `round_robin`. */
  readonly strategy?: RouterStrategy
  /** What `consistent_hash` hashes. Default: the payload as text. */
  readonly hashKey?: (type: string, payload: unknown) => string
  /** Whether routees that end abnormally are replaced. Default true. */
  readonly replace?: boolean
}

/** What the router needs of its surroundings. */
export interface RouterParts<Receive> {
  readonly clock: Clock
  readonly name: string
  spawn(): Promise<ActorRef<Receive>>
  awaitEnd(ref: ActorRef<Receive>): Promise<TerminationReason>
  /** Starts an actor on this thread that hands its messages on. */
  spawnDispatcher(name: string, dispatch: Dispatch): Promise<ActorRef<Receive>>
}

const STRATEGIES: readonly RouterStrategy[] = ['round_robin', 'least_mailbox', 'consistent_hash', 'broadcast']
const SIZE_MAX = 65_536
const REPLACEMENTS_MAX = 16
const REPLACEMENT_WINDOW_MS = 10_000

/** Sends each message to one routee, or to all. */
export class ActorRouter<Receive> {
  readonly strategy: RouterStrategy
  readonly #parts: RouterParts<Receive>
  readonly #hashKey: (type: string, payload: unknown) => string
  readonly #mayReplace: boolean
  #refs: ActorRef<Receive>[] = []
  readonly #leaving = new Set<string>()
  readonly #replacedAtMs: number[] = []
  #turn = 0
  #isStopped = false
  #resizing: Promise<void> = Promise.resolve()
  #ref: Promise<ActorRef<Receive>> | undefined

  /** @internal Made by `runtime.router`. */
  constructor(parts: RouterParts<Receive>, options: RouterOptions) {
    this.#parts = parts
    this.strategy = choiceOption('strategy', options.strategy, 'round_robin', STRATEGIES)
    if (options.hashKey !== undefined && typeof options.hashKey !== 'function') {
      invalidOption('hashKey', options.hashKey, 'a function')
    }
    this.#hashKey = options.hashKey ?? ((_type, payload) => String(payload))
    this.#mayReplace = options.replace ?? true
  }

  get size(): number {
    return this.#refs.length
  }

  /** The routees now. */
  get refs(): readonly ActorRef<Receive>[] {
    return this.#refs
  }

  /** As `ActorRef.tell`. `broadcast`: true when every routee took it. @throws SHL_NO_ROUTEES */
  tell<K extends MessageType<Receive>>(type: K, ...rest: PayloadArguments<Receive, K, TellOptions>): boolean {
    if (this.strategy !== 'broadcast') return this.#choose(type, rest[0]).tell(type, ...rest)
    let isTaken = true
    for (const ref of this.#all()) if (!ref.tell(type, ...rest)) isTaken = false
    return isTaken
  }

  /** As `ActorRef.offer`. */
  async offer<K extends MessageType<Receive>>(
    type: K,
    ...rest: PayloadArguments<Receive, K, OfferOptions>
  ): Promise<void> {
    if (this.strategy !== 'broadcast') return this.#choose(type, rest[0]).offer(type, ...rest)
    await Promise.all(this.#all().map((ref) => ref.offer(type, ...rest)))
  }

  /** As `ActorRef.ask`; `broadcast` answers with an array, in the order of `refs`. */
  async ask<K extends MessageType<Receive>>(
    type: K,
    ...rest: PayloadArguments<Receive, K, AskOptions>
  ): Promise<AnswerOf<Receive, K>> {
    if (this.strategy !== 'broadcast') return this.#choose(type, rest[0]).ask(type, ...rest)
    // Typed as one answer: callers of a broadcast router use `askAll`.
    return (await this.askAll(type, ...rest)) as AnswerOf<Receive, K>
  }

  /** Asks every routee, whatever the strategy. */
  askAll<K extends MessageType<Receive>>(
    type: K,
    ...rest: PayloadArguments<Receive, K, AskOptions>
  ): Promise<AnswerOf<Receive, K>[]> {
    return Promise.all(this.#all().map((ref) => ref.ask(type, ...rest)))
  }

  /** As `ActorRef.stream`, from one routee. */
  stream<K extends MessageType<Receive>>(
    type: K,
    ...rest: PayloadArguments<Receive, K, StreamOptions>
  ): AsyncIterableIterator<ItemOf<Receive, K>> {
    return this.#choose(type, rest[0]).stream(type, ...rest)
  }

  /**
   * A ref that stands for the router, on any thread: what it is sent is handed on to a routee. The actor
   * behind it is started with the first call and stopped with the router; its mailbox bounds the asks under
   * way.
   *
   * @throws SHL_NO_ROUTEES when the router was stopped, SHL_ACTOR_LIMIT, SHL_RUNTIME_CLOSED
   */
  async ref(): Promise<ActorRef<Receive>> {
    if (this.#isStopped) throw new ShardloomError('SHL_NO_ROUTEES', { group: this.#parts.name })
    this.#ref ??= this.#parts.spawnDispatcher(this.#parts.name, this.#dispatch())
    return this.#ref
  }

  /** Grows or shrinks to `size` routees; resolves when the new ones run and the old ones have finished. */
  resize(size: number): Promise<void> {
    numberOption('size', size, 1, { min: 0, max: SIZE_MAX, integer: true })
    const resized = this.#resizing.then(() => this.#resizeTo(size))
    this.#resizing = resized.catch(() => undefined)
    return resized
  }

  /** Stops all routees. */
  async stop(options?: StopOptions): Promise<void> {
    this.#isStopped = true
    await this.#resizing
    const refs = this.#refs
    this.#refs = []
    for (const ref of refs) this.#leaving.add(ref.address)
    await (await this.#ref?.catch(() => undefined))?.stop(options)
    await Promise.all(refs.map((ref) => ref.stop(options)))
  }

  #dispatch(): Dispatch {
    // What arrives carries names and payloads that were typed where they were sent.
    const bound = (owner: Owner, ref: ActorRef<Receive>): ActorRef => (ref as ActorRef).boundTo(owner)
    const isForAll = this.strategy === 'broadcast'
    return {
      tell: (owner, type, payload, priority) => {
        const refs = isForAll ? this.#all() : [this.#choose(type, payload)]
        return refs.map((ref) => bound(owner, ref).tell(type, payload, { priority })).every(Boolean)
      },
      ask: (owner, type, payload, priority) => {
        const ask = (ref: ActorRef<Receive>): Promise<unknown> =>
          bound(owner, ref).ask(type, payload, { priority })
        return isForAll ? Promise.all(this.#all().map(ask)) : ask(this.#choose(type, payload))
      },
      stream: (owner, type, payload, window) =>
        bound(owner, this.#choose(type, payload)).stream(type, payload, { window }),
    }
  }

  toString(): string {
    return `${this.#parts.name}[${this.size}]`
  }

  async #resizeTo(size: number): Promise<void> {
    if (size < this.#refs.length) {
      const leaving = this.#refs.slice(size)
      this.#refs = this.#refs.slice(0, size)
      for (const ref of leaving) this.#leaving.add(ref.address)
      await Promise.all(leaving.map((ref) => ref.stop({ mode: 'drain' })))
      return
    }
    const count = size - this.#refs.length
    await Promise.all(Array.from({ length: count }, () => this.#add()))
  }

  async #add(): Promise<void> {
    const ref = await this.#parts.spawn()
    if (this.#isStopped) {
      await ref.stop()
      return
    }
    this.#refs = [...this.#refs, ref]
    void this.#follow(ref)
  }

  /** Waits for the end of a routee, takes it out, and replaces it when it did not end well. */
  async #follow(ref: ActorRef<Receive>): Promise<void> {
    const reason = await this.#parts.awaitEnd(ref)
    this.#refs = this.#refs.filter((one) => one !== ref)
    if (this.#leaving.delete(ref.address) || this.#isStopped) return
    if (!this.#mayReplace || !isAbnormal(reason) || !this.#isWithinLimit()) return
    try {
      await this.#add()
    } catch {
      // The spawner cannot start another one; whoever sends meets SHL_NO_ROUTEES once none is left.
    }
  }

  #isWithinLimit(): boolean {
    const nowMs = this.#parts.clock.nowMs()
    while (this.#replacedAtMs.length > 0 && nowMs - this.#replacedAtMs[0]! > REPLACEMENT_WINDOW_MS) {
      this.#replacedAtMs.shift()
    }
    if (this.#replacedAtMs.length >= REPLACEMENTS_MAX) return false
    this.#replacedAtMs.push(nowMs)
    return true
  }

  #all(): readonly ActorRef<Receive>[] {
    if (this.#refs.length === 0) throw new ShardloomError('SHL_NO_ROUTEES', { group: this.#parts.name })
    return this.#refs
  }

  #choose(type: string, payload: unknown): ActorRef<Receive> {
    const refs = this.#all()
    if (this.strategy === 'least_mailbox') return leastMailbox(refs, this.#turn++)
    if (this.strategy === 'consistent_hash') return highestScore(refs, this.#hashKey(type, payload))
    this.#turn = (this.#turn + 1) % refs.length
    return refs[this.#turn]!
  }
}

/** The shortest mailbox; equals take turns. */
function leastMailbox<R>(refs: readonly ActorRef<R>[], turn: number): ActorRef<R> {
  let best = refs[turn % refs.length]!
  let bestDepth = best.depth
  for (let i = 1; i < refs.length && bestDepth > 0; i++) {
    const ref = refs[(turn + i) % refs.length]!
    const { depth } = ref
    if (depth >= bestDepth) continue
    best = ref
    bestDepth = depth
  }
  return best
}

/** Rendezvous hashing: each routee scores the key, the highest score takes it. */
function highestScore<R>(refs: readonly ActorRef<R>[], key: string): ActorRef<R> {
  let best = refs[0]!
  let bestScore = -1
  for (const ref of refs) {
    const score = hashText(`${ref.address}\u0000${key}`)
    if (score <= bestScore) continue
    best = ref
    bestScore = score
  }
  return best
}

/** FNV-1a with the finaliser of MurmurHash3, 32 bits. */
function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
