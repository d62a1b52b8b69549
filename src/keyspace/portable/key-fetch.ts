/**
 * What an export asks of a server about keys: their types and times, their members page by page, and whether
 * they have changed since. Each question is asked for many keys at once.
 *
 * Tests: test/keyspace/portable/key-exporter.test.ts
 */
import { type ByteString, VALUE_BYTES_MAX } from '../engine/index.ts'
import {
  bytesOfReply,
  type Command,
  isUnknownCommand,
  numberOfReply,
  type RunCommands,
  refusalOf,
  wordOf,
} from './command-run.ts'
import { type ExpiringType, FIRST_PAGE, type Page, pageCommand, pageOf, timesCommand } from './key-pages.ts'
import type { PortableType } from './portable-entry.ts'

/** What is asked of a key before its members. */
export interface KeyHead {
  readonly db: number
  readonly key: ByteString
  readonly type: PortableType
  readonly expireAt: number
  /** As text; where the server has none, always the same. */
  readonly revision: string
}

/** Keys that are there. */
export interface FoundKeys {
  readonly heads: readonly KeyHead[]
  /** Those of types that cannot be held. */
  readonly others: readonly { readonly key: ByteString; readonly type: string }[]
}

/** Some of the members of a key, with their times: as many, or none. */
export interface TimedPage extends Page {
  readonly times: readonly number[]
}

const CHANGED_TYPE = /\bWRONGTYPE\b|wrong kind of value/
const EXPIRING: readonly ExpiringType[] = ['set', 'hash', 'zset']
const TYPES: ReadonlySet<string> = new Set<PortableType>(['string', 'list', ...EXPIRING])

/** Asks one server. */
export class KeyFetch {
  readonly #run: RunCommands
  /** Kinds of commands that the server does not have. */
  readonly #unknown = new Set<string>()

  constructor(run: RunCommands) {
    this.#run = run
  }

  /** What there is to know of keys before their members. */
  async heads(db: number, keys: readonly ByteString[]): Promise<FoundKeys> {
    // First, so that every later change is seen.
    const revisions = await this.revisions(db, keys)
    const names = keys.map(wordOf)
    const replies = await this.#run(
      db,
      names.flatMap((key) => [
        ['TYPE', key],
        ['PEXPIRETIME', key],
      ]),
    )
    const heads: KeyHead[] = []
    const others: { key: ByteString; type: string }[] = []
    for (const [i, key] of keys.entries()) {
      const type = bytesOfReply(replies[2 * i], 'TYPE')
      const expireAt = Math.max(0, numberOfReply(replies[2 * i + 1], 'PEXPIRETIME'))
      if (isPortable(type)) heads.push({ db, key, type, expireAt, revision: revisions[i]! })
      else if (type !== 'none') others.push({ key, type })
    }
    return { heads, others }
  }

  /** A text for each key that is another one after each change. */
  async revisions(db: number, keys: readonly ByteString[]): Promise<readonly string[]> {
    const replies = await this.#runKnown(
      db,
      'REVISION',
      keys.map((key) => ['REVISION', wordOf(key)]),
    )
    return keys.map((_, i) => String(replies[i] ?? ''))
  }

  /**
   * The first pages of keys, strings whole; undefined: the key has changed its type since, or is too long.
   * One that is gone by now has no texts.
   */
  async firstPages(db: number, heads: readonly KeyHead[]): Promise<readonly (TimedPage | undefined)[]> {
    if (heads.length === 0) return []
    const commands = heads.map(({ type, key }) => pageCommand(type, key, FIRST_PAGE))
    const replies = await this.#run(db, commands)
    const pages: (TimedPage | undefined)[] = []
    for (const [i, head] of heads.entries()) {
      const page = pageUnlessChanged(head, FIRST_PAGE, replies[i])
      pages.push(page !== undefined && head.type === 'string' ? await this.#wholeString(head, page) : page)
    }
    for (const type of EXPIRING) await this.#addTimes(db, type, heads, pages)
    return pages
  }

  /** The page of a collection that begins at a place; undefined: the key has changed its type since. */
  async page(head: KeyHead, place: string): Promise<TimedPage | undefined> {
    const [reply] = await this.#run(head.db, [pageCommand(head.type, head.key, place)])
    const pages = [pageUnlessChanged(head, place, reply)]
    for (const type of EXPIRING) await this.#addTimes(head.db, type, [head], pages)
    return pages[0]
  }

  async #wholeString(head: KeyHead, first: TimedPage): Promise<TimedPage | undefined> {
    if (first.texts[0] === '') {
      // GETRANGE answers the same of a key that is gone.
      const [count] = await this.#run(head.db, [['EXISTS', wordOf(head.key)]])
      return numberOfReply(count, 'EXISTS') === 0 ? { ...first, texts: [] } : first
    }
    const pieces = [...first.texts]
    let bytes = first.texts[0]!.length
    for (let { next } = first; next !== undefined; ) {
      const [reply] = await this.#run(head.db, [pageCommand('string', head.key, next)])
      const page = pageUnlessChanged(head, next, reply)
      if (page === undefined) return undefined
      bytes += page.texts[0]!.length
      if (bytes > VALUE_BYTES_MAX) return undefined
      pieces.push(...page.texts)
      next = page.next
    }
    return pieces.length === 1 ? first : { ...first, texts: [pieces.join('')], next: undefined }
  }

  /** Asks when the members of pages expire, for all keys of a type. */
  async #addTimes(
    db: number,
    type: ExpiringType,
    heads: readonly KeyHead[],
    pages: (TimedPage | undefined)[],
  ): Promise<void> {
    const indexes: number[] = []
    const commands: Command[] = []
    for (const [i, head] of heads.entries()) {
      const texts = head.type === type ? (pages[i]?.texts ?? []) : []
      if (texts.length === 0) continue
      indexes.push(i)
      commands.push(timesCommand(type, head.key, texts))
    }
    const replies = await this.#runKnown(db, type, commands)
    for (const [n, i] of indexes.entries()) {
      const reply = replies[n]
      // A key that is gone by now, or of another type, has none.
      if (!Array.isArray(reply)) continue
      const times = reply.map((time) => Math.max(0, numberOfReply(time, 'a time')))
      pages[i] = { ...pages[i]!, times }
    }
  }

  /** Runs commands of a kind that the server may not have: then there are no replies. */
  async #runKnown(db: number, kind: string, commands: readonly Command[]): Promise<readonly unknown[]> {
    if (commands.length === 0 || this.#unknown.has(kind)) return []
    const replies = await this.#run(db, commands)
    if (!replies.some(isUnknownCommand)) return replies
    this.#unknown.add(kind)
    return []
  }
}

function isPortable(type: string): type is PortableType {
  return TYPES.has(type)
}

function pageUnlessChanged(head: KeyHead, place: string, reply: unknown): TimedPage | undefined {
  if (CHANGED_TYPE.test(refusalOf(reply) ?? '')) return undefined
  return { ...pageOf(head.type, place, reply), times: [] }
}
