/**
 * DEBUG OBJECT and DEBUG SDSLEN: what Redis says of one value, as far as there is such a thing here.
 * Tests: test/server/commands/own-state.race.test.ts
 */
import {
  type Argument,
  type ErrorReply,
  err,
  NO_SUCH_KEY,
  type Reply,
  StatusReply,
} from '../../keyspace/engine/index.ts'
import type { ServerThread } from './server-command.ts'

const NOT_A_STRING = err('Not an sds encoded string.')
/** In a dump: its mark, type and flags in front, the checksum behind. */
const DUMP_EXTRA_BYTES = 7
/** Of one node of a list, by default. */
const NODE_BYTES = 8192
const LRU_CLOCK_MASK = 0xffffff

/** DEBUG OBJECT. */
export async function debugObject(
  thread: ServerThread,
  key: Argument,
  db: number,
): Promise<StatusReply | ErrorReply> {
  const ask = (...argv: Argument[]): Promise<Reply> => thread.call(argv, db)
  const [encoding, idle, dump, length] = await Promise.all([
    ask('OBJECT', 'ENCODING', key),
    ask('OBJECT', 'IDLETIME', key),
    ask('DUMP', key),
    ask('LLEN', key),
  ])
  if (encoding === null || dump === null) return NO_SUCH_KEY
  const bytes = (dump as Argument).length - DUMP_EXTRA_BYTES
  const idleSeconds = typeof idle === 'number' ? Math.floor(idle) : 0
  const clock = (Math.floor(thread.wallMs() / 1000) - idleSeconds) & LRU_CLOCK_MASK
  const fields = [
    `Value at:0x${thread.facts.runId.slice(0, 12)} refcount:1 encoding:${String(encoding)}`,
    `serializedlength:${bytes} lru:${clock} lru_seconds_idle:${idleSeconds}`,
  ]
  if (encoding === 'quicklist') {
    const nodes = Math.max(1, Math.ceil(bytes / NODE_BYTES))
    const size = thread.parameters.get('listMaxListpackSize')
    fields.push(
      `ql_nodes:${nodes} ql_avg_node:${(Number(length) / nodes).toFixed(2)} ql_listpack_max:${size}`,
      `ql_compressed:0 ql_uncompressed_size:${bytes}`,
    )
  }
  return new StatusReply(fields.join(' '))
}

/** DEBUG SDSLEN. */
export async function debugStringLengths(
  thread: ServerThread,
  key: Argument,
  db: number,
): Promise<StatusReply | ErrorReply> {
  const encoding = await thread.call(['OBJECT', 'ENCODING', key], db)
  if (encoding === null) return NO_SUCH_KEY
  if (encoding !== 'raw' && encoding !== 'embstr') return NOT_A_STRING
  const length = Number(await thread.call(['STRLEN', key], db))
  const keyText = `key_sds_len:${key.length}, key_sds_avail:0, key_zmalloc: ${key.length}`
  return new StatusReply(`${keyText}, val_sds_len:${length}, val_sds_avail:0, val_zmalloc: ${length}`)
}
