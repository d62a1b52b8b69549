/**
 * The shared memory that one thread owns and every other thread may read: its control words, its actors'
 * mailbox figures, and the cancel marks of the asks it has sent.
 *
 *     control      one line per word that different threads write:  parked | state | sending
 *     actor table  64 bytes per actor slot:  depth | bytes | depthMax | bytesMax | generation | policy | …
 *     ask table    one word per ask slot: the generation of the newest cancelled ask in that slot
 *
 * The whole range is reserved at the start: the system gives pages only when they are touched, so 131,072
 * actor slots cost 8 MB of addresses and no memory. Growing instead would need a message to every reader per
 * growth.
 *
 * Writer: control and ask table: the owning thread. Actor table: the owner writes limits and generation;
 * `depth` and `bytes` are added to by every sender (admission) and subtracted from by the owner (release),
 * always with a read-modify-write. Readers: every thread of the runtime.
 * Invariants: (1) each admitted message is released exactly once, wherever it ends; so `depth` is never
 * negative, and never above `depthMax` by more than the senders that are about to take their step back; (2) a
 * slot's generation grows with each actor and is 0 while the slot is free; (3) an ask's cancel mark only
 * grows.
 * Publication order: limits first, generation last; a reader that sees the generation sees its limits.
 * Cost: one atomic add per message on each side. Tests: test/transport/thread-memory.test.ts,
 * thread-memory.model.test.ts, test/actor/mailbox.race.test.ts
 */

const LINE_WORDS = 32

/** Control words, a pair of cache lines apart. */
export const CONTROL_PARKED = 0
export const CONTROL_STATE = LINE_WORDS
export const CONTROL_BEAT = 2 * LINE_WORDS
export const CONTROL_CURRENT_SLOT = 2 * LINE_WORDS + 1
export const CONTROL_ACTORS = 2 * LINE_WORDS + 2
export const CONTROL_SLOTS = 2 * LINE_WORDS + 3
/** A thread's pulse: see `runtime/heartbeat.ts`. */
export const CONTROL_ALIVE = 2 * LINE_WORDS + 4
export const CONTROL_HEAP_KIB = 2 * LINE_WORDS + 5
export const CONTROL_EXTERNAL_KIB = 2 * LINE_WORDS + 6
export const CONTROL_BUFFERS_KIB = 2 * LINE_WORDS + 7
export const CONTROL_CPU_MS = 2 * LINE_WORDS + 8
export const CONTROL_SENDING = 3 * LINE_WORDS
export const CONTROL_AWAKE = 3 * LINE_WORDS + 1
export const CONTROL_WORDS = 4 * LINE_WORDS

/** Values of the state word. */
export const STATE_RUNNING = 0
export const STATE_STOPPING = 1
export const STATE_DEAD = 2

/** Runtime-wide words. */
export const RUNTIME_AWAKE = 0
export const RUNTIME_CLOSING = LINE_WORDS
export const RUNTIME_WORDS = 2 * LINE_WORDS

/** Actor table: words per slot, and the index of each. */
export const ACTOR_WORDS = 16
export const ACTOR_DEPTH = 0
export const ACTOR_BYTES = 1
export const ACTOR_DEPTH_MAX = 2
export const ACTOR_BYTES_MAX = 3
export const ACTOR_GENERATION = 4
export const ACTOR_POLICY = 5
/** Of an actor whose messages are timed: see `actor/message-timing.ts`. */
export const ACTOR_MESSAGE_SEQUENCE = 6
export const ACTOR_MESSAGE_TYPE = 7
export const ACTOR_MESSAGE_SINCE = 8
/** Suspension and tracing: see `actor/actor-flags.ts`. */
export const ACTOR_FLAGS = 9

/** Mailbox policies as they stand in the table. */
export const POLICY_REFUSE = 0
export const POLICY_WAIT = 1
export const POLICY_DROP_NEWEST = 2
export const POLICY_DROP_OLDEST = 3

/** What another thread needs to know of a thread: plain shared buffers, sent when a link is made. */
export interface ThreadBuffers {
  readonly id: number
  readonly control: SharedArrayBuffer
  readonly actors: SharedArrayBuffer
  readonly asks: SharedArrayBuffer
}

/** Views over a thread's buffers. */
export interface ThreadMemory {
  readonly id: number
  readonly buffers: ThreadBuffers
  readonly control: Int32Array<SharedArrayBuffer>
  readonly actors: Int32Array<SharedArrayBuffer>
  readonly asks: Int32Array<SharedArrayBuffer>
}

/** Reserves the shared memory of a new thread. */
export function allocateThread(id: number, actorsMax: number, asksMax: number): ThreadBuffers {
  return {
    id,
    control: new SharedArrayBuffer(CONTROL_WORDS * 4),
    actors: new SharedArrayBuffer(actorsMax * ACTOR_WORDS * 4),
    asks: new SharedArrayBuffer(asksMax * 4),
  }
}

/** Opens views over the buffers of a thread, this one's or another's. */
export function attachThread(buffers: ThreadBuffers): ThreadMemory {
  return {
    id: buffers.id,
    buffers,
    control: new Int32Array(buffers.control),
    actors: new Int32Array(buffers.actors),
    asks: new Int32Array(buffers.asks),
  }
}

/** What admission says. */
export const ADMITTED = 0
export const REFUSED_GONE = 1
export const REFUSED_DEPTH = 2
export const REFUSED_BYTES = 3
export const REFUSED_DROPPED = 4

/**
 * Takes one place for a message of `sizeBytes` in the mailbox of slot `slot`, or says why not.
 * Counted before the message exists, so that the bound holds for messages on their way too.
 */
export function admit(
  actors: Int32Array<SharedArrayBuffer>,
  slot: number,
  generation: number,
  sizeBytes: number,
): number {
  const base = slot * ACTOR_WORDS
  if (Atomics.load(actors, base + ACTOR_GENERATION) !== generation) return REFUSED_GONE
  const depth = Atomics.add(actors, base + ACTOR_DEPTH, 1)
  const policy = actors[base + ACTOR_POLICY]!
  if (depth >= actors[base + ACTOR_DEPTH_MAX]! && policy !== POLICY_DROP_OLDEST) {
    Atomics.sub(actors, base + ACTOR_DEPTH, 1)
    return policy === POLICY_DROP_NEWEST ? REFUSED_DROPPED : REFUSED_DEPTH
  }
  if (sizeBytes === 0) return ADMITTED
  const bytes = Atomics.add(actors, base + ACTOR_BYTES, sizeBytes)
  // A single message larger than the whole bound passes when the mailbox is empty: it could never pass
  // otherwise.
  if (bytes > 0 && bytes + sizeBytes > actors[base + ACTOR_BYTES_MAX]! && policy !== POLICY_DROP_OLDEST) {
    Atomics.sub(actors, base + ACTOR_BYTES, sizeBytes)
    Atomics.sub(actors, base + ACTOR_DEPTH, 1)
    return policy === POLICY_DROP_NEWEST ? REFUSED_DROPPED : REFUSED_BYTES
  }
  return ADMITTED
}

/** Gives back the places of `count` messages of `sizeBytes` together. */
export function release(
  actors: Int32Array<SharedArrayBuffer>,
  slot: number,
  count: number,
  sizeBytes: number,
): void {
  const base = slot * ACTOR_WORDS
  Atomics.sub(actors, base + ACTOR_DEPTH, count)
  if (sizeBytes !== 0) Atomics.sub(actors, base + ACTOR_BYTES, sizeBytes)
}
