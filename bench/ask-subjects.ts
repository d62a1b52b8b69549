/** The subjects of every ask benchmark: Shardloom and all peers, with one job, `n` in and `n + 1` out. */
import { createRuntime } from 'shardloom'
import type { echo } from './echo-actor.ts'
import { nactPeer } from './peers/actors.ts'
import { comlinkPeer } from './peers/comlink.ts'
import type { AskPeer } from './peers/peer.ts'
import { piscinaPeer, tinypoolPeer, workerpoolPeer } from './peers/pools.ts'
import { postMessagePeer } from './peers/post-message.ts'

export const ECHO = new URL('./echo-actor.js', import.meta.url)

export const shardloomPeer: AskPeer = {
  name: 'shardloom',
  async start() {
    const runtime = await createRuntime({ threads: 1 })
    const ref = await runtime.spawn<typeof echo>(ECHO)
    return { ask: (n) => ref.ask('increment', n), stop: async () => void (await runtime.close()) }
  },
}

/** All of them, Shardloom first. */
export const ASK_PEERS: readonly AskPeer[] = [
  shardloomPeer,
  postMessagePeer,
  comlinkPeer,
  piscinaPeer,
  tinypoolPeer,
  workerpoolPeer,
  nactPeer,
]

/** Peers by name. */
export function peersNamed(...names: string[]): AskPeer[] {
  return ASK_PEERS.filter((peer) => names.includes(peer.name))
}
