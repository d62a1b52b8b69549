/**
 * The replies of `CONFIG`: functions of a store and of arguments, in Redis' words.
 *
 * Tests: test/server/parameters/redis-texts.test.ts
 * Source: Redis 7.0, src/config.c; the order of a reply to a pattern is that of the table, not of a hash.
 */
import { toError } from '../../base/index.ts'
import {
  type ByteString,
  type ErrorReply,
  err,
  globMatches,
  MapReply,
  OK,
  type StatusReply,
  SYNTAX_ERROR,
} from '../../keyspace/engine/index.ts'
import { type ChangeRights, type ParameterChange, type ParameterStore, setFailed } from './parameter-store.ts'
import { parameterNamed, SHOWN_NAMES } from './parameter-table.ts'

/** What `CONFIG HELP` says. */
export const CONFIG_HELP: readonly string[] = [
  'CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:',
  'GET <pattern>',
  '    Return parameters matching the glob-like <pattern> and their values.',
  'SET <directive> <value>',
  '    Set the configuration <directive> to <value>.',
  'RESETSTAT',
  '    Reset statistics reported by the INFO command.',
  'REWRITE',
  '    Rewrite the configuration file.',
  'HELP',
  '    Prints this help.',
]

/** What `CONFIG REWRITE` says where there is no file. */
export const NO_CONFIG_FILE: ErrorReply = err('The server is running without a config file')

/** `CONFIG GET pattern …`. A name without wildcards is shown as it was asked for. */
export function configGet(store: ParameterStore, patterns: readonly ByteString[]): MapReply {
  const shown = new Map<string, ByteString>()
  const seen = new Set<string>()
  const show = (as: ByteString, name: string): void => {
    if (seen.has(name)) return
    seen.add(name)
    shown.set(as, store.text(name)!)
  }
  for (const pattern of patterns) {
    if (!/[*?[]/.test(pattern)) {
      if (parameterNamed(pattern) !== undefined) show(pattern, pattern.toLowerCase())
      continue
    }
    const lower = pattern.toLowerCase()
    for (const name of SHOWN_NAMES) if (globMatches(lower, name)) show(name, name)
  }
  return new MapReply([...shown].flat())
}

/** Who must agree to changes before they are made: why not, and which it is about. */
export type ChangeVeto = (
  changes: readonly ParameterChange[],
) => Promise<{ readonly change: ParameterChange; readonly reason: string } | undefined>

/**
 * `CONFIG SET name value …`: all of it or nothing. `veto` may refuse what was read and is allowed (a port
 * that is taken); what it has opened by then it must close again when it refuses. `apply` makes the changes,
 * on all threads; default: in this store alone. Where it fails it is called again, to take back what it has
 * made by then.
 */
export async function configSet(
  store: ParameterStore,
  words: readonly ByteString[],
  {
    rights,
    veto,
    apply = async (changes) => store.apply(changes),
  }: {
    readonly rights?: ChangeRights
    readonly veto?: ChangeVeto
    readonly apply?: (changes: readonly ParameterChange[]) => Promise<void>
  } = {},
): Promise<StatusReply | ErrorReply> {
  if (words.length % 2 !== 0) return SYNTAX_ERROR
  const pairs: [ByteString, ByteString][] = []
  for (let i = 0; i < words.length; i += 2) pairs.push([words[i]!, words[i + 1]!])
  const checked = store.check(pairs, rights)
  if (!('length' in checked)) return checked
  const refusal = await veto?.(checked)
  if (refusal !== undefined) return setFailed(refusal.change.asked, refusal.reason)
  const inverse = store.inverseOf(checked)
  try {
    await apply(checked)
    return OK
  } catch (error) {
    // What fails again now is as it was before, or lost with its thread.
    await apply(inverse).catch(() => undefined)
    return setFailed(checked[0]!.asked, toError(error).message)
  }
}
