/**
 * What the server's threads ask of each other, and change together.
 *
 * A question goes to every thread; a change goes through one of them, the eldest, which hands changes out one
 * by one, so that all threads make them in the same order. Topics are names that each part registers when its
 * thread starts: this file knows none of them.
 *
 * Invariant: changes of all topics are made on all threads in one order, and one is over everywhere before
 * whoever asked for it goes on.
 * Tests: test/server/thread/peers.test.ts
 */
import type { ActorRef } from '../../actor/index.ts'
import { ShardloomError } from '../../base/index.ts'

/** Messages between the servers of threads. */
export interface PeerMessages {
  answer(state: unknown, message: TopicMessage): unknown
  /** To the eldest only. */
  change(state: unknown, message: TopicMessage): Promise<void>
}

/** A change has no deadline: one that a busy thread would miss holds nowhere for sure. */
const UNTIL_LOST_MS = 2 ** 31 - 1

/** A question, or a change. */
export interface TopicMessage {
  readonly topic: string
  readonly content: unknown
}

/** Answers a question, or makes a change, on this thread. */
export type TopicHandler = (content: never) => unknown

/** The other threads' servers, and this one. */
export class Peers {
  /** What is answered here. */
  readonly topics: Map<string, TopicHandler> = new Map()
  /** Called when others have come or gone. */
  readonly onJoin: Set<() => void> = new Set()
  readonly #timeoutMs: number
  #refs: readonly ActorRef<PeerMessages>[] = []
  #self = 0
  #first = 0
  /** The last change that this thread hands out, as the eldest. */
  #last: Promise<void> = Promise.resolve()

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs
  }

  /** Whether this thread hands out changes. */
  get isFirst(): boolean {
    return this.#self === this.#first
  }

  /** How many threads serve. */
  get count(): number {
    return Math.max(1, this.#refs.length)
  }

  /**
   * Takes the list of all servers, in the same order everywhere: `self` is this thread's place in it, `first`
   * that of who hands out changes.
   */
  join(refs: readonly ActorRef<PeerMessages>[], self: number, first = 0): void {
    this.#refs = refs
    this.#self = self
    this.#first = first
    for (const onJoin of this.onJoin) onJoin()
  }

  /** Answers for this thread. */
  answer({ topic, content }: TopicMessage): unknown {
    const handler = this.topics.get(topic) as ((content: unknown) => unknown) | undefined
    if (handler === undefined) throw new ShardloomError('SHL_SERVER_TOPIC', { topic })
    return handler(content)
  }

  /** Every thread's answer, in the order of threads; those of threads that are lost are missing. */
  async ask<A>(
    topic: string,
    content: unknown = undefined,
    timeoutMs: number = this.#timeoutMs,
  ): Promise<readonly A[]> {
    const message = { topic, content }
    if (this.#refs.length <= 1) return [(await this.answer(message)) as A]
    const asked = this.#refs.map(async (ref, place) =>
      place === this.#self ? await this.answer(message) : ref.ask('answer', message, { timeoutMs }),
    )
    const answers = await Promise.allSettled(asked)
    return answers.flatMap((one) => (one.status === 'fulfilled' ? [one.value as A] : []))
  }

  /** Asks one thread. */
  async askOne<A>(place: number, topic: string, content: unknown = undefined): Promise<A> {
    const message = { topic, content }
    const ref = this.#refs[place]
    if (ref === undefined || place === this.#self) return (await this.answer(message)) as A
    return (await ref.ask('answer', message, { timeoutMs: this.#timeoutMs })) as A
  }

  /** Makes a change everywhere. */
  async change(topic: string, content: unknown): Promise<void> {
    const message = { topic, content }
    const first = this.#refs[this.#first]
    if (first === undefined || this.#self === this.#first) await this.handOut(message)
    else await first.ask('change', message, { timeoutMs: UNTIL_LOST_MS })
  }

  /** The eldest's part in a change. */
  handOut(message: TopicMessage): Promise<void> {
    return this.between(async () => {
      // A thread that is busy makes it later, one that is lost begins with what is by then.
      await this.ask(message.topic, message.content, UNTIL_LOST_MS)
    })
  }

  /** Does something on the thread that hands out changes, between two of them. */
  between(task: () => Promise<void>): Promise<void> {
    const done = this.#last.then(task)
    this.#last = done.catch(() => undefined)
    return done
  }
}
