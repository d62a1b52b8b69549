/** A command with one key: what becomes of its reply, and which commands it may be. */
import { describe, expect, test } from 'vitest'
import { hasOneKey, KeyCommand } from '../../../src/keyspace/client/key-command.ts'
import { commandTable } from '../../../src/keyspace/commands/index.ts'
import { ErrorReply, type Reply } from '../../../src/keyspace/engine/index.ts'

function settled<T>(reply: Reply, convert: (reply: Reply) => T): Promise<T> {
  return new Promise((resolve, reject) => {
    new KeyCommand(3, { db: 1 }, 77, ['GET', 'k'], convert, resolve, reject).resolve(reply)
  })
}

describe('KeyCommand', () => {
  test('carries its arguments without the name', () => {
    const never = (): void => expect.fail()
    const command = new KeyCommand(3, { db: 1, level: 2 }, 77, ['SET', 'k', 'v'], Number, never, never)
    expect(command).toMatchObject({ row: 3, db: 1, level: 2, slot: 77, args: ['k', 'v'] })
  })

  test('settles with what is made of the reply', async () => {
    await expect(settled('12', Number)).resolves.toBe(12)
    await expect(settled(null, (reply) => reply === null)).resolves.toBe(true)
  })

  test('fails with an error reply, which is not converted, and with what the conversion throws', async () => {
    const refused = settled(new ErrorReply('WRONGTYPE', 'Operation against …'), () => expect.fail())
    await expect(refused).rejects.toMatchObject({ code: 'SHL_WRONG_TYPE' })
    const thrown = new RangeError('no')
    const failed = settled(1, () => {
      throw thrown
    })
    await expect(failed).rejects.toBe(thrown)
  })
})

test('only commands whose one key is their first argument, and that never wait, take the short way', () => {
  const isShort = (name: string): boolean => hasOneKey(commandTable.get(name)!)
  for (const name of ['get', 'incr', 'hset', 'zadd', 'lpush', 'pexpire', 'sscan']) {
    expect([name, isShort(name)]).toEqual([name, true])
  }
  for (const name of [
    'set',
    'mget',
    'mset',
    'del',
    'blpop',
    'rename',
    'sort',
    'dbsize',
    'scan',
    'ping',
    'fenced',
  ]) {
    expect([name, isShort(name)]).toEqual([name, false])
  }
  for (const spec of commandTable.rows.filter(hasOneKey)) {
    const argv = [spec.name, ...Array.from({ length: 8 }, (_, i) => `a${i}`)]
    expect([spec.name, commandTable.keysOf(spec, argv).map(({ index }) => index)]).toEqual([spec.name, [1]])
  }
})
