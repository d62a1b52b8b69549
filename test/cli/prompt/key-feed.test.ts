/** Keys as the line editor gets them: text at once, keys one by one, in order. */
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { KeyFeed } from '../../../src/cli/prompt/key-feed.ts'

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function open(): { source: PassThrough; taken: string[]; feed: KeyFeed } {
  const source = new PassThrough()
  const feed = new KeyFeed(source, () => undefined)
  const taken: string[] = []
  feed.onText = (text) => taken.push(`text ${text}`)
  feed.input.on('data', (key: Buffer) => taken.push(key.toString()))
  return { source, taken, feed }
}

test.each<[what: string, keys: string, taken: readonly string[]]>([
  ['one key', 'a', ['a']],
  ['text between keys', '\x15get a\x01xy\r', ['\x15', 'text get a', '\x01', 'text xy', '\r']],
  ['a Tab at the end is a key, one within is text', 'a\tb\t', ['text a\tb', '\t']],
  ['what has an escape in it is keys', '\x1b[Dab', ['\x1b', '[', 'D', 'a', 'b']],
  ['a character of two code units is one key', '🙂', ['🙂']],
  ['characters of any script are text', 'é🙂', ['text é🙂']],
])('%s', async (_, keys, expected) => {
  const { source, taken } = open()
  source.write(keys)
  await settle()
  expect(taken).toEqual(expected)
})

test('a key or a character that comes in two pieces is one', async () => {
  const { source, taken } = open()
  for (const piece of ['\x1b', '[A', Buffer.of(0xc3), Buffer.of(0xa9), 'ab']) {
    source.write(piece)
    await settle()
  }
  expect(taken).toEqual(['\x1b', '[', 'A', 'é', 'text ab'])
})

test('the end is passed on', async () => {
  const { source, feed } = open()
  const ended = new Promise((resolve) => feed.input.once('end', resolve))
  source.end()
  await ended
})
