/**
 * Which clients CLIENT LIST and CLIENT KILL mean.
 * Tests: test/server/commands/client-commands.race.test.ts
 */
import { type ByteString, type ErrorReply, err, SYNTAX_ERROR } from '../../keyspace/engine/index.ts'
import type { Session } from './server-command.ts'

const TYPES = ['normal', 'master', 'replica', 'slave', 'pubsub'] as const

/** Kinds of clients. There are no replicas here, and no master. */
export type ClientType = (typeof TYPES)[number]

/** All that are given must fit. */
export interface ClientFilter {
  readonly ids?: readonly number[]
  readonly type?: ClientType
  readonly address?: string
  readonly localAddress?: string
  readonly user?: ByteString
  readonly ageSecondsMin?: number
  /** The id of the client that asks. */
  readonly askedBy?: number
  /** The length of its request. */
  readonly requestBytes?: number
  readonly isSkippingMe?: boolean
}

export function isClientType(word: string): word is ClientType {
  return (TYPES as readonly string[]).includes(word)
}

/** Whether a client is meant. */
export function filterFits(filter: ClientFilter, session: Session): boolean {
  const { ids, type, address, localAddress, user, ageSecondsMin } = filter
  if (filter.isSkippingMe === true && session.id === filter.askedBy) return false
  if (ids !== undefined && !ids.includes(session.id)) return false
  if (type !== undefined && typeOf(session) !== type) return false
  if (address !== undefined && session.address !== address) return false
  if (localAddress !== undefined && session.localAddress !== localAddress) return false
  if (user !== undefined && session.user?.name !== user) return false
  const ageSeconds = (session.thread.wallMs() - session.createdMs) / 1000
  return ageSecondsMin === undefined || ageSeconds >= ageSecondsMin
}

/** The words of CLIENT KILL, in pairs. */
export function readKillFilter(words: readonly ByteString[], session: Session): ClientFilter | ErrorReply {
  if (words.length % 2 !== 0) return SYNTAX_ERROR
  let filter: ClientFilter = { askedBy: session.id, isSkippingMe: true }
  for (let i = 0; i < words.length; i += 2) {
    const [option, value] = [words[i]!.toUpperCase(), words[i + 1]!]
    const more = readPair(option, value, session)
    if ('text' in more) return more
    filter = { ...filter, ...more }
  }
  return filter
}

function readPair(option: string, value: ByteString, session: Session): ClientFilter | ErrorReply {
  switch (option) {
    case 'ID': {
      const id = Number(value)
      return Number.isSafeInteger(id) && id > 0 ? { ids: [id] } : err('client-id should be greater than 0')
    }
    case 'MAXAGE': {
      const seconds = Number(value)
      if (!Number.isSafeInteger(seconds)) return err('maxage is not an integer or out of range')
      return seconds > 0 ? { ageSecondsMin: seconds } : err('maxage should be greater than 0')
    }
    case 'TYPE': {
      const type = value.toLowerCase()
      return isClientType(type) ? { type } : err(`Unknown client type '${value}'`)
    }
    case 'USER':
      if (session.thread.acl.getUser(value) === undefined) return err(`No such user '${value}'`)
      return { user: value }
    case 'ADDR':
      return { address: value }
    case 'LADDR':
      return { localAddress: value }
    case 'SKIPME': {
      const word = value.toLowerCase()
      return word === 'yes' || word === 'no' ? { isSkippingMe: word === 'yes' } : SYNTAX_ERROR
    }
    default:
      return SYNTAX_ERROR
  }
}

function typeOf({ isSubscribed }: Session): ClientType {
  return isSubscribed ? 'pubsub' : 'normal'
}
