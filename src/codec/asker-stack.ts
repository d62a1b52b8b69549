/**
 * The stack of who asked, found only when the answer is a failure, and without any cost before.
 *
 * An `Error` made when the failure arrives knows nothing of the code that awaits it: the event loop called
 * us, not that code. Capturing a stack at every ask would cost microseconds each. V8 can find the awaiting
 * functions the other way round: when an error is made inside a promise reaction, it follows the promise that
 * the reaction will settle to whoever awaits it ("zero-cost async stack traces"). So the failure is made
 * there:
 *
 *     asked promise  <- resolved with ->  `failed`  = gate.then(reaction)
 *     reaction: captures the frames `at async caller (…)`, then throws what `build` makes
 *
 * The gate opens one microtask after `resolve(failed)`, since only then has the asked promise attached itself
 * to `failed`. It follows `await`, `return`, `Promise.all` and its kin, `.then` chains and async generators.
 *
 * Source: https://v8.dev/blog/fast-async. Seen with Node 20.20 and 24.21. Tests:
 * test/codec/asker-stack.test.ts
 */

/** Frames of the asker that are kept. */
const FRAMES_MAX = 20

/**
 * Makes the promise of `resolve` reject with what `build` returns. `askerStack` holds the lines `    at async …` of
 * the functions that await it, and is empty when there are none. `resolve` must be the promise's own function
 * and not be called before.
 */
export function rejectWithAskerStack(
  resolve: (value: unknown) => void,
  build: (askerStack: string) => Error,
): void {
  let open!: (value: undefined) => void
  const gate = new Promise<undefined>((resolveGate) => {
    open = resolveGate
  })
  resolve(
    gate.then(function reaction() {
      throw build(captureAsyncFrames(reaction))
    }),
  )
  queueMicrotask(() => open(undefined))
}

/** The async frames above the running reaction, a line each. */
function captureAsyncFrames(reaction: () => unknown): string {
  const holder: { stack?: unknown } = {}
  const limit = Error.stackTraceLimit
  try {
    if (limit > 0 && limit < FRAMES_MAX) Error.stackTraceLimit = FRAMES_MAX
    Error.captureStackTrace(holder, reaction)
    Error.stackTraceLimit = limit
  } catch {
    // Frozen intrinsics: the frames that fit the limit are enough.
  }
  const { stack } = holder
  if (typeof stack !== 'string') return ''
  return stack
    .split('\n')
    .filter((line) => /^\s+at async /.test(line))
    .join('\n')
}
