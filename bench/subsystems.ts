/**
 * Question: what does a subsystem cost: to start and stop a thousand, to call one, to replace one?
 *
 * Peers: for calls, Comlink over a worker's port; for starting and stopping, the same number of plain actors,
 * which have no supervisor, interface or probes. All thousand share one thread, as threads are dear; each is
 * ready before the next one is started, and they stop one after the other, in the reverse order.
 * What would make the figure a lie: calls that are answered without their thread (each answer is checked), or
 * starts that are not awaited.
 */
import { createRuntime, type Runtime, type RuntimeOptions } from 'shardloom'
import { compare, type Subject } from './compare.ts'
import type { echo } from './echo-actor.ts'
import { type Figure, figureOf, type Question, ratio } from './harness.ts'
import { comlinkPeer } from './peers/comlink.ts'
import type { incrementer } from './subsystem-module.ts'

const MODULE = new URL('./subsystem-module.js', import.meta.url)
const ECHO = new URL('./echo-actor.js', import.meta.url)
const OPTIONS: RuntimeOptions = { threads: 1 }
const CLOSE_MS = 60_000

export const question: Question = {
  name: 'subsystems',
  question: 'a thousand subsystems started and stopped; a call; a hot reload',
  targets: [
    {
      text: 'one call at a time: no slower than through Comlink',
      isMet: (figures) => ratioOf(figures, 'calls, one at a time') >= 1,
    },
    {
      text: '64 calls at once: at least 0.9 × Comlink',
      isMet: (figures) => ratioOf(figures, 'calls, 64 at once') >= 0.9,
    },
    {
      text: 'a subsystem starts within 5 ms and stops within 5 ms, on a shared thread',
      isMet: (figures) =>
        (figureOf(figures, 'shardloom', 'start one of 1,000')?.median ?? 99) <= 5 &&
        (figureOf(figures, 'shardloom', 'stop one of 1,000')?.median ?? 99) <= 5,
    },
  ],
  async run(params) {
    const count = params.small ? 20 : 1000
    const calls = params.small ? 200 : 20_000
    const few = { ...params, rounds: params.small ? 1 : params.rounds }
    const figures: Figure[] = []
    const about = (metric: string, unit: string) => ({ question: 'subsystems', metric, unit })
    const fleets = [fleet(count, 'start'), plain(count, 'start')]
    figures.push(...(await compare(about('start one of 1,000', 'ms'), fleets, few)))
    const stops = [fleet(count, 'stop'), plain(count, 'stop')]
    figures.push(...(await compare(about('stop one of 1,000', 'ms'), stops, few)))
    const one = [called(calls, 1), comlink(calls, 1)]
    figures.push(...(await compare(about('calls, one at a time', '1/s'), one, params)))
    const many = [called(calls, 64), comlink(calls, 64)]
    figures.push(...(await compare(about('calls, 64 at once', '1/s'), many, params)))
    figures.push(...(await compare(about('hot reload: calls wait', 'ms'), [reloaded()], few)))
    return figures
  },
}

function ratioOf(figures: readonly Figure[], metric: string): number {
  return ratio(
    figures.filter((figure) => figure.metric === metric),
    'shardloom',
    'Comlink',
  )
}

type Phase = 'start' | 'stop'

function fleet(count: number, phase: Phase): Subject {
  return cycle('shardloom', count, phase, async (runtime) => {
    const all = Array.from({ length: count }, (_, i) => ({
      name: `s${i}`,
      module: MODULE,
      placement: 'shared' as const,
      health: false as const,
    }))
    await runtime.subsystems(all)
  })
}

function plain(count: number, phase: Phase): Subject {
  return cycle('plain actors', count, phase, async (runtime) => {
    for (let i = 0; i < count; i++) await runtime.spawn<typeof echo>(ECHO)
  })
}

/** One whole life of a runtime each round; what its phase takes, for each of them. */
function cycle(
  name: string,
  count: number,
  phase: Phase,
  startAll: (runtime: Runtime) => Promise<void>,
): Subject {
  return {
    name,
    start: async () => ({
      async round() {
        const runtime = await createRuntime(OPTIONS)
        const startMs = performance.now()
        await startAll(runtime)
        const startedMs = performance.now()
        const { cut } = await runtime.close({ timeoutMs: CLOSE_MS })
        const tookMs = phase === 'start' ? startedMs - startMs : performance.now() - startedMs
        return { value: tookMs / count, check: `${count} started, ${cut.length} cut` }
      },
      stop: async () => undefined,
    }),
  }
}

function called(calls: number, atOnce: number): Subject {
  return {
    name: 'shardloom',
    async start() {
      const runtime = await createRuntime(OPTIONS)
      const options = { name: 'bench', module: MODULE, health: false as const }
      const { api } = await runtime.subsystem<typeof incrementer>(options)
      return {
        round: () => rate(calls, atOnce, (n) => api.increment(n)),
        stop: async () => void (await runtime.close()),
      }
    },
  }
}

function comlink(calls: number, atOnce: number): Subject {
  return {
    name: comlinkPeer.name,
    async start() {
      const peer = await comlinkPeer.start()
      return { round: () => rate(calls, atOnce, (n) => peer.ask(n)), stop: () => peer.stop() }
    },
  }
}

async function rate(calls: number, atOnce: number, call: (n: number) => Promise<number>) {
  const startMs = performance.now()
  let sum = 0
  let next = 0
  const caller = async (): Promise<void> => {
    while (next < calls) sum += await call(next++)
  }
  await Promise.all(Array.from({ length: atOnce }, caller))
  return { value: (calls / (performance.now() - startMs)) * 1000, check: `sum ${sum}` }
}

function reloaded(): Subject {
  return {
    name: 'shardloom',
    async start() {
      const runtime = await createRuntime(OPTIONS)
      const options = { name: 'bench', module: MODULE, health: false as const }
      const subsystem = await runtime.subsystem<typeof incrementer>(options)
      return {
        async round() {
          const { pausedMs } = await subsystem.reload({ checks: 0 })
          return { value: pausedMs, check: `${await subsystem.api.increment(1)}` }
        },
        stop: async () => void (await runtime.close()),
      }
    },
  }
}
