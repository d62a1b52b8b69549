/**
 * DEBUG PROTOCOL: one reply of each kind, by which clients test what they make of them.
 * Tests: test/server/commands/own-state.race.test.ts
 * Source: DEBUG PROTOCOL of Redis 7.0
 */
import { DoubleReply, err, MapReply, SetReply } from '../../keyspace/engine/index.ts'
import {
  AttributeReply,
  BigNumberReply,
  BooleanReply,
  PushReply,
  type ServerReply,
  VerbatimReply,
} from '../resp/index.ts'
import type { Session } from './server-command.ts'

const BIG = 1234567999999999999999999999999999999n
/** Near to a famous number. */
const DOUBLE = 3141 / 1000

const REPLIES: Readonly<Record<string, (session: Session) => ServerReply>> = {
  string: () => 'Hello World',
  integer: () => 12_345,
  double: () => new DoubleReply(DOUBLE),
  bignum: () => new BigNumberReply(BIG),
  null: () => null,
  array: () => [0, 1, 2],
  set: () => new SetReply(['0', '1', '2'].map(Number) as never),
  map: () => new MapReply([0, 1, 2].flatMap((n) => [n, new BooleanReply(n === 1)]) as never),
  attrib: () =>
    new AttributeReply(['key-popularity', ['key:123', 90]], 'Some real reply following the attribute'),
  push(session) {
    if (session.resp === 2) return err('RESP2 is not supported by this command')
    session.push(new PushReply(['server-cpu-usage', 42]))
    return 'Some real reply following the push reply'
  },
  verbatim: () => new VerbatimReply('This is a verbatim\nstring'),
  true: () => new BooleanReply(true),
  false: () => new BooleanReply(false),
}
const UNKNOWN = err(
  `Wrong protocol type name. Please use one of the following: ${Object.keys(REPLIES).join('|')}`,
)

/** A reply of a kind. */
export function protocolReply(session: Session, kind: string): ServerReply {
  return Object.hasOwn(REPLIES, kind) ? REPLIES[kind]!(session) : UNKNOWN
}
