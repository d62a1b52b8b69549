/**
 * The log of one shard as the shard sees it: commits go in, and whoever acknowledges waits for them.
 *
 * A reply is given when everything that the shard had committed by then has reached the level that was asked
 * for, also what others have committed: a reply may tell of it. So nobody ever hears of a write that is lost
 * in a crash which the level covers. Nobody else is held up by that: the shard goes on, and only the reply
 * waits. Nor does it wait for what is in the log besides: a snapshot says what was there before, and parts of
 * transactions are seen when their decision is on a disk.
 *
 * A fencing token is synced before it is handed out, at any level: one that was drawn, handed out and
 * forgotten could be drawn again.
 *
 * When the log fails, or the disk is full, writes are refused before they change anything (`refusal`), and
 * reads go on.
 *
 * Writer: the shard. Tests: test/keyspace/durability/shard-journal.test.ts
 */
import type { ShardloomError } from '../../base/index.ts'
import { DURABILITIES, type Durability, KIND_COMMIT, type LogWriter } from '../../storage/index.ts'
import { type Commit, ErrorReply } from '../engine/index.ts'
import { writeCommit, writePlainSet } from './commit-payload.ts'
import { PartLog } from './part-log.ts'

/** By number, as requests carry them: 0 is that of the keyspace. */
const LEVELS: readonly (Durability | undefined)[] = [undefined, ...DURABILITIES]

/** The number of a level in a request. */
export function levelNumber(level: Durability | undefined): number {
  return level === undefined ? 0 : LEVELS.indexOf(level)
}

/** What is appended and not written yet may take so much before even `memory` waits. */
const BEHIND_BYTES_MAX = 32 * 1024 * 1024
const NO_PARTICIPANTS: readonly number[] = []

/** Where key and value of a SET lie. */
export interface PlainSet {
  readonly keyOffset: number
  readonly keyLength: number
  readonly valueOffset: number
  readonly valueLength: number
  readonly revision: number
}

/** The log of one shard. */
export class ShardJournal {
  readonly log: LogWriter
  readonly parts: PartLog
  /** What an acknowledgement means unless a request says something else. */
  readonly level: Durability
  /** Behind the last commit: what else is in the log tells of nothing that is not on disks, or here. */
  #committed: number
  /** Behind the last commit that must be synced before its reply. */
  #mustSync = 0

  constructor(log: LogWriter, level: Durability) {
    this.log = log
    this.parts = new PartLog(log)
    this.level = level
    this.#committed = log.appended
  }

  /** Takes a commit. */
  add(commit: Commit): void {
    const { log } = this
    // What still happens is no write: time has passed, and keys are gone that nobody could see any more.
    if (log.failure !== undefined) return
    // Parts of transactions over several shards have records of their own.
    if (commit.part?.isLogged === true) return
    const sink = log.begin()
    writeCommit(sink, commit)
    log.append({
      kind: KIND_COMMIT,
      revision: commit.revision,
      atMs: commit.atMs,
      participants: NO_PARTICIPANTS,
    })
    this.#committed = log.appended
    if (commit.needsSync === true) this.#mustSync = log.appended
  }

  /** Takes a SET of a string that lies in `bytes`, without a commit of it. */
  addPlainSet(bytes: Uint8Array, atMs: number, place: PlainSet): void {
    const { log } = this
    if (log.failure !== undefined) return
    const { keyOffset, keyLength, valueOffset, valueLength, revision } = place
    const key = bytes.subarray(keyOffset, keyOffset + keyLength)
    writePlainSet(log.begin(), key, bytes.subarray(valueOffset, valueOffset + valueLength))
    log.append({ kind: KIND_COMMIT, revision, atMs, participants: NO_PARTICIPANTS })
    this.#committed = log.appended
  }

  /** Why writes are refused now; undefined when they are not. */
  get refusal(): ErrorReply | undefined {
    const { log } = this
    if (log.failure !== undefined) return failed(log.failure)
    return log.isFull ? DISK_FULL : undefined
  }

  /**
   * Resolves when what was committed by now may be told of; undefined: it may be at once. `before` is what
   * was appended before the work that is to be told of, `asked` the highest level that was asked for, by
   * number, and `isDefault` whether somebody asked for none. `told`: nothing behind it is told of, by default
   * all is.
   * @throws SHL_LOG_FAILED, by rejection
   */
  settled(
    before: number,
    asked: number,
    isDefault: boolean,
    told: number = Number.POSITIVE_INFINITY,
  ): Promise<void> | undefined {
    const { log } = this
    const position = Math.min(this.#committed, told)
    if (log.synced >= position) return undefined
    // Whoever only reads goes on reading when nothing can be written any more.
    if (position <= before && (log.isFull || log.failure !== undefined)) return undefined
    // A token that was drawn is on its way out with some reply: until it is synced all of them wait.
    if (this.#mustSync > log.synced) return log.reached('fsync', position)
    const level = LEVELS[isDefault ? Math.max(asked, levelNumber(this.level)) : asked] ?? this.level
    if (level !== 'memory') return log.reached(level, position)
    return log.appended - log.written > BEHIND_BYTES_MAX ? log.reached('os', log.appended) : undefined
  }
}

const DISK_FULL = new ErrorReply(
  'MISCONF',
  'Errors writing to the log: no space left on the disk. Writes are refused until there is some.',
)

function failed(failure: ShardloomError): ErrorReply {
  return new ErrorReply('MISCONF', `Errors writing to the log, which is read-only now: ${failure.message}`)
}
