/**
 * Who opens a keyspace first: reads all that the random clients of workload.mjs write, and notes it as they
 * do. What a crash has taken, or brought back, is seen here before anybody writes over it.
 */
import { Notebook } from '../consistency/notes.mjs'
import { stepOf } from '../consistency/steps.mjs'
import { TOKEN_KEYS } from '../consistency/workload.mjs'

const STEPS = [
  ...['L0', 'L1', 'L2', 'L3'].map((key) => ({ type: 'read', key })),
  ...['t0', 't1', 't2', 't3'].map((key) => ({ type: 'get', key })),
]
const OBJECTS = [
  ...['r0', 'r1', 'r2'].map((key) => ['register', key, 'get', ['GET', key]]),
  ...['c0', 'c1'].map((key) => ['counter', key, 'get', ['GET', key]]),
  ...['s0', 's1', 's2'].map((key) => ['set', key, 'read', ['SMEMBERS', key]]),
]

/** Reads everything; what it has noted. */
export async function readAll(keyspace, process, now, onLine) {
  const book = new Notebook(process, onLine)
  const lists = book.add('transactions', { process, callAt: now(), steps: [], status: 'unknown' })
  const replies = await keyspace.batch(
    STEPS.map(({ type, key }) => (type === 'read' ? ['LRANGE', key, '0', '-1'] : ['GET', key])),
  )
  const steps = STEPS.map((step, i) => stepOf(step, replies[i]))
  book.change(lists, { steps, status: 'committed', returnAt: now() })
  for (const [kind, key, type, argv] of OBJECTS) {
    const note = book.add(kind, { process, key, call: { type }, callAt: now(), pending: true })
    const found = (await keyspace.command(...argv)) ?? undefined
    const output = kind === 'counter' ? Number(found ?? 0) : found
    book.change(note, { output, returnAt: now(), pending: false })
  }
  book.add('snapshots', await keyspace.batch(TOKEN_KEYS.map((key) => ['LRANGE', key, '0', '-1'])))
  return book.notes
}
