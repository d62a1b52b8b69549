/**
 * One key, read in pages: for each type the command that gives a page, and what its reply says.
 *
 * Tests: test/keyspace/portable/key-exporter.test.ts
 */
import { type ByteString, strtod } from '../engine/index.ts'
import { bytesOfReply, type Command, listOfReply, refuseReply, wordOf } from './command-run.ts'
import type { PartBuilder } from './part-builder.ts'
import type { PortableEntry, PortableType } from './portable-entry.ts'

/** Members of a page, or about so many; bytes of a page of a string. */
export const PAGE_MEMBERS = 256
export const PAGE_BYTES: number = 256 * 1024

/** Where the first page begins. */
export const FIRST_PAGE = '0'

/** Collections whose members may expire. */
export type ExpiringType = 'set' | 'hash' | 'zset'

/** Some members of a key. */
export interface Page {
  /** Elements, members or fields; or a piece of a string. */
  readonly texts: readonly ByteString[]
  /** Values of fields. */
  readonly values: readonly ByteString[]
  readonly scores: readonly number[]
  /** Where the next page begins; undefined: this was the last. */
  readonly next: string | undefined
}

/** The command that gives the page of a key that begins at a place. */
export function pageCommand(type: PortableType, key: ByteString, place: string): Command {
  const name = wordOf(key)
  switch (type) {
    case 'string':
      return ['GETRANGE', name, place, String(Number(place) + PAGE_BYTES - 1)]
    case 'list':
      return ['LRANGE', name, place, String(Number(place) + PAGE_MEMBERS - 1)]
    default:
      return [SCANS[type], name, place, 'COUNT', String(PAGE_MEMBERS)]
  }
}

const SCANS: Readonly<Record<ExpiringType, string>> = { set: 'SSCAN', hash: 'HSCAN', zset: 'ZSCAN' }

/** What a reply to that command says. @throws SHL_COMMAND_REFUSED when it is not one of these */
export function pageOf(type: PortableType, place: string, reply: unknown): Page {
  switch (type) {
    case 'string': {
      const text = bytesOfReply(reply, 'GETRANGE')
      return { ...EMPTY, texts: [text], next: nextPlace(place, text.length, PAGE_BYTES) }
    }
    case 'list': {
      const texts = textsOf(listOfReply(reply, 'LRANGE'), 'LRANGE')
      return { ...EMPTY, texts, next: nextPlace(place, texts.length, PAGE_MEMBERS) }
    }
    default:
      return scannedPage(type, reply)
  }
}

/** The command that asks when members expire. */
export function timesCommand(type: ExpiringType, key: ByteString, names: readonly ByteString[]): Command {
  const [command, word] = TIMES[type]
  return [command, wordOf(key), word, String(names.length), ...names.map(wordOf)]
}

const TIMES = {
  set: ['SPEXPIRETIME', 'MEMBERS'],
  hash: ['HPEXPIRETIME', 'FIELDS'],
  zset: ['ZPEXPIRETIME', 'MEMBERS'],
} as const

/** Adds a page to a key; gives the parts that are full by it. `times` may be empty: none expires. */
export function* partsOf(
  part: PartBuilder,
  { texts, values, scores }: Page,
  times: readonly number[],
): Generator<PortableEntry, void, undefined> {
  for (const [i, text] of texts.entries()) {
    const time = times[i] ?? 0
    switch (part.head.type) {
      case 'list':
        part.addElement(text)
        break
      case 'set':
        part.addMember(text, time)
        break
      case 'hash':
        part.addField(text, values[i]!, time)
        break
      case 'zset':
        part.addScored(text, scores[i]!, time)
    }
    const closed = part.takeClosed()
    if (closed !== undefined) yield closed
  }
}

const EMPTY = { values: [], scores: [] } as const

/** A full page may have another one behind it. */
function nextPlace(place: string, found: number, wanted: number): string | undefined {
  return found < wanted ? undefined : String(Number(place) + found)
}

function scannedPage(type: ExpiringType, reply: unknown): Page {
  const command = SCANS[type]
  const [cursor, list] = listOfReply(reply, command)
  const place = bytesOfReply(cursor, command)
  const next = place === '0' ? undefined : place
  const flat = listOfReply(list, command)
  if (type === 'set') return { ...EMPTY, texts: textsOf(flat, command), next }
  if (flat.length % 2 !== 0) refuseReply(list, command)
  const names = textsOf(
    flat.filter((_, i) => i % 2 === 0),
    command,
  )
  const partners = flat.filter((_, i) => i % 2 === 1)
  if (type === 'hash') return { texts: names, values: textsOf(partners, command), scores: [], next }
  return { texts: names, values: [], scores: partners.map(scoreOfReply), next }
}

function textsOf(replies: readonly unknown[], command: string): readonly ByteString[] {
  return replies.map((reply) => bytesOfReply(reply, command))
}

function scoreOfReply(reply: unknown): number {
  if (typeof reply === 'number') return reply
  const score = strtod(bytesOfReply(reply, 'ZSCAN'))
  return score === undefined || Number.isNaN(score) ? refuseReply(reply, 'ZSCAN') : score
}
