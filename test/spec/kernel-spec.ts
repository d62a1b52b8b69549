/**
 * What the kernel promises, as functions of a world: the same ones hold on real threads and in simulations.
 *
 * A world that is simulated runs them under many schedules, a real one under those of the machine.
 */
import { expect } from 'vitest'

/** A ref, as far as the specification uses one. */
export interface SpecRef {
  readonly address: string
  readonly thread: number
  tell(type: string, payload?: unknown): boolean
  ask(type: string, payload?: unknown, options?: { timeoutMs: number }): Promise<unknown>
}

/** Where the specification is tried. */
export interface SpecWorld {
  /** Starts one of `actors.mjs`; a real world chooses the worker itself. */
  start(actor: 'recorder' | 'sender' | 'watcher', thread: number): Promise<SpecRef>
  pause(ms: number): Promise<unknown>
  loseThread(id: number): Promise<unknown>
}

interface Note {
  readonly from: number
  readonly n: number
}

const COUNT = 30

/** Messages of one sender arrive in the order of sending; what was taken arrives. */
export async function keepsOrderPerSender(world: SpecWorld): Promise<void> {
  const recorder = await world.start('recorder', 1)
  const senders = await Promise.all([0, 1, 2].map((thread) => world.start('sender', thread)))
  const order = (from: number) => ({ to: recorder, from, count: COUNT })
  const taken = (await Promise.all(senders.map((one, from) => one.ask('send', order(from))))) as number[][]
  const notes = await untilQuiet(world, async () => (await recorder.ask('notes')) as Note[])
  for (const [from, numbers] of taken.entries()) {
    expect(notes.filter((note) => note.from === from).map(({ n }) => n)).toEqual(numbers)
  }
}

/** Every ask settles, also when its answerer's thread is lost, with the answer or an error with a code. */
export async function settlesEveryAsk(world: SpecWorld): Promise<void> {
  const refs = await Promise.all([0, 1, 2].map((thread) => world.start('recorder', thread)))
  const ask = (n: number) => refs.map((ref) => ref.ask('echo', n, { timeoutMs: 2000 }))
  const first = Promise.allSettled(ask(1))
  const lost = world.loseThread(refs[1]!.thread)
  const results = [...(await first), ...(await Promise.allSettled(ask(2)))]
  await lost
  for (const result of results) {
    if (result.status === 'fulfilled') expect([1, 2]).toContain(result.value)
    else expect(result.reason).toMatchObject({ code: expect.stringMatching(/^SHL_/) as string })
  }
  expect(await refs[0]!.ask('echo', 3)).toBe(3)
  expect(results.at(-2)?.status).toBe('rejected')
}

/**
 * Whoever watches is told exactly once, whatever way the other one went, and also when it had gone before.
 */
export async function tellsEachWatcherOnce(world: SpecWorld): Promise<void> {
  const watchers = await Promise.all([0, 2].map((thread) => world.start('watcher', thread)))
  const targets = await Promise.all([0, 1, 1, 2].map((thread) => world.start('recorder', thread)))
  const doomed = targets[1]!.thread
  const watching = watchers.filter((one) => one.thread !== doomed)
  targets[0]!.tell('stop')
  await Promise.all(watching.map((one) => one.ask('watch', targets)))
  targets[3]!.tell('fail', 'as told')
  await world.loseThread(doomed)
  const gone = targets.filter((ref) => ref === targets[0] || ref === targets[3] || ref.thread === doomed)
  const once = Object.fromEntries(gone.map(({ address }) => [address, 1]))
  for (const one of watching) {
    const told = await untilQuiet(world, () => one.ask('told'))
    expect(told).toEqual(once)
  }
}

/** What `look` gives once it gives the same again. */
async function untilQuiet<T>(world: SpecWorld, look: () => Promise<T>): Promise<T> {
  let last = JSON.stringify(await look())
  for (let looks = 0; looks < 3; ) {
    await world.pause(20)
    const next = JSON.stringify(await look())
    looks = next === last ? looks + 1 : 0
    last = next
  }
  return JSON.parse(last) as T
}
