/** The actor libraries: comedy (an actor on a worker thread) and nact (actors in the same thread: no crossing). */
import { fileURLToPath } from 'node:url'
import type { AskPeer } from './peer.ts'

export const comedyPeer: AskPeer = {
  name: 'comedy',
  async start() {
    const comedy = (await import('comedy')).default
    const createActorSystem = comedy.createActorSystem ?? comedy
    const system = createActorSystem({
      log: noLog,
      loggerConfiguration: { categories: { default: 'Silent' } },
    })
    const root = await system.rootActor()
    const definition = fileURLToPath(new URL('./comedy-actor.cjs', import.meta.url))
    const actor = await root.createChild(definition, { mode: 'threaded' })
    return {
      ask: (n) => actor.sendAndReceive('increment', n) as Promise<number>,
      stop: () => system.destroy(),
    }
  },
}

const noLog = { debug() {}, info() {}, warn() {}, error() {} }

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
