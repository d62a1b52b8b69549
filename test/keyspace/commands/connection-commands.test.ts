/** PING and ECHO. */
import { expect, test } from 'vitest'
import { makeEngine } from '../../support/engine.ts'

test('PING answers PONG, or what it was given', () => {
  const { ask, run } = makeEngine()
  expect(ask('PING')).toBe('PONG')
  // A status, not a string: a client shows it without quotes.
  expect(run('PING')).toMatchObject({ text: 'PONG' })
  expect(run('ping', 'hello \xff\x00')).toBe('hello \xff\x00')
  expect(run('PING', '')).toBe('')
  expect(ask('PING', 'a', 'b')).toBe("(error) ERR wrong number of arguments for 'ping' command")
})

test('ECHO answers its one argument, also when that is large', () => {
  const { ask, run } = makeEngine()
  expect(run('ECHO', 'x')).toBe('x')
  expect(ask('ECHO', new Uint8Array(100_000).fill(255))).toBe('\xff'.repeat(100_000))
  expect(ask('ECHO')).toBe("(error) ERR wrong number of arguments for 'echo' command")
  expect(ask('ECHO', 'a', 'b')).toBe("(error) ERR wrong number of arguments for 'echo' command")
})

test('neither changes anything, or counts as a look at a key', () => {
  const { run, commits, engine } = makeEngine()
  run('PING')
  run('ECHO', 'x')
  expect(commits).toEqual([])
  expect(engine.stats).toMatchObject({ commands: 2, keyHits: 0, keyMisses: 0 })
})
