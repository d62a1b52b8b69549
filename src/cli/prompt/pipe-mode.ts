/**
 * `--pipe`: sends stdin as it is and counts what comes back, for loading much at once.
 *
 * Nobody waits for a reply before the next command, so the server is never idle. The end is found by an ECHO
 * of random bytes behind the last command: when that comes back, everything before it was answered.
 *
 * Tests: test/cli/prompt/modes.test.ts
 */
import { randomBytes } from 'node:crypto'
import { errorTextOf, textOf } from '../connection/reading.ts'
import { commandBytes } from '../connection/resp-connection.ts'
import type { CliContext } from './context.ts'

const MARK_BYTES = 20
const PROGRESS_MS = 100
const ERRORS_SHOWN_MAX = 20

/** Sends and counts; exit code 1 when the server said an error or not everything was answered. */
export async function pipeMode({ streams, session, clock, write, options }: CliContext): Promise<number> {
  const mark = randomBytes(MARK_BYTES).toString('latin1')
  const connection = session.connection
  if (connection === undefined) return 1
  const seen = { replies: 0, errors: 0, sentBytes: 0 }
  let end: (isWhole: boolean) => void = () => undefined
  const ended = new Promise<boolean>((resolve) => {
    end = resolve
  })
  let lastShownMs = 0
  const progress = (): void => {
    if (!streams.isErrTerminal || clock.nowMs() - lastShownMs < PROGRESS_MS) return
    lastShownMs = clock.nowMs()
    const { sentBytes, replies, errors } = seen
    streams.err(
      `\r\x1b[K${(sentBytes / 1024 / 1024).toFixed(1)} MiB sent, ${replies} replies, ${errors} errors`,
    )
  }
  connection.onLost = () => end(false)
  connection.listen((value) => {
    if (textOf(value) === mark) return end(true)
    seen.replies++
    const refusal = errorTextOf(value)
    if (refusal !== undefined && ++seen.errors <= ERRORS_SHOWN_MAX) streams.err(`${refusal}\n`)
    progress()
  })
  for await (const chunk of streams.input) {
    if (connection.isLost) break
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, 'latin1') : chunk
    seen.sentBytes += bytes.length
    if (!connection.send(bytes)) await connection.drained()
    progress()
  }
  // A last line without an end would swallow the mark.
  connection.send(Buffer.concat([Buffer.from('\r\n'), commandBytes(['ECHO', mark])]))
  const clear = (): void => {
    if (streams.isErrTerminal) streams.err('\r\x1b[K')
  }
  clear()
  write('All data transferred. Waiting for the last reply...\n')
  const { pipeTimeoutMs } = options
  const timer = pipeTimeoutMs === 0 ? undefined : clock.after(pipeTimeoutMs, () => end(false))
  const isWhole = await ended
  timer?.cancel()
  clear()
  if (isWhole) write('Last reply received from server.\n')
  else streams.err('shardloom cli: not everything was answered\n')
  write(`errors: ${seen.errors}, replies: ${seen.replies}\n`)
  return isWhole && seen.errors === 0 ? 0 : 1
}
