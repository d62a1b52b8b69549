/**
 * Which message an actor handles, and since when, for all threads to see: also while its own thread is stuck.
 *
 *     the actor's line of the actor table:   … | sequence | type | since, in ms modulo 2^32 | …
 *
 * Only actors that are watched for hangs are timed; the others pay for one test of a field.
 *
 * Writer: the actor's thread. Readers: any thread, usually the watchdog's.
 * Invariants: (1) the sequence is odd while a message is being handled, asynchronous handlers included, and
 * grows; (2) what a reader found between two equal odd readings of it belongs to one message.
 * Publication order: type and time, then the sequence, and before the next ones an even sequence. This is a
 * seqlock; all accesses are atomic, because around plain ones JavaScript has no fence (arm64 would reorder
 * them). Whether the thread is stuck in the message is read beside it: of that, only a value that has stood
 * for a while means something.
 * Cost: a reading of the clock and four atomic stores for each message of a timed actor.
 * Tests: test/actor/message-timing.model.test.ts, test/supervise/watchdog.race.test.ts
 */
import type { Clock } from '../base/index.ts'
import * as wire from '../transport/index.ts'

/** The message that an actor handles. */
export interface MessageUnderWay {
  /** Grows from message to message. */
  readonly sequence: number
  /** The place of its handler among the definition's; -1 for a signal or an unknown message. */
  readonly type: number
  /** How long, in whole milliseconds; it wraps after 24 days. */
  readonly forMs: number
  /** Whether its thread is in it: a handler that awaits lets others run. */
  readonly isBlocking: boolean
}

/** Times the messages of one actor. */
export class MessageTiming {
  /** The names of the handlers, in the order of `type`. */
  readonly types: readonly string[]
  readonly #memory: Pick<wire.ThreadMemory, 'actors'>
  readonly #clock: Clock
  readonly #base: number
  readonly #indexes: ReadonlyMap<string, number>
  #sequence: number

  constructor(
    memory: Pick<wire.ThreadMemory, 'actors'>,
    clock: Clock,
    slot: number,
    types: readonly string[],
  ) {
    this.types = types
    this.#memory = memory
    this.#clock = clock
    this.#base = slot * wire.ACTOR_WORDS
    this.#indexes = new Map(types.map((type, i) => [type, i]))
    // What the slot's former actor left, made even: nothing is under way.
    this.#sequence = (Atomics.load(memory.actors, this.#base + wire.ACTOR_MESSAGE_SEQUENCE) + 1) & ~1
    this.#publish()
  }

  begin(type: string): void {
    const { actors } = this.#memory
    Atomics.store(actors, this.#base + wire.ACTOR_MESSAGE_TYPE, this.#indexes.get(type) ?? -1)
    Atomics.store(actors, this.#base + wire.ACTOR_MESSAGE_SINCE, this.#clock.nowMs() | 0)
    this.#sequence = (this.#sequence + 1 + (this.#sequence & 1)) | 0
    this.#publish()
  }

  end(): void {
    this.#sequence = ((this.#sequence + 1) & ~1) | 0
    this.#publish()
  }

  #publish(): void {
    Atomics.store(this.#memory.actors, this.#base + wire.ACTOR_MESSAGE_SEQUENCE, this.#sequence)
  }
}

/** What an actor handles at `nowMs`; undefined when nothing, or when it is gone. */
export function messageUnderWay(
  { actors, control }: Pick<wire.ThreadMemory, 'actors' | 'control'>,
  slot: number,
  generation: number,
  nowMs: number,
): MessageUnderWay | undefined {
  const base = slot * wire.ACTOR_WORDS
  for (;;) {
    if (Atomics.load(actors, base + wire.ACTOR_GENERATION) !== generation) return undefined
    const sequence = Atomics.load(actors, base + wire.ACTOR_MESSAGE_SEQUENCE)
    if ((sequence & 1) === 0) return undefined
    const type = Atomics.load(actors, base + wire.ACTOR_MESSAGE_TYPE)
    const since = Atomics.load(actors, base + wire.ACTOR_MESSAGE_SINCE)
    if (Atomics.load(actors, base + wire.ACTOR_MESSAGE_SEQUENCE) !== sequence) continue
    const isBlocking = Atomics.load(control, wire.CONTROL_CURRENT_SLOT) === slot + 1
    return { sequence, type, forMs: ((nowMs | 0) - since) | 0, isBlocking }
  }
}
