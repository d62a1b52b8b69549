/**
 * Question: how long until a supervised actor answers again, after it has crashed or its thread was killed?
 *
 * Peer: Piscina, whose worker ends in a task and is replaced for the next one; it has no actor that could
 * crash alone. Time counts from the blow to the first answer; asks that are cut by it are repeated at once.
 * What would make the figure a lie: another thread that stands ready (there is one), a delay before the
 * restart (the first one is immediate), or asks that wait longer than needed to be repeated.
 */
import { actorChild, createRuntime } from 'shardloom'
import { compare, type Subject } from './compare.ts'
import type { echo } from './echo-actor.ts'
import { type Figure, figureOf, type Question } from './harness.ts'

const ECHO = new URL('./echo-actor.js', import.meta.url)
const EXIT_TASK = new URL('./peers/exit-task.js', import.meta.url)
const CHECK = 'it answers'
const WARM_UP_CRASHES = 100
/** The budget of a message, beyond which it hangs. */
const BUDGET_MS = 50

type Blow = 'crash' | 'kill'

export const question: Question = {
  name: 'restart',
  question: 'a crashed actor answers again, a killed thread’s actors answer again (ms)',
  targets: [
    {
      text: 'a crashed actor within 1 ms',
      isMet: (figures) => (figureOf(figures, 'shardloom', 'crashed actor')?.median ?? 99) <= 1,
    },
    {
      text: 'a killed thread within 100 ms',
      isMet: (figures) => (figureOf(figures, 'shardloom', 'killed thread')?.median ?? 999) <= 100,
    },
    {
      text: 'a hang is seen within 50 ms after its budget',
      isMet: (figures) => (figureOf(figures, 'shardloom', 'hang, beyond its budget')?.max ?? 999) <= 50,
    },
  ],
  async run(params) {
    const rounds = { ...params, rounds: params.small ? 1 : params.rounds * 3 }
    const figures: Figure[] = []
    for (const [metric, subjects] of [
      ['crashed actor', [supervised('crash')]],
      ['killed thread', [supervised('kill'), piscina()]],
      ['hang, beyond its budget', [watched()]],
    ] as const) {
      figures.push(...(await compare({ question: 'restart', metric, unit: 'ms' }, subjects, rounds)))
    }
    return figures
  },
}

function supervised(blow: Blow): Subject {
  return {
    name: 'shardloom',
    async start() {
      const runtime = await createRuntime({ threads: 1 })
      const tree = await runtime.supervise({
        id: 'bench',
        restarts: { intensity: 1_000_000 },
        // Each run counts as recovered: every restart is a first one.
        children: [actorChild<typeof echo>('echo', ECHO, { backoff: { resetAfterMs: 0 } })],
      })
      const ref = tree.ref<typeof echo>('echo')
      const round = async () => {
        for (let i = 0; i < 1000; i++) await ref.ask('increment', i)
        ref.tell('add', 1)
        await ref.ask('sum')
        const startMs = performance.now()
        if (blow === 'crash') ref.tell('crash')
        else void runtime.killThread(ref.current?.thread ?? 1)
        // A sum of 0 comes from a new actor: one that was on its way before the blow does not count.
        while ((await ref.ask('sum').catch(() => 1)) !== 0);
        return { value: performance.now() - startMs, check: CHECK }
      }
      // As in the other questions, compiled code is measured.
      for (let i = 0; blow === 'crash' && i < WARM_UP_CRASHES; i++) await round()
      return { round, stop: async () => void (await runtime.close()) }
    },
  }
}

/** From the beginning of a message that blocks its thread to the report, less its budget. */
function watched(): Subject {
  return {
    name: 'shardloom',
    async start() {
      const runtime = await createRuntime({ threads: 1 })
      let onHang: () => void = () => undefined
      const tree = await runtime.supervise({
        id: 'bench',
        restarts: { intensity: 1_000_000 },
        children: [
          actorChild<typeof echo>('echo', ECHO, {
            placement: 'dedicated',
            limits: { messageMs: BUDGET_MS },
            backoff: { resetAfterMs: 0 },
          }),
        ],
        onEvent: (event) => event.type === 'hang' && onHang(),
      })
      const ref = tree.ref<typeof echo>('echo')
      const round = async () => {
        // Asked while the one before is being ended, it may be cut.
        while ((await ref.ask('increment', 1).catch(() => 0)) === 0);
        const startMs = performance.now()
        const seen = new Promise<void>((resolve) => {
          onHang = resolve
        })
        void ref.ask('busy', 10_000).catch(() => undefined)
        await seen
        return { value: performance.now() - startMs - BUDGET_MS, check: CHECK }
      }
      return { round, stop: async () => void (await runtime.close()) }
    },
  }
}

function piscina(): Subject {
  return {
    name: 'Piscina',
    async start() {
      const { Piscina } = await import('piscina')
      const pool = new Piscina({ filename: EXIT_TASK.href, minThreads: 1, maxThreads: 1 })
      pool.on('error', () => undefined)
      const round = async () => {
        await pool.run(false)
        const startMs = performance.now()
        await pool.run(true).catch(() => undefined)
        await pool.run(false)
        return { value: performance.now() - startMs, check: CHECK }
      }
      return { round, stop: () => pool.destroy() }
    },
  }
}
