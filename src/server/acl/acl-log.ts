/**
 * What was refused to whom: logins, commands, keys and channels, the latest first, as `ACL LOG` tells it.
 *
 * The same refusal within a minute is counted where it stands, so that a client in a loop does not push out
 * what others did. Only the ten latest are compared, which bounds the work of a refusal.
 *
 * Every thread has a log of its own; entries are plain data, and `mergeLogs` makes one of several.
 *
 * Invariants: (1) there are at most `entriesMax` entries, of bounded length; (2) an entry holds no password:
 * of a login, only the name that was given.
 * Tests: test/server/acl/acl-log.test.ts
 */
import { type ByteString, DoubleReply, MapReply, type Reply } from '../../keyspace/engine/index.ts'

/** Refusals that are further apart are told each for itself. */
const GROUPING_MS = 60_000
const COMPARED = 10
/** A key, or a name that was given, may be long; it is kept up to here. */
const WORD_BYTES_MAX = 1024

/** What was refused. */
export interface AclRefusal {
  readonly reason: 'auth' | 'command' | 'key' | 'channel'
  readonly context: 'toplevel' | 'multi' | 'lua' | 'module'
  /** The command, key or channel; of a login, the command: `auth` or `hello`. */
  readonly object: ByteString
  readonly username: ByteString
  /** As a line of `CLIENT LIST`. */
  readonly clientInfo: ByteString
}

/** Refusals of one kind. */
export interface AclLogEntry extends AclRefusal {
  readonly id: number
  readonly count: number
  readonly createdMs: number
  readonly updatedMs: number
}

/** How a log is kept. */
export interface AclLogOptions {
  /** `acllog-max-len`. */
  readonly entriesMax?: number
  /** The first entry's id, and how far apart ids are: so that those of several threads differ. */
  readonly firstId?: number
  readonly idStep?: number
}

/** The log of one thread. */
export class AclLog {
  /** `acllog-max-len`; a smaller one holds from the next refusal on. */
  entriesMax: number
  readonly #idStep: number
  #nextId: number
  /** The latest last: an entry that is counted again is moved over a few others. */
  readonly #entries: AclLogEntry[] = []

  constructor({ entriesMax = 128, firstId = 0, idStep = 1 }: AclLogOptions = {}) {
    this.entriesMax = entriesMax
    this.#nextId = firstId
    this.#idStep = idStep
  }

  /** The latest first. */
  get entries(): readonly AclLogEntry[] {
    return this.#entries.toReversed()
  }

  /** Takes a refusal down, at a time of the clock on the wall. */
  add(refusal: AclRefusal, nowMs: number): void {
    const object = headOf(refusal.object, WORD_BYTES_MAX)
    const username = headOf(refusal.username, WORD_BYTES_MAX)
    const told = { ...refusal, object, username }
    const at = this.#placeOfLike(told, nowMs)
    const like = at === undefined ? undefined : this.#entries.splice(at, 1)[0]
    if (like === undefined) {
      this.#entries.push({ ...told, id: this.#nextId, count: 1, createdMs: nowMs, updatedMs: nowMs })
      this.#nextId += this.#idStep
    } else {
      const { clientInfo } = told
      this.#entries.push({ ...like, clientInfo, count: like.count + 1, updatedMs: nowMs })
    }
    this.#entries.splice(0, this.#entries.length - this.entriesMax)
  }

  reset(): void {
    this.#entries.length = 0
  }

  #placeOfLike(refusal: AclRefusal, nowMs: number): number | undefined {
    const { length } = this.#entries
    for (let at = length - 1; at >= Math.max(0, length - COMPARED); at--) {
      const entry = this.#entries[at] as AclLogEntry
      if (isLike(entry, refusal) && isNear(entry.updatedMs, nowMs)) return at
    }
    return undefined
  }
}

/** What logs tell of a name, which may be as long as an argument. */
export const LOGGED_NAME_BYTES = 128

/** The first bytes of a text, as a text of its own: a slice would keep all of it. */
export function headOf(text: ByteString, bytesMax: number): ByteString {
  return text.length <= bytesMax ? text : Buffer.from(text.slice(0, bytesMax), 'latin1').toString('latin1')
}

/** One log of those of several threads. Refusals of one kind are one entry. */
export function mergeLogs(logs: readonly (readonly AclLogEntry[])[], entriesMax: number): AclLogEntry[] {
  const merged: AclLogEntry[] = []
  for (const entry of logs
    .flat()
    .sort((one, other) => one.createdMs - other.createdMs || one.id - other.id)) {
    const at = merged.findIndex((one) => isLike(one, entry) && isNear(one.updatedMs, entry.createdMs))
    const like = merged[at]
    if (like === undefined) merged.push(entry)
    else {
      const later = entry.updatedMs > like.updatedMs ? entry : like
      const { clientInfo, updatedMs } = later
      merged[at] = { ...like, count: like.count + entry.count, clientInfo, updatedMs }
    }
  }
  return merged
    .sort((one, other) => other.updatedMs - one.updatedMs || other.id - one.id)
    .slice(0, entriesMax)
}

/** As `ACL LOG` answers it. */
export function logReply(entries: readonly AclLogEntry[], nowMs: number): Reply {
  return entries.map(
    (entry) =>
      new MapReply([
        ...['count', entry.count, 'reason', entry.reason, 'context', entry.context],
        ...['object', entry.object, 'username', entry.username],
        ...['age-seconds', new DoubleReply(Math.max(0, nowMs - entry.updatedMs) / 1000)],
        ...['client-info', entry.clientInfo, 'entry-id', entry.id],
        ...['timestamp-created', entry.createdMs, 'timestamp-last-updated', entry.updatedMs],
      ]),
  )
}

function isLike(one: AclRefusal, other: AclRefusal): boolean {
  return (
    one.reason === other.reason &&
    one.context === other.context &&
    one.object === other.object &&
    one.username === other.username
  )
}

function isNear(oneMs: number, otherMs: number): boolean {
  return Math.abs(oneMs - otherMs) <= GROUPING_MS
}
