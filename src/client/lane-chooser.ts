/**
 * Which connection a call takes, so that calls keep their order over several connections.
 *
 * Calls with keys of one connection's hash slots go there, whatever the others do. A call whose keys are of
 * several, or that may concern any key, must neither overtake what was called before nor be overtaken: it
 * waits until the other connections are empty, and what is called after it waits behind it. From then on all
 * calls take that one connection, until it is empty, too.
 *
 *     spread ── a wide call, others busy ──► gathering: calls are held ── others empty ──► gathered
 *        ▲ └─── a wide call, others empty ─────────────────────────────────────────────────▲  │
 *        └──────────────────────────────── the connection is empty ───────────────────────────┘
 *
 * Invariant: of two calls that share a key, or of which one is wide, the first is sent first: on the same
 * connection, or when the other was answered.
 * Cost: none for calls of one key while no wide call is under way.
 * Tests: test/client/lane-chooser.prop.test.ts
 */

/** What is chosen among. */
export interface LoadedLane {
  /** Calls under way. */
  readonly pending: number
}

/** Chooses lanes. */
export class LaneChooser {
  readonly #lanes: readonly LoadedLane[]
  /** The lane that takes everything. */
  #home: number | undefined

  constructor(lanes: readonly LoadedLane[]) {
    this.#lanes = lanes
  }

  /** The lane of a call with keys in these hash slots; undefined: it is to be held, and asked for again. */
  choose(slots: readonly number[]): number | undefined {
    const count = this.#lanes.length
    if (count === 1) return 0
    if (this.#home !== undefined && this.#lanes[this.#home]!.pending === 0) this.#home = undefined
    if (this.#home !== undefined) return this.#home
    const home = slots.length === 0 ? 0 : slots[0]! % count
    const isNarrow = slots.length > 0 && slots.every((slot) => slot % count === home)
    if (isNarrow) return home
    if (this.#lanes.some((lane, i) => i !== home && lane.pending > 0)) return undefined
    this.#home = home
    return home
  }
}
