/**
 * The audit log on one thread: which commands it tells of, and the lines that are on their way to the file.
 *
 * Which commands are audited is a mark on each, so that those that are not pay nothing, and only those that
 * are give up the short way. Lines go to the main thread, which has the file, in one batch at a time: when it
 * cannot keep up, lines are dropped here, and the next batch says how many.
 *
 * A login is told with its outcome, and always, as long as there is a file; what is refused to a user is told
 * where the command is audited.
 *
 * Invariants: (1) at most `WAITING_MAX` lines wait; (2) what was dropped is told.
 * Tests: test/server/audit/audit-trail.race.test.ts
 */
import type { ActorRef } from '../../actor/index.ts'
import { type Argument, ErrorReply } from '../../keyspace/engine/index.ts'
import { isSelected } from '../catalog/index.ts'
import type { CommandEntry, ServerThread, Session } from '../commands/server-command.ts'
import type { HubMessages } from '../thread/hub-messages.ts'
import { auditLine, isLogin } from './audit-record.ts'

const WAITING_MAX = 65_536
/** A batch that the main thread has not taken by then counts as dropped. */
const TAKEN_MS = 30_000

/** The lines of one thread. */
export class AuditTrail {
  readonly #thread: ServerThread
  readonly #hub: ActorRef<HubMessages>
  #lines: string[] = []
  #dropped = 0
  #isSending = false
  #isSet = false

  constructor(thread: ServerThread, hub: ActorRef<HubMessages>) {
    this.#thread = thread
    this.#hub = hub
    if (thread.parameters.get('auditLogFile') === '') return
    thread.audit = (session, entry, argv, denial) => {
      if (!isLogin(entry.name, argv)) this.#note(session, entry, argv, denial)
    }
    thread.timers.add((session, entry, argv, _durationMs, reply) => {
      if (!isLogin(entry.name, argv)) return
      this.#note(session, entry, argv, reply instanceof ErrorReply ? reply : undefined)
    })
    thread.onEnd.add(() => void this.#send())
    thread.parameters.onChange(['auditLogCommands'], () => this.#mark())
    this.#mark()
  }

  #mark(): void {
    const words = this.#thread.parameters.get('auditLogCommands')
    for (const entry of this.#thread.commands.all) entry.isAudited = isSelected(words, entry.info)
    this.#thread.changed()
  }

  #note(
    session: Session,
    entry: CommandEntry,
    argv: readonly Argument[],
    denial: ErrorReply | undefined,
  ): void {
    if (this.#lines.length >= WAITING_MAX) {
      this.#dropped++
      return
    }
    const { catalog } = this.#thread
    this.#lines.push(auditLine(catalog, session, entry, argv, denial, this.#thread.wallMs()))
    if (this.#isSet || this.#isSending) return
    this.#isSet = true
    queueMicrotask(() => {
      this.#isSet = false
      void this.#send()
    })
  }

  async #send(): Promise<void> {
    if (this.#isSending) return
    this.#isSending = true
    while (this.#lines.length > 0 || this.#dropped > 0) {
      const lines = this.#lines
      const dropped = this.#dropped
      this.#lines = []
      this.#dropped = 0
      try {
        await this.#hub.ask('audit', { lines, dropped }, { timeoutMs: TAKEN_MS })
      } catch {
        this.#dropped += lines.length + dropped
        // The main thread ends, or is stuck: what comes is counted, and tried with what comes after it.
        break
      }
    }
    this.#isSending = false
  }
}
