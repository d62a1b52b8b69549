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

/** How long each subject is warmed up, and by how many asks at most. */
const WARM_UP_MS = 1000
const WARM_UP_ASKS = 50_000

/**
 * Asks back to back until the code is compiled: the figures are those of a program that has run for a while.
 * What the first answer costs is the question of `startup`.
 */
export async function warmUp(ask: (n: number) => Promise<unknown>, isSmall: boolean): Promise<void> {
  const endMs = performance.now() + (isSmall ? 5 : WARM_UP_MS)
  for (let i = 0; i < WARM_UP_ASKS && performance.now() < endMs; i++) await ask(i)
}
