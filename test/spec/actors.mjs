/** Actors of the specification: plain JavaScript, for real threads and for simulated ones. */
import { defineActor } from 'shardloom/actor'

/** Keeps what it is sent, and answers. */
export const recorder = defineActor({
  name: 'recorder',
  init: () => ({ notes: [] }),
  receive: {
    note(state, note) {
      state.notes.push(note)
    },
    notes: (state) => state.notes,
    echo: (_state, value) => value,
    fail(_state, text) {
      throw new RangeError(text)
    },
    stop(_state, _payload, ctx) {
      ctx.stop()
    },
  },
})

/** Sends numbered notes; answers which ones were taken. */
export const sender = defineActor({
  name: 'sender',
  receive: {
    send(_state, { to, from, count }) {
      const taken = []
      for (let n = 0; n < count; n++) if (to.tell('note', { from, n })) taken.push(n)
      return taken
    },
  },
})

/** Watches, and counts what it is told. */
export const watcher = defineActor({
  name: 'watcher',
  init: () => ({ told: {} }),
  receive: {
    watch(_state, refs, ctx) {
      for (const ref of refs) ctx.watch(ref)
    },
    told: (state) => state.told,
  },
  onSignal(state, { ref }) {
    state.told[ref.address] = (state.told[ref.address] ?? 0) + 1
  },
})
