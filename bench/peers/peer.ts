/** What the ask benchmarks want of a peer: one job, `n` in and `n + 1` out, on another thread. */

/** A peer that answers. */
export interface AskPeer {
  readonly name: string
  start(): Promise<{ ask(n: number): Promise<number>; stop(): Promise<void> }>
}
