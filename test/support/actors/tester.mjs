/**
 * Actors that the race tests spawn on worker threads: plain JavaScript, because Node 20 loads nothing else.
 */
import { spawnSync } from 'node:child_process'
import { defineActor, transfer } from 'shardloom'

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

export class CustomError extends Error {
  constructor(message) {
    super(message)
    this.code = 'E_CUSTOM'
    this.status = 418
  }
}

export const tester = defineActor({
  name: 'tester',
  stashMax: 4,
  init: (_ctx, args) => ({ sum: 0, log: [], aborted: 0, open: false, args }),
  receive: {
    echo: (_state, value) => value,
    add(state, n) {
      state.sum += n
    },
    sum: (state) => state.sum,
    args: (state) => state.args,
    log: (state) => state.log,
    note(state, text) {
      state.log.push(text)
    },
    async slowNote(state, { text, ms }) {
      await sleep(ms)
      state.log.push(text)
      return text
    },
    async sleep(_state, ms) {
      await sleep(ms)
      return ms
    },
    block(_state, ms) {
      const end = performance.now() + ms
      while (performance.now() < end);
      return ms
    },
    spin() {
      for (;;) {
        const filler = new Array(4)
        filler[0] = 1
      }
    },
    nap(_state, seconds) {
      spawnSync('sleep', [String(seconds)])
    },
    spinUntilCancelled(_state, _payload, ctx) {
      let turns = 0
      while (!ctx.cancelled) turns++
      ctx.counter('test_cancelled_loops').add(1)
      return turns
    },
    waitForAbort(state, _payload, ctx) {
      return new Promise((resolve) => {
        ctx.signal.addEventListener('abort', () => {
          state.aborted++
          resolve('aborted')
        })
      })
    },
    aborted: (state) => state.aborted,
    fail(_state, text) {
      const error = new CustomError(text)
      error.cause = new RangeError('the cause')
      throw error
    },
    exit(_state, code) {
      process.exit(code)
    },
    oddFailure() {
      throw new Error('odd', { cause: { fn() {} } })
    },
    crashLater() {
      setTimeout(() => {
        throw new CustomError('crashed later')
      }, 1)
    },
    bloat() {
      const kept = []
      for (;;) kept.push(new Array(100_000).fill(kept.length))
    },
    async *count(_state, n, ctx) {
      try {
        for (let i = 1; i <= n; i++) {
          ctx.counter('test_stream_steps').add(1)
          yield i
        }
      } finally {
        ctx.counter('test_stream_closed').add(1)
      }
    },
    *countSync(_state, n) {
      for (let i = 1; i <= n; i++) yield i
      return 'done'
    },
    async *failAfter(_state, n) {
      for (let i = 1; i <= n; i++) yield i
      throw new CustomError('stream failed')
    },
    async *endless(_state, ms) {
      for (let i = 0; ; i++) {
        await sleep(ms)
        yield i
      }
    },
    move(_state, bytes) {
      return transfer(bytes, [bytes.buffer])
    },
    portEcho(_state, port) {
      port.on('message', (value) => {
        port.postMessage(value)
        port.close()
      })
    },
    deadline: (_state, _payload, ctx) => ctx.remainingMs,
    forwardDeadline: (_state, { ref, timeoutMs }) => ref.ask('deadline', undefined, { timeoutMs }),
    async forwardWait(_state, ref) {
      return ref.ask('waitForAbort')
    },
    tellThrough(_state, { ref, type, payload }) {
      return ref.tell(type, payload)
    },
    sender: (_state, _payload, ctx) => ctx.sender?.address,
    senderOf(state, _payload, ctx) {
      state.log.push(ctx.sender?.address ?? 'none')
    },
    gate(state, text, ctx) {
      if (!state.open) {
        ctx.stash()
        return
      }
      state.log.push(text)
      return text
    },
    open(state, _payload, ctx) {
      state.open = true
      ctx.unstashAll()
    },
    startTimer(_state, { key, ms, every }, ctx) {
      if (every) ctx.timers.every(key, ms, 'note', key)
      else ctx.timers.once(key, ms, 'note', key)
    },
    startAndCancelTimer(_state, { key, ms }, ctx) {
      ctx.timers.once(key, ms, 'note', key)
      const end = performance.now() + ms + 5
      while (performance.now() < end);
      ctx.timers.cancel(key)
    },
    cancelTimers(_state, _payload, ctx) {
      ctx.timers.cancelAll()
    },
    watch(_state, ref, ctx) {
      ctx.watch(ref)
    },
    unwatch(_state, ref, ctx) {
      ctx.unwatch(ref)
    },
    link(_state, ref, ctx) {
      ctx.link(ref)
    },
    async spawnChild(_state, { url, name, placement }, ctx) {
      return ctx.spawn(new URL(url), { name, export: 'tester', ...(placement ? { placement } : {}) })
    },
    register: (_state, name, ctx) => ctx.registry.register(name, ctx.self),
    lookup: (_state, name, ctx) => ctx.registry.find(name),
    self: (_state, _payload, ctx) => ctx.self,
    count1(_state, name, ctx) {
      ctx.counter(name).add(1)
    },
    stopAfter(_state, ms, ctx) {
      ctx.timers.once('stop', ms, 'stopSelf')
    },
    stopSelf(_state, error, ctx) {
      ctx.stop(error)
    },
    tellFails() {
      throw new CustomError('a tell failed')
    },
    badAnswer: () => () => 1,
  },
  onSignal(state, signal) {
    state.log.push(`${signal.type} ${signal.ref.address} ${signal.reason.type}`)
  },
})

export const slowStarter = defineActor({
  name: 'slow-starter',
  initTimeoutMs: 50,
  init: () => sleep(5000),
  receive: {},
})

export const slowStopper = defineActor({
  name: 'slowStopper',
  receive: { echo: (_state, value) => value },
  onStop: () => sleep(100),
})

export const failingStarter = defineActor({
  name: 'failing-starter',
  init: () => {
    throw new CustomError('no start today')
  },
  receive: {},
})

export const restarting = defineActor({
  name: 'restarting',
  init: () => ({ n: 0 }),
  receive: {
    add(state) {
      state.n++
      return state.n
    },
    fail() {
      throw new CustomError('start over')
    },
  },
  onError: () => 'restart',
})

export const stopper = defineActor({
  name: 'stopper',
  stopTimeoutMs: 100,
  init: (_ctx, args) => ({ hangs: args?.hangs === true }),
  receive: { ping: () => 'pong' },
  async onStop(state, ctx) {
    ctx.counter('test_stopped').add(1)
    if (state.hangs) await sleep(60_000)
  },
})
