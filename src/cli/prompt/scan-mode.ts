/**
 * `--scan`: all keys, or those of a pattern or a type, without one long command.
 *
 * Tests: test/cli/prompt/modes.test.ts
 */

import type { RespValue } from '../../server/resp/index.ts'
import { errorTextOf, itemsOf, textOf } from '../connection/reading.ts'
import { bytesOf } from '../connection/resp-connection.ts'
import { type CliContext, LOST_TEXT, pause } from './context.ts'
import type { Runner } from './runner.ts'
import type { Session } from './session.ts'

/** What is scanned for. */
export interface ScanWish {
  readonly pattern?: string | undefined
  readonly count?: number | undefined
  readonly type?: string | undefined
}

/** Prints keys; exit code 1 when the server would not. */
export async function scanMode(context: CliContext, runner: Runner): Promise<number> {
  const { options, streams, session, clock } = context
  const failure = await scanKeys(session, options, async (keys) => {
    for (const key of keys) runner.show(key, [])
    if (options.intervalMs !== undefined) await pause(clock, options.intervalMs)
    return !streams.isClosed()
  })
  if (failure !== undefined) streams.err(`${failure}\n`)
  return failure === undefined ? 0 : 1
}

/**
 * Gives the keys of a database piece by piece, until `take` has enough; what went wrong, if something did.
 */
export async function scanKeys(
  session: Session,
  { pattern, count, type }: ScanWish,
  take: (keys: readonly RespValue[]) => Promise<boolean>,
): Promise<string | undefined> {
  const wish = [
    ...(pattern === undefined ? [] : ['MATCH', bytesOf(pattern)]),
    ...(count === undefined ? [] : ['COUNT', String(count)]),
    ...(type === undefined ? [] : ['TYPE', type]),
  ]
  let cursor = '0'
  do {
    const reply = await session.call(['SCAN', cursor, ...wish])
    if (reply === undefined) return LOST_TEXT.trimEnd()
    const refusal = errorTextOf(reply)
    if (refusal !== undefined) return refusal
    const [next, keys] = itemsOf(reply)
    cursor = textOf(next) ?? '0'
    if (!(await take(itemsOf(keys)))) return undefined
  } while (cursor !== '0')
  return undefined
}
