/** Actors of the chaos program: they answer, fail, wait, spin, and take their thread with them. */
import { defineActor } from 'shardloom'

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

export const victim = defineActor({
  name: 'victim',
  stashMax: 32,
  init: () => ({ seen: new Map(), disorder: 0, handled: 0 }),
  receive: {
    /** Numbers of one sender: whatever is missing, none may come after a higher one. */
    numbered(state, { sender, n }) {
      if ((state.seen.get(sender) ?? 0) >= n) state.disorder++
      state.seen.set(sender, n)
      state.handled++
    },
    disorder: (state) => state.disorder,
    echo: (_state, value) => value,
    size: (_state, bytes) => bytes.byteLength,
    async nap(_state, ms) {
      await sleep(ms)
      return ms
    },
    spin(_state, _payload, ctx) {
      while (!ctx.cancelled);
    },
    wait: (_state, _payload, ctx) =>
      new Promise((resolve) => ctx.signal.addEventListener('abort', () => resolve('aborted'))),
    throwNow() {
      throw new RangeError('thrown on purpose')
    },
    async throwLater() {
      await sleep(1)
      throw new RangeError('thrown on purpose')
    },
    badAnswer: () => ({ deep: { answer: () => 1 } }),
    async *count(_state, n) {
      for (let i = 0; i < n; i++) {
        if (i % 7 === 6) await sleep(1)
        yield i
      }
    },
    async forward(_state, { ref, ms }) {
      return ref.ask('nap', ms)
    },
    async spawnChild(_state, url, ctx) {
      return ctx.spawn(new URL(url), { export: 'victim', name: 'child' })
    },
    exit() {
      process.exit(3)
    },
    crash() {
      setImmediate(() => {
        throw new TypeError('crashed on purpose')
      })
    },
    bloat() {
      const kept = []
      for (;;) kept.push(new Array(100_000).fill(kept.length))
    },
    stopSelf(_state, _payload, ctx) {
      ctx.stop(new RangeError('stopped on purpose'))
    },
  },
})
