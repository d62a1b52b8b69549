/** Ways to run the commands of imports and exports: on an engine, or on a real Redis. */

import { ErrorReply, type Reply } from '../../../src/keyspace/engine/index.ts'
import { type Command, plainReply, type RunCommands } from '../../../src/keyspace/portable/index.ts'
import type { TestEngine } from '../engine.ts'
import type { RespClient } from '../redis/resp-client.ts'
import type { Resp2Form } from '../resp2.mjs'
import type { WholeKey } from './entries.ts'

/** Runs commands on one shard's engine. */
export function engineRun({ engine }: Pick<TestEngine, 'engine'>, seen: Command[] = []): RunCommands {
  return async (db, commands) => {
    seen.push(...commands)
    return commands.map((argv) => {
      try {
        return plainReply(engine.execute({ id: 'portable', resp: 3, db }, argv) as Reply)
      } catch (thrown) {
        // There is no such database.
        if (thrown instanceof ErrorReply) return thrown
        throw thrown
      }
    })
  }
}

/** Runs commands on a Redis. */
export function redisRun(client: RespClient): RunCommands {
  return async (db, commands) => {
    const [, ...replies] = await client.pipeline([['SELECT', String(db)], ...commands.map(wordsOf)])
    return replies.map(plainForm)
  }
}

/** A command as words with a character a byte. */
export function wordsOf(command: Command): string[] {
  return command.map((word) => (typeof word === 'string' ? word : Buffer.from(word).toString('latin1')))
}

function plainForm(form: Resp2Form): unknown {
  if (typeof form !== 'string') return form.map(plainForm)
  switch (form[0]) {
    case '_':
    case '*':
      return null
    case ':':
      return Number(form.slice(1))
    case '-':
      return new Error(form.slice(1))
    default:
      return form.slice(1)
  }
}

/** All that an engine holds, straight from its databases; scores to the bit. */
export function keysOfEngine({ engine }: Pick<TestEngine, 'engine'>): readonly WholeKey[] {
  const keys: WholeKey[] = []
  engine.atomically(() => {
    for (const db of engine.openDatabases()) {
      const names: string[] = []
      for (let cursor = db.scan(0, 1000, (key) => names.push(key)); cursor !== 0; ) {
        cursor = db.scan(cursor, 1000, (key) => names.push(key))
      }
      for (const key of names) {
        const type = db.typeOf(key)
        if (type === undefined) continue
        const head = { db: db.index, key, expireAt: db.expireAt(key)! }
        if (type === 'string') keys.push({ ...head, value: { type, text: db.string(key)! } })
        else if (type === 'list')
          keys.push({ ...head, value: { type, elements: [...db.list(key)!.values()] } })
        else if (type === 'set') {
          const all = db.set(key)!.slice(0, 1e6)
          const times = all.map(({ expireAtMs }) => expireAtMs)
          keys.push({ ...head, value: { type, members: all.map(({ member }) => member), times } })
        } else if (type === 'hash') {
          const all = db.hash(key)!.slice(0, 1e6)
          const times = all.map(({ expireAtMs }) => expireAtMs)
          const [fields, values] = [all.map(({ field }) => field), all.map(({ value }) => value)]
          keys.push({ ...head, value: { type, fields, values, times } })
        } else {
          const all = db.sortedSet(key)!.slice(0, 1e6)
          const times = all.map(({ expireAtMs }) => expireAtMs)
          const [members, scores] = [all.map(({ member }) => member), all.map(({ score }) => score)]
          keys.push({ ...head, value: { type, members, scores, times } })
        }
      }
    }
  })
  return keys
}
