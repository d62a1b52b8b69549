/**
 * Reentrant actors: they go on taking messages while asynchronous handlers run, and end with all of them.
 */
import { defineActor } from 'shardloom'
import { expect, test } from 'vitest'
import { rejection, sleep, testRuntime, until } from '../support/runtime.ts'

function gate() {
  const waiting = new Map<string, () => void>()
  const seen: string[] = []
  const actor = defineActor({
    name: 'gate',
    reentrant: true,
    receive: {
      enter: async (_state, name: string, ctx) => {
        seen.push(`${name} in`)
        ctx.signal.addEventListener('abort', () => seen.push(`${name} aborted`), { once: true })
        await new Promise<void>((resolve) => waiting.set(name, resolve))
        return `${name} ${ctx.type}`
      },
      open: (_state, name: string) => waiting.get(name)?.(),
      fail: async () => {
        await sleep(1)
        throw new Error('no')
      },
    },
    onStop: () => void seen.push('stopped'),
  })
  return { actor, seen }
}

test('later messages are handled while earlier ones wait, and answers find their askers', async () => {
  const runtime = await testRuntime({ threads: 0 })
  const { actor } = gate()
  const ref = await runtime.spawn(actor)
  const a = ref.ask('enter', 'a')
  const b = ref.ask('enter', 'b')
  await ref.ask('open', 'b')
  expect(await b).toBe('b enter')
  await ref.ask('open', 'a')
  expect(await a).toBe('a enter')
  expect(await rejection(ref.ask('fail'))).toMatchObject({ message: expect.stringContaining('no') })
  expect(ref.depth).toBe(0)
})

test('an ask that is given up aborts its own handler and no other', async () => {
  const runtime = await testRuntime({ threads: 0 })
  const { actor, seen } = gate()
  const ref = await runtime.spawn(actor)
  const given = new AbortController()
  const cut = rejection(ref.ask('enter', 'a', { signal: given.signal }))
  const kept = ref.ask('enter', 'b')
  await until(() => seen.length === 2, 'both are in')
  given.abort()
  expect(await cut).toMatchObject({ code: 'SHL_ASK_ABORTED' })
  await until(() => seen.includes('a aborted'), 'a hears of it')
  expect(seen).not.toContain('b aborted')
  await ref.ask('open', 'b')
  expect(await kept).toBe('b enter')
})

test('a stop waits for all handlers; a kill does not, and every asker hears of it', async () => {
  const runtime = await testRuntime({ threads: 0 })
  const first = gate()
  const slow = await runtime.spawn(first.actor)
  const a = slow.ask('enter', 'a')
  await until(() => first.seen.length === 1, 'it is in')
  // What the actor holds is opened from outside, since a stopping actor takes no messages.
  const stopped = slow.stop({ timeoutMs: 50 })
  expect(await rejection(a)).toMatchObject({ code: 'SHL_ACTOR_STOPPED' })
  expect(await stopped).toMatchObject({ type: 'killed' })

  const second = gate()
  const killed = await runtime.spawn(second.actor)
  const asks = ['a', 'b', 'c'].map((name) => rejection(killed.ask('enter', name)))
  await until(() => second.seen.length === 3, 'all are in')
  await killed.stop({ mode: 'kill' })
  for (const error of await Promise.all(asks)) expect(error).toMatchObject({ code: 'SHL_ACTOR_STOPPED' })
  expect(second.seen.filter((one) => one.endsWith('aborted'))).toHaveLength(3)
})

test('a drain finishes what is under way', async () => {
  const runtime = await testRuntime({ threads: 0 })
  const { actor, seen } = gate()
  const ref = await runtime.spawn(actor)
  const a = ref.ask('enter', 'a')
  const opened = ref.ask('open', 'a')
  expect(await ref.stop({ mode: 'drain' })).toMatchObject({ type: 'stopped' })
  expect(await a).toBe('a enter')
  await opened
  expect(seen.at(-1)).toBe('stopped')
})

test.each([
  ['an actor', false, false],
  ['an actor with asynchronous handlers', false, true],
  ['a reentrant actor', true, false],
  ['a reentrant actor with asynchronous handlers', true, true],
])(
  'asks of %s on the same thread let the event loop turn, however many there are',
  async (_what, reentrant, isAsync) => {
    const runtime = await testRuntime({ threads: 0 })
    const handler = isAsync ? async () => await null : () => null
    const ref = await runtime.spawn(defineActor({ name: 'local', reentrant, receive: { x: handler } }))
    let isOver = false
    let count = 0
    const caller = async (): Promise<void> => {
      while (!isOver && count++ < 5_000_000) await ref.ask('x')
    }
    const callers = Promise.all([caller(), caller(), caller()])
    for (let i = 0; i < 5; i++) await sleep(5)
    isOver = true
    await callers
    expect(count).toBeLessThan(5_000_000)
  },
)

test('a reentrant actor cannot stash', async () => {
  const runtime = await testRuntime({ threads: 0 })
  const definition = defineActor({
    name: 'stasher',
    reentrant: true,
    receive: { x: (_state, _payload, ctx) => ctx.stash() },
  })
  const ref = await runtime.spawn(definition)
  expect(await rejection(ref.ask('x'))).toMatchObject({ code: 'SHL_STASH_REENTRANT' })
})
