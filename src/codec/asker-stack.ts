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
 *     reaction: captures the frames of those who wait, then throws what `build` makes
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
 * Makes the promise of `resolve` reject with what `build` returns. `askerStack` holds a line for each async
 * function that awaits it, the innermost first, and is empty when there is none. `resolve` must be the
 * promise's own function, and not have been called before.
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
      throw build(captureAskers(reaction))
    }),
  )
  queueMicrotask(() => open(undefined))
}

/**
 * The async frames around the running reaction. Which frames are async is asked of V8, since formatters that
 * follow source maps leave the word out; the lines are those of whoever formats stacks in this program.
 * Frames that are not async belong to whoever runs the microtasks.
 */
function captureAskers(reaction: () => unknown): string {
  const limit = Error.stackTraceLimit
  const prepare = Error.prepareStackTrace
  try {
    // `Reflect.set` does not throw where intrinsics are frozen.
    if (limit > 0 && limit < FRAMES_MAX) Reflect.set(Error, 'stackTraceLimit', FRAMES_MAX)
    const lines = linesOf(captureStack(reaction))
    Reflect.set(Error, 'prepareStackTrace', (_: Error, frames: unknown) => frames)
    const frames = captureStack(reaction)
    if (!Array.isArray(frames) || frames.length !== lines.length) return lines.filter(isAsyncLine).join('\n')
    return lines.filter((_, i) => (frames[i] as AsyncCallSite).isAsync?.() === true).join('\n')
  } catch {
    // A formatter that throws: the failure matters more than who asked.
    return ''
  } finally {
    Reflect.set(Error, 'stackTraceLimit', limit)
    Reflect.set(Error, 'prepareStackTrace', prepare)
  }
}

/** V8's frame; Node's types do not know all of it. */
type AsyncCallSite = NodeJS.CallSite & { isAsync?(): boolean }

function captureStack(reaction: () => unknown): unknown {
  const holder: { stack?: unknown } = {}
  Error.captureStackTrace(holder, reaction)
  // It is formatted when it is read.
  return holder.stack
}

function linesOf(stack: unknown): string[] {
  return typeof stack === 'string' ? stack.split('\n').filter((line) => /^\s+at /.test(line)) : []
}

function isAsyncLine(line: string): boolean {
  return /^\s+at async /.test(line)
}
