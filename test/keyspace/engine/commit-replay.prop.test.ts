/**
 * What commits log is all that is needed: a second engine that runs nothing but the effects holds the same
 * keys, values and expiries, after random commands of every family, those of chance and of time among them.
 */
import { expect, test } from 'vitest'
import { seededRandom } from '../../../src/base/index.ts'
import { commandTable } from '../../../src/keyspace/commands/index.ts'
import { type Caller, type Reply, ShardEngine } from '../../../src/keyspace/engine/index.ts'
import { FAMILIES, sequenceOf } from '../../support/redis/families.ts'
import { type Resp2Form, resp2Form } from '../../support/resp2.mjs'

const SEQUENCES = process.env['SHL_SOAK'] ? 3000 : 15
const LENGTH = 60
const SEED = Number(process.env['SHL_SEED'] ?? 1)
const KEYS = ['a', 'b', 'c', 'd', 'lex']
const NAMES = [...Object.keys(FAMILIES).filter((name) => name !== 'publish'), 'mixed']
const CALLER: Caller = { id: 'test', resp: 2, db: 0 }
const LOOKS = [['GET'], ['HGETALL'], ['SMEMBERS'], ['LRANGE', '0', '-1'], ['ZRANGE', '0', '-1', 'WITHSCORES']]

/** With a clock that goes on by a millisecond whenever it is asked. */
function makeEngine(seed: number): ShardEngine {
  let nowMs = Date.now()
  let revision = 0
  return new ShardEngine({
    commands: commandTable,
    clock: { wallMs: () => nowMs++, monotonicMs: () => nowMs },
    random: seededRandom(seed),
    nextRevision: () => ++revision,
  })
}

function ask(engine: ShardEngine, argv: readonly string[], db = 0): Resp2Form {
  return resp2Form(engine.execute({ ...CALLER, db }, argv) as Reply)
}

/** Everything in both databases; sets and hashes lie in no order. */
function stateOf(engine: ShardEngine): unknown {
  return [0, 1].map((db) =>
    KEYS.map((key) => [
      ask(engine, ['TYPE', key], db),
      ask(engine, ['PEXPIRETIME', key], db),
      ...LOOKS.map(([name, ...rest]) => {
        const form = ask(engine, [name!, key, ...rest], db)
        return typeof form === 'string' || !/^[HS]/.test(name!) ? form : sorted(name!, form)
      }),
    ]),
  )
}

function sorted(name: string, form: readonly Resp2Form[]): unknown {
  if (name === 'SMEMBERS') return [...form].sort()
  return form.flatMap((item, i) => (i % 2 === 0 ? [[item, form[i + 1]].join('=')] : [])).sort()
}

test.each(NAMES)('the effects of random commands give the same state: %s', (family) => {
  for (let i = 0; i < SEQUENCES; i++) {
    const [engine, replica] = [makeEngine(i), makeEngine(i + 1)]
    const log: string[] = []
    engine.onCommit = ({ effects }) => {
      for (const { db, argv } of effects) {
        const words = argv.map((word) =>
          typeof word === 'string' ? word : Buffer.from(word).toString('latin1'),
        )
        log.push(`${db}: ${words.join(' ').slice(0, 200)}`)
        const reply = resp2Form(replica.execute({ ...CALLER, db, isReplay: true }, argv) as Reply)
        if (typeof reply === 'string' && reply.startsWith('-')) expect.fail(`${log.at(-1)}: ${reply}`)
      }
    }
    for (const argv of sequenceOf(family, SEED * 1_000_003 + i, LENGTH, KEYS.slice(0, 4))) ask(engine, argv)
    expect(stateOf(replica), `sequence ${i}:\n${log.join('\n')}`).toEqual(stateOf(engine))
  }
})
