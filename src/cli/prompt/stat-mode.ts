/**
 * `--stat`: a line of figures of the server each second, with the heads again every twenty lines.
 *
 * Tests: test/cli/prompt/modes.test.ts
 */
import { textOf } from '../connection/reading.ts'
import { sizeText } from '../top/figures.ts'
import { type Info, infoOf, keyCount, numberOf } from '../top/info.ts'
import { type CliContext, pause } from './context.ts'

const INTERVAL_MS = 1_000
const HEAD_EVERY = 20
const HEAD =
  '------- data ------ --------------------- load -------------------- - child -\n' +
  'keys       mem      clients blocked requests            connections          \n'

/** Prints lines until somebody stops it, or as often as -r says. */
export async function statMode({ options, streams, session, clock, write }: CliContext): Promise<number> {
  let before: number | undefined
  const isEndless = options.repeat <= 1
  for (let line = 0; isEndless || line < options.repeat; line++) {
    if (line > 0) await pause(clock, options.intervalMs ?? INTERVAL_MS)
    if (streams.isClosed()) return 0
    const reply = await session.call(['INFO'])
    const text = textOf(reply)
    if (text === undefined) {
      streams.err('Error: the server gave no INFO\n')
      return 1
    }
    const info = infoOf(text)
    if (line % HEAD_EVERY === 0) write(HEAD)
    write(statLine(info, before))
    before = numberOf(info, 'total_commands_processed')
  }
  return 0
}

/** One line, with what was added to the commands since the one before. */
function statLine(info: Info, commandsBefore: number | undefined): string {
  const field = (name: string): number => numberOf(info, name) ?? 0
  const commands = field('total_commands_processed')
  const added = commands - (commandsBefore ?? commands)
  const child = field('loading') > 0 ? 'LOAD' : field('rdb_bgsave_in_progress') > 0 ? 'SAVE' : ''
  return `${[
    String(keyCount(info)).padEnd(10),
    sizeText(field('used_memory')).replace(' ', '').padEnd(8),
    String(field('connected_clients')).padEnd(7),
    String(field('blocked_clients')).padEnd(7),
    `${commands} (+${added})`.padEnd(19),
    String(field('total_connections_received')).padEnd(11),
    child,
  ]
    .join(' ')
    .trimEnd()}\n`
}
