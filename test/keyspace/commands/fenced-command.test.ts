/** Writes with a token. */
import { expect, test } from 'vitest'
import { commandTable } from '../../../src/keyspace/commands/index.ts'
import { type CommandSpec, CommandTable, checkFence } from '../../../src/keyspace/engine/index.ts'
import { makeEngine } from '../../support/engine.ts'

test('a command runs while the lock is held, and is what is logged', () => {
  const { ask, effects } = makeEngine()
  ask('LOCK.ACQUIRE', 'l', 'ann', 'PX', 1000)
  expect(ask('FENCED', 'l', 1, 'RPUSH', 'list', 'a', 'b')).toBe(2)
  expect(effects()).toEqual([['RPUSH', 'list', 'a', 'b']])
  expect(ask('FENCED', 'l', 1, 'GET', 'nothing')).toBeNull()
})

test('a holder that was paused past its lease cannot write, nor one that left', () => {
  const { ask, clock, effects } = makeEngine()
  ask('LOCK.ACQUIRE', 'l', 'ann', 'PX', 1000)
  clock.advance(1000)
  expect(ask('FENCED', 'l', 1, 'SET', 'k', 'v')).toBe(
    '(error) FENCED token 1 of lock l is not held: nobody holds it',
  )
  expect(effects()).toEqual([['LOCK.FREED', 'l', 'ann', '1']])
  ask('LOCK.ACQUIRE', 'l', 'bob', 'PX', 1000)
  expect(ask('FENCED', 'l', 1, 'SET', 'k', 'v')).toBe(
    '(error) FENCED token 1 of lock l is not held: the newest is 2',
  )
  expect(ask('EXISTS', 'k')).toBe(0)
  expect(ask('FENCED', 'l', 2, 'SET', 'k', 'v')).toBe('OK')
  ask('LOCK.RELEASE', 'l', 'bob', 2)
  expect(ask('FENCED', 'l', 2, 'DEL', 'k')).toMatch('FENCED token 2')
})

test.each([
  [['FENCED', 'l', '1', 'NOPE'], /^\(error\) ERR unknown command/],
  [['FENCED', 'l', '1', 'GET'], /^\(error\) ERR wrong number of arguments for 'get'/],
  [['FENCED', 'l', 'x', 'GET', 'k'], /^\(error\) ERR fencing token is not a positive integer/],
  [['FENCED', 'l', '99999999999999999', 'GET', 'k'], /^\(error\) ERR fencing token/],
  [['FENCED', 'l', '1', 'LOCK.FLOOR', '9'], /for the replay/],
])('%j is refused', (argv, expected) => {
  const { ask } = makeEngine()
  ask('LOCK.ACQUIRE', 'l', 'ann', 'PX', 1000)
  expect(ask(...argv)).toMatch(expected)
})

test('two fences may stand one before the other, and a fenced command does not wait', () => {
  const { ask, wait } = makeEngine()
  ask('LOCK.ACQUIRE', 'l', 'ann', 'PX', 1000)
  ask('LOCK.ACQUIRE', 'm', 'ann', 'PX', 1000)
  expect(ask('FENCED', 'l', 1, 'FENCED', 'm', 2, 'INCR', 'n')).toBe(1)
  expect(ask('FENCED', 'l', 1, 'FENCED', 'm', 1, 'INCR', 'n')).toMatch('token 1 of lock m')
  expect(wait('FENCED', 'l', 1, 'BLPOP', 'empty', 0).reply).not.toBeUndefined()
})

test('its keys are the lock, which is only read, and those of the command', () => {
  const keysOf = (...argv: string[]): unknown => {
    const spec = commandTable.find(argv) as CommandSpec
    return commandTable.keysOf(spec, argv).map(({ index, isWritten }) => [argv[index], isWritten])
  }
  expect(keysOf('FENCED', 'l', '1', 'MSET', 'a', '1', 'b', '2')).toEqual([
    ['l', false],
    ['a', true],
    ['b', true],
  ])
  expect(keysOf('FENCED', 'l', '1', 'FENCED', 'm', '2', 'GET', 'a')).toEqual([
    ['l', false],
    ['m', false],
    ['a', false],
  ])
  expect(keysOf('FENCED', 'l', '1', 'NOPE', 'a')).toEqual([['l', false]])
})

test('any handler may ask for the fence; the replay of the log passes it', () => {
  const fencedEcho: CommandSpec = {
    ...(commandTable.get('echo') as CommandSpec),
    name: 'fencedecho',
    arity: 4,
    handler: (call, argv) => {
      checkFence(call, argv[1]!, argv[2]!)
      return argv[3]!
    },
  }
  const { ask, engine, caller } = makeEngine({
    commands: new CommandTable([...commandTable.rows, fencedEcho]),
  })
  expect(ask('FENCEDECHO', 'l', '1', 'hi')).toMatch('FENCED')
  ask('LOCK.ACQUIRE', 'l', 'ann', 'PX', 1000)
  expect(ask('FENCEDECHO', 'l', '1', 'hi')).toBe('hi')
  expect(engine.execute({ ...caller, isReplay: true }, ['FENCEDECHO', 'x', '7', 'hi'])).toBe('hi')
})

test('fences may stand one before another up to a bound: a stranger cannot use up the stack', () => {
  const { ask } = makeEngine()
  ask('LOCK.ACQUIRE', 'l', 'ann', 'PX', 1000)
  const fenced = (count: number): string[] => [
    ...Array.from({ length: count }, () => ['FENCED', 'l', '1']).flat(),
    ...['SET', 'k', 'v'],
  ]
  expect(ask(...fenced(16))).toBe('OK')
  expect(ask(...fenced(17))).toMatch('no more than 16 in all')
  const many = fenced(20_000)
  expect(ask(...many)).toMatch('no more than 16 in all')
  const spec = commandTable.find(many) as CommandSpec
  expect(commandTable.keysOf(spec, many)).toEqual([{ index: 1, isWritten: false }])
  const keys = commandTable.keysOf(spec, fenced(2))
  expect(keys.map(({ index, isWritten }) => `${index}${isWritten ? 'w' : ''}`)).toEqual(['1', '4', '7w'])
})
