/**
 * Question: does supervision cost anything per message?
 *
 * The same actor, each on a thread of its own: spawned plainly, as a child of a supervisor, and as a child
 * whose messages have a budget (`limits.messageMs`), which a watchdog reads in shared memory. What would make
 * the figure a lie: refs of one kind. The children are told and asked through `tree.ref`, as programs do, the
 * plain one by the ref of `spawn`. A refused tell is offered again, with the wait that this costs. A round
 * ends when the actor says the sum of what it was told.
 */
import { type ActorRefOf, actorChild, createRuntime } from 'shardloom'
import { ECHO, warmUp } from './ask-subjects.ts'
import { compare, type Subject } from './compare.ts'
import type { echo } from './echo-actor.ts'
import { type BenchParams, type Figure, figureOf, type Question } from './harness.ts'

type Echo = ActorRefOf<typeof echo>

/** An actor by either kind of ref, and by the one that can wait for a place. */
interface Started {
  readonly ref: Pick<Echo, 'ask' | 'tell'>
  readonly actor: Echo
  stop(): Promise<void>
}

const ASKS_AT_ONCE = 256
/** The noise of these machines. */
const SLOWER_MAX = 0.95
const METRICS = ['tells', 'asks, 256 at once', 'asks, one at a time']

export const question: Question = {
  name: 'supervised-message',
  question: 'messages to a supervised actor, beside one spawned plainly (per second)',
  targets: METRICS.map((metric) => ({
    text: `${metric}: at least ${SLOWER_MAX} of a plain actor, without limits`,
    isMet: (figures: readonly Figure[]) =>
      (figureOf(figures, 'shardloom', metric)?.median ?? 0) >=
      SLOWER_MAX * (figureOf(figures, 'plain actor', metric)?.median ?? Number.POSITIVE_INFINITY),
  })),
  async run(params) {
    const [tells, asks, single] = params.small ? [2000, 1024, 100] : [300_000, 100_000, 20_000]
    const figures: Figure[] = []
    for (const [metric, round] of [
      [METRICS[0]!, (started: Started) => tell(started, tells)],
      [METRICS[1]!, (started: Started) => ask(started, asks, ASKS_AT_ONCE)],
      [METRICS[2]!, (started: Started) => ask(started, single, 1)],
    ] as const) {
      const subjects = [
        subject('shardloom', supervised({}), round, params),
        subject('with messageMs', supervised({ limits: { messageMs: 1000 } }), round, params),
        subject('plain actor', plain, round, params),
      ]
      const about = { question: 'supervised-message', metric, unit: '1/s' }
      figures.push(...(await compare(about, subjects, params)))
    }
    return figures
  },
}

function subject(
  name: string,
  start: () => Promise<Started>,
  round: (started: Started) => Promise<{ value: number; check: string }>,
  params: BenchParams,
): Subject {
  return {
    name,
    async start() {
      const started = await start()
      await warmUp((n) => started.ref.ask('increment', n), params.small)
      return { round: () => round(started), stop: started.stop }
    },
  }
}

async function plain(): Promise<Started> {
  const runtime = await createRuntime({ threads: 1 })
  const ref = await runtime.spawn<typeof echo>(ECHO)
  return { ref, actor: ref, stop: async () => void (await runtime.close()) }
}

function supervised(options: object): () => Promise<Started> {
  return async () => {
    const runtime = await createRuntime({ threads: 1 })
    const children = [actorChild<typeof echo>('echo', ECHO, options)]
    const tree = await runtime.supervise({ id: 'bench', children })
    const ref = tree.ref<typeof echo>('echo')
    return { ref, actor: ref.current!, stop: async () => void (await runtime.close()) }
  }
}

async function tell({ ref, actor }: Started, tells: number) {
  const before = await ref.ask('sum')
  const startMs = performance.now()
  for (let i = 0; i < tells; i++) if (!ref.tell('add', 1)) await actor.offer('add', 1)
  const sum = (await ref.ask('sum')) - before
  return { value: tells / ((performance.now() - startMs) / 1000), check: String(sum) }
}

async function ask({ ref }: Started, asks: number, atOnce: number) {
  let next = 0
  let sum = 0
  const startMs = performance.now()
  const lane = async (): Promise<void> => {
    while (next < asks) {
      const answer = await ref.ask('increment', next++)
      sum += answer
    }
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
  return { value: asks / ((performance.now() - startMs) / 1000), check: String(sum) }
}
