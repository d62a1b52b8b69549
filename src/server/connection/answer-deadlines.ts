/**
 * How long a client waits for a command that several threads have to do with: one that hangs must not keep
 * the clients of the others waiting for ever.
 *
 * What was begun goes on, since nobody can take it back: the error says that its outcome is not known. Who
 * would go on in a state that it does not know (its channels, its transaction) is closed behind the error.
 * What may take as long as it likes, or has a time of its own, is not looked at.
 *
 * Tests: test/server/connection/answer-deadlines.test.ts, test/server/robust/hung-thread.race.test.ts
 */
import type { Clock } from '../../base/index.ts'
import { ErrorReply } from '../../keyspace/engine/index.ts'
import type { CommandEntry } from '../commands/server-command.ts'
import { Deadlines } from '../listen/index.ts'

const UNTIMED: ReadonlySet<string> = new Set([
  ...['debug', 'migrate', 'save', 'shutdown', 'wait', 'waitaof'],
  // It stands in line to catch up.
  'watchrev',
])
/** Of what is asked for in these groups, the connection itself is a part. */
const OF_CONNECTION: ReadonlySet<string> = new Set(['connection', 'pubsub', 'transactions'])

interface Waiting {
  readonly onLate: () => void
}

/** The commands of one thread that are waited for. */
export class AnswerDeadlines {
  readonly #deadlines: Deadlines<Waiting>

  constructor(clock: Clock, delayMs: number) {
    this.#deadlines = new Deadlines(clock, delayMs, ({ onLate }) => onLate())
  }

  /** What `done` gives, or an error for the client when it takes too long; `onLate` is called then. */
  within<R>(entry: CommandEntry, done: Promise<R>, onLate: () => void): Promise<R | ErrorReply> {
    if (entry.flags.has('blocking') || UNTIMED.has(entry.name.split('|')[0]!)) return done
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        onLate: () => {
          resolve(this.#errorOf(entry))
          onLate()
        },
      }
      this.#deadlines.add(waiting)
      done.then(
        (value) => {
          this.#deadlines.done(waiting)
          resolve(value)
        },
        (error: unknown) => {
          this.#deadlines.done(waiting)
          reject(error as Error)
        },
      )
    })
  }

  close(): void {
    this.#deadlines.close()
  }

  #errorOf({ name }: CommandEntry): ErrorReply {
    const ms = this.#deadlines.delayMs
    const text = `no answer within ${ms} ms: a thread of the server is stuck or overloaded`
    return new ErrorReply(
      'TIMEOUT',
      `${text}; what became of ${name.replace('|', ' ').toUpperCase()} is not known`,
    )
  }
}

/** Whether a client whose command came too late must be closed. */
export function leavesUnknown({ info, name }: CommandEntry): boolean {
  return OF_CONNECTION.has(info.group) || name === 'monitor'
}
