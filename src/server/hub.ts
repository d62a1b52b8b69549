/**
 * What the main thread does for a server: its log, its files, its end.
 *
 * Threads that serve have no files of their own: what is written is written here, in one order.
 *
 * Tests: test/server/serve.race.test.ts
 */
import { type AnyActorDefinition, defineActor } from '../actor/index.ts'
import { ShardloomError, systemClock } from '../base/index.ts'
import type { ShardChange } from '../keyspace/serving/index.ts'
import { AuditFile } from './audit/index.ts'
import type { LogLevel } from './commands/server-command.ts'
import type { ParameterChange, ParameterStore } from './parameters/index.ts'
import type { HubMessages } from './thread/hub-messages.ts'

/** What CONFIG REWRITE writes. */
export interface Rewritten {
  readonly store: ParameterStore
  /** As ACL LIST prints them, without the word `user`. */
  readonly users?: readonly string[]
}

/** What a program gives besides parameters. */
export interface HubOptions {
  /** Takes what the server logs. Default: nothing is logged. */
  readonly onLog?: ((level: LogLevel, event: string, details: object | undefined) => void) | undefined
  /** A client has said SHUTDOWN: the program ends, or not. Default: it is refused. */
  readonly onShutdown?: ((options: { readonly save: boolean | undefined }) => void) | undefined
  /** The file that CONFIG REWRITE writes, for INFO; there is none by default. */
  readonly configFile?: string | undefined
  /**
   * Writes that file: values as they are now, and lines of users where no file of their own has them.
   * @throws what is told to the client
   */
  readonly rewriteConfig?: ((rewritten: Rewritten) => void | Promise<void>) | undefined
}

/** What the main thread has besides. */
export interface HubParts extends HubOptions {
  /** Users have changed: all of them, as the line that every thread applies. */
  onUsers(line: string): void
  /** Looks at changes of parameters before they are made. @throws what is wrong */
  checkParameters(changes: readonly ParameterChange[]): void
  /** Changes what shards go by, those included that are started again. */
  changeKeyspace(change: ShardChange): Promise<void>
}

interface Request {
  readonly what: string
  readonly content: unknown
}

/** The actor. */
export function hubActor(options: HubParts, parameters: ParameterStore): AnyActorDefinition {
  const { onLog } = options
  const path = parameters.get('auditLogFile')
  const auditFile =
    path === ''
      ? undefined
      : new AuditFile({
          path,
          wallMs: () => systemClock().wallMs(),
          log: (level, event, details) => onLog?.(level, event, details),
        })
  return defineActor({
    name: 'server-hub',
    reentrant: true,
    receive: {
      log(
        _state: unknown,
        { level, event, details }: { level: LogLevel; event: string; details: object | undefined },
      ) {
        onLog?.(level, event, details)
      },
      audit(_state: unknown, { lines, dropped }: Parameters<HubMessages['audit']>[1]) {
        auditFile?.append(lines, dropped)
      },
      async request(_state: unknown, { what, content }: Request): Promise<boolean | number> {
        if (what === 'audit.lost') return auditFile?.lost ?? 0
        if (what === 'reopen') {
          await auditFile?.reopen()
          return auditFile !== undefined
        }
        return answer(what, content, options, parameters)
      },
    },
    onStop: () => auditFile?.close(),
  })
}

/** False: nobody has said what is to happen then. */
async function answer(
  what: string,
  content: unknown,
  { onShutdown, onUsers, rewriteConfig, changeKeyspace, checkParameters }: HubParts,
  parameters: ParameterStore,
): Promise<boolean> {
  switch (what) {
    case 'shutdown':
      onShutdown?.(content as { save: boolean | undefined })
      return onShutdown !== undefined
    case 'check':
      checkParameters(content as readonly ParameterChange[])
      return true
    case 'parameters':
      parameters.apply(content as readonly ParameterChange[])
      return true
    case 'users':
      onUsers(content as string)
      return true
    case 'keyspace':
      await changeKeyspace(content as ShardChange)
      return true
    case 'rewrite': {
      const { users } = content as { readonly users?: readonly string[] }
      await rewriteConfig?.({ store: parameters, ...(users !== undefined && { users }) })
      return rewriteConfig !== undefined
    }
    default:
      throw new ShardloomError('SHL_SERVER_TOPIC', { topic: what })
  }
}
