/** Figures as people read them. */
import { expect, test } from 'vitest'
import {
  bytesText,
  countOf,
  ProgressBar,
  type StorageOutput,
  timeText,
  wordText,
} from '../../../src/cli/storage/figures.ts'

test('bytes have the unit that makes them short', () => {
  expect([0, 1, 1023, 1024, 1536, 1024 ** 2, 5 * 1024 ** 3, 1024 ** 6].map(bytesText)).toEqual([
    '0 bytes',
    '1 byte',
    '1023 bytes',
    '1.0 KiB',
    '1.5 KiB',
    '1.0 MiB',
    '5.0 GiB',
    '1024.0 PiB',
  ])
  expect([countOf(1, 'shard'), countOf(2, 'shard'), timeText(0)]).toEqual([
    '1 shard',
    '2 shards',
    '1970-01-01T00:00:00.000Z',
  ])
})

test('words are quoted, escaped and shortened so that nothing reaches the terminal', () => {
  expect(['plain', '', 'two words', 'say "x"', 'a\\b', "it's"].map((word) => wordText(word))).toEqual([
    'plain',
    '""',
    '"two words"',
    '"say \\"x\\""',
    '"a\\\\b"',
    '"it\'s"',
  ])
  expect(wordText('\x1b[31m\n\xff\x00')).toBe('"\\x1b[31m\\x0a\\xff\\x00"')
  expect(wordText(Uint8Array.of(65, 0, 66))).toBe('"A\\x00B"')
  expect(wordText('x'.repeat(60))).toBe('x'.repeat(60))
  expect(wordText('x'.repeat(61))).toBe(`"${'x'.repeat(60)}"… (61 bytes)`)
  expect(wordText(new Uint8Array(2048).fill(65))).toBe(`"${'A'.repeat(60)}"… (2.0 KiB)`)
})

test('a bar is drawn on a terminal, once for each percent, and taken away', () => {
  const drawn: string[] = []
  const output = (isTerminal: boolean): StorageOutput => ({
    out: () => undefined,
    err: (text) => void drawn.push(text),
    isTerminal,
    isClosed: () => false,
    ask: async () => undefined,
  })
  const bar = new ProgressBar(output(true), 'reading')
  for (const done of [0, 1, 500, 501, 1000]) bar.show(done, 1000)
  bar.clear()
  bar.clear()
  expect(drawn).toEqual([
    `\r\x1b[Kreading ${'░'.repeat(30)} 0 %`,
    `\r\x1b[Kreading ${'█'.repeat(15)}${'░'.repeat(15)} 50 %`,
    `\r\x1b[Kreading ${'█'.repeat(30)} 100 %`,
    '\r\x1b[K',
  ])
  const silent = new ProgressBar(output(false), 'reading')
  silent.show(1, 2)
  silent.clear()
  expect(drawn).toHaveLength(4)
})
