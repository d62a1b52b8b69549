/**
 * Chaos: ends, blocks and bloats subsystems, in an order that a seed decides.
 *
 * It goes round all of them, so that a short run too meets each; what happens to one is chance.
 *
 * Tests: test/examples/supervised-pipeline.test.ts
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Runtime, Subsystem } from 'shardloom'
import type { Mischief } from './mischief.ts'
import { between, pick, randomOf } from './random.ts'

const DEEDS = ['kill', 'kill', 'kill', 'hang', 'hang_later', 'bloat', 'bloat'] as const

type Deed = (typeof DEEDS)[number]

const PAUSE_MIN_MS = 250
const PAUSE_MAX_MS = 900
/** Longer than any limit allows. */
const HANG_MS = 60_000
const BLOAT_BYTES = 48 * 1024 * 1024
const CALL_MS = 5000

/** Does something bad every now and then, until the signal. */
export async function runChaos(
  runtime: Runtime,
  subsystems: ReadonlyMap<string, Subsystem<Mischief>>,
  seed: number,
  signal: AbortSignal,
  note: (text: string) => void,
): Promise<void> {
  const random = randomOf(seed)
  const wait = (): Promise<unknown> =>
    sleep(between(random, PAUSE_MIN_MS, PAUSE_MAX_MS), undefined, { signal }).catch(() => undefined)
  let round: string[] = []
  for (await wait(); !signal.aborted; await wait()) {
    if (round.length === 0) round = shuffled([...subsystems.keys()], random)
    const name = round.pop()!
    const deed = pick(random, DEEDS)
    const subsystem = subsystems.get(name)!
    const { phase, thread } = subsystem.view()
    // One that is down already has its trouble.
    if (phase !== 'running' || thread === undefined) continue
    note(`chaos: ${deed} ${name}`)
    doTo(runtime, subsystem, thread, deed)
  }
}

function doTo(runtime: Runtime, subsystem: Subsystem<Mischief>, thread: number, deed: Deed): void {
  const api = subsystem.with({ timeoutMs: CALL_MS })
  const done: Promise<unknown> =
    deed === 'kill'
      ? runtime.killThread(thread)
      : deed === 'hang'
        ? api.hang(HANG_MS)
        : deed === 'hang_later'
          ? api.hangLater(HANG_MS)
          : api.bloat(BLOAT_BYTES)
  // That it fails is the point.
  done.catch(() => undefined)
}

function shuffled<T>(all: T[], random: () => number): T[] {
  for (let i = all.length - 1; i > 0; i--) {
    const j = between(random, 0, i)
    ;[all[i], all[j]] = [all[j]!, all[i]!]
  }
  return all
}
