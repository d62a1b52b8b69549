/**
 * The actor library: nact, whose actors live in the same thread: nothing is crossed and nothing is copied.
 */
import type { AskPeer } from './peer.ts'

/** Answers within the main thread: what an actor library costs without threads. */
export const nactPeer: AskPeer = {
  name: 'nact (same thread)',
  async start() {
    const { start, spawn, query, dispatch, stop } = await import('nact')
    const system = start()
    const actor = spawn(system, (_state: unknown, message: { n: number; sender: never }) => {
      dispatch(message.sender, message.n + 1)
    })
    return {
      ask: (n) => query(actor, (sender: never) => ({ n, sender }), 60_000) as Promise<number>,
      stop: async () => void stop(system),
    }
  },
}
