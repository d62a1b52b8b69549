/** A subsystem that counts, and that fails in every way there is. */
import { defineSubsystem } from 'shardloom'

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

export class CustomError extends Error {
  constructor(message) {
    super(message)
    this.code = 'E_CUSTOM'
    this.status = 418
  }
}

/** What every version of it offers. */
export function visitsApi(state, ctx) {
  return {
    version: state.version,
    nested: { deep: { twice: (n) => 2 * n } },
    visit: () => ++state.count,
    get: () => state.count,
    log: () => state.log,
    thread: () => ctx.thread,
    async slow(ms) {
      await sleep(ms)
      return ++state.count
    },
    block(ms) {
      const end = performance.now() + ms
      while (performance.now() < end);
      return ms
    },
    spin() {
      for (;;) state.count = state.count + 0
    },
    never: () => new Promise(() => undefined),
    fails(text) {
      throw new CustomError(text)
    },
    failsLater: async (text) => {
      await sleep(1)
      throw new CustomError(text)
    },
    die: (text) => ctx.fail(new CustomError(text)),
    exit: () => process.exit(3),
    rejectLater() {
      setTimeout(() => Promise.reject(new CustomError('nobody handles this')), 1)
    },
    stuckLater(ms) {
      setTimeout(() => {
        const end = performance.now() + ms
        while (performance.now() < end);
      }, 30)
    },
    checkpoint: () => ctx.checkpoint(),
    sick: (how) => {
      state.sick = how
    },
    leak(bytes) {
      state.kept.push(Buffer.alloc(bytes, 1))
    },
    hold: (bytes) => ctx.holds(bytes),
    exhaust() {
      const all = []
      for (;;) all.push({ all, at: [all.length, `${all.length}`] })
    },
    call: async (callback, value) => callback(value),
    askOf: (ref) => ref.ask('x'),
    size: (bytes) => bytes.byteLength,
  }
}

/** The definition, for versions to change. */
export function visits(changes = {}) {
  return {
    name: 'visits',
    version: 1,
    init: (_ctx, args, previous) => ({
      version: changes.version ?? 1,
      count: previous?.count ?? args?.start ?? 0,
      log: [...(previous?.log ?? []), previous === undefined ? 'fresh' : `from ${previous.count}`],
      kept: [],
      sick: undefined,
    }),
    api: visitsApi,
    snapshot: ({ count, log }) => ({ count, log }),
    async health({ sick }) {
      if (sick === 'throws') throw new CustomError('I am sick')
      if (sick === 'slow') await sleep(60_000)
      return sick !== 'false'
    },
    idempotent: ['get', 'never'],
    ...changes,
  }
}

export default defineSubsystem(visits())

/** The first snapshot takes long. */
export const slowSnapshots = defineSubsystem(
  visits({
    snapshot: (
      (count) =>
      async ({ count: visited }) => {
        if (count++ === 0) await sleep(200)
        return { count: visited }
      }
    )(0),
  }),
)
