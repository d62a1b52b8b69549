/** An actor that takes locks from its own thread: plain JavaScript, because Node 20 loads nothing else. */
import { defineActor } from 'shardloom'

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** The code of the error that a promise rejects with; undefined when it does not. */
async function codeOf(promise) {
  try {
    await promise
    return undefined
  } catch (error) {
    return error.code
  }
}

/** Blocks this thread, timers and messages included. */
function pause(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

/** Indexes in the words that actors of a test share. */
const INSIDE = 0
const INSIDE_MAX = 1
const COUNT = 2

/** One more is inside; remembers the most that ever were. */
function enter(words) {
  const inside = Atomics.add(words, INSIDE, 1) + 1
  for (;;) {
    const max = Atomics.load(words, INSIDE_MAX)
    if (inside <= max || Atomics.compareExchange(words, INSIDE_MAX, max, inside) === max) return
  }
}

function leave(words) {
  Atomics.sub(words, INSIDE, 1)
}

export const locker = defineActor({
  name: 'locker',
  reentrant: true,
  init: () => ({ locks: new Map() }),
  receive: {
    /** Adds to a number by a read and a write of their own, which only the lock keeps together. */
    async count(_state, { lock, key, times, words }, { keyspace }) {
      const tokens = []
      for (let i = 0; i < times; i++) {
        const held = await keyspace.lock(lock)
        enter(words)
        const value = Number((await keyspace.get(key)) ?? '0')
        await keyspace.set(key, String(value + 1), { fence: held })
        leave(words)
        tokens.push(held.token)
        if (!(await held.release())) throw new Error('the lock was lost')
      }
      return tokens
    },
    /** Several locks at once, in whatever order they come. */
    async countAll(_state, { orders, words }, { keyspace }) {
      for (const names of orders) {
        const held = await keyspace.lock(names)
        for (const name of names) {
          const key = `n:${name}`
          const value = Number((await keyspace.get(key)) ?? '0')
          await keyspace.set(key, String(value + 1), { fence: held.fence(name) })
        }
        Atomics.add(words, COUNT, 1)
        if (!(await held.release())) throw new Error('a lock was lost')
      }
    },
    async semaphore(_state, { name, limit, times, words }, { keyspace }) {
      for (let i = 0; i < times; i++) {
        const place = await keyspace.semaphore(name, limit)
        enter(words)
        await sleep(1)
        leave(words)
        await place.release()
      }
    },
    async hold({ locks }, { id = 'lock', name, options }, { keyspace }) {
      const lock = await keyspace.lock(name, options)
      locks.set(id, lock)
      return lock.token
    },
    release: ({ locks }, id = 'lock') => locks.get(id).release(),
    /** Takes a lock, falls asleep with it, and wakes up with a write in its hand. */
    async holdAndPause(_state, { name, ttl, ms, key, started }, { keyspace }) {
      const lock = await keyspace.lock(name, { ttl })
      Atomics.store(started, 0, 1)
      Atomics.notify(started, 0)
      pause(ms)
      const { isHeld, expiresInMs, signal, token } = lock
      const reason = signal.aborted ? signal.reason.code : undefined
      const written = await codeOf(keyspace.set(key, 'late', { fence: lock }))
      const over = await codeOf(keyspace.command('FENCED', name, token, 'APPEND', `${key}:2`, 'late'))
      const released = await lock.release()
      return { token, isHeld, expiresInMs, reason, written, over, released, renewed: await lock.renew() }
    },
    /** Waits for a lock, says when in the order it was served, and gives it back. */
    async queue(_state, { name, options, words, forMs = 0 }, { keyspace }) {
      const lock = await keyspace.lock(name, options)
      const place = Atomics.add(words, COUNT, 1)
      enter(words)
      await sleep(forMs)
      leave(words)
      await lock.release()
      return { place, token: lock.token }
    },
    waitFor: (_state, { name, options }, { keyspace }) => codeOf(keyspace.lock(name, options)),
    async compute(_state, { key, options, words, forMs, fail = false, value = 'computed' }, { keyspace }) {
      return keyspace.getOrCompute(
        key,
        async () => {
          Atomics.add(words, COUNT, 1)
          await sleep(forMs)
          if (fail) throw new RangeError('cannot be computed')
          return value
        },
        options,
      )
    },
  },
})
