/**
 * Several signals as one: it aborts with the first of them, for that one's reason.
 *
 * `AbortSignal.any` is that, too, but lets go of what it listens to only when it is collected: signals of a
 * program, and that of a client, live long. Here whoever joined them says when it is over.
 *
 * Tests: test/client/joined-signal.test.ts
 */
import { addAbortListener } from '../base/index.ts'

/** A signal that stands for several. */
export interface JoinedSignal {
  /** Undefined: there were none. */
  readonly signal: AbortSignal | undefined
  /** It is not needed any more. */
  forget(): void
}

/** Joins those that there are. */
export function joinSignals(...signals: readonly (AbortSignal | undefined)[]): JoinedSignal {
  const given = signals.filter((signal) => signal !== undefined)
  if (given.length < 2) return { signal: given[0], forget: () => undefined }
  const end = new AbortController()
  const first = given.find(({ aborted }) => aborted)
  if (first !== undefined) end.abort(first.reason)
  const listened = first === undefined ? given : []
  const forgets = listened.map((signal) => addAbortListener(signal, () => end.abort(signal.reason)))
  return {
    signal: end.signal,
    forget: () => {
      for (const forget of forgets) forget()
    },
  }
}

/** Asked anew each time: what was true of a signal before an await is not true behind it. */
export function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true
}
