/**
 * Lines out of chunks: the same ones however the chunks are cut, with their places, and of bounded length.
 */
import { expect, test } from 'vitest'
import { type Line, LineSplitter } from '../../../../src/keyspace/portable/ndjson/line-splitter.ts'
import { cut } from '../../../support/portable/entries.ts'

class TooLong {
  readonly offset: number
  constructor(offset: number) {
    this.offset = offset
  }
}

function linesOf(chunks: Iterable<Uint8Array>, max = 100): (readonly [number, string])[] {
  const splitter = new LineSplitter(max, (offset) => {
    throw new TooLong(offset)
  })
  const lines: (readonly [number, string])[] = []
  const take = (line: Line | undefined): boolean => {
    if (line !== undefined) lines.push([line.offset, Buffer.from(line.bytes).toString()])
    return line !== undefined
  }
  for (const chunk of chunks) {
    splitter.push(chunk)
    while (take(splitter.next()));
    splitter.keep()
  }
  while (take(splitter.rest()));
  return lines
}

const TEXT = Buffer.from('one\n\ntwo and a half\r\n\n\nlast')
const LINES = [
  [0, 'one'],
  [4, ''],
  [5, 'two and a half\r'],
  [21, ''],
  [22, ''],
  [23, 'last'],
]

test('lines are the same for chunks of any size', () => {
  for (let size = 1; size <= TEXT.length; size++)
    expect([size, linesOf(cut(TEXT, size))]).toEqual([size, LINES])
  expect(linesOf([TEXT, Buffer.from('\n')])).toEqual(LINES)
  expect(linesOf([])).toEqual([])
  expect(linesOf([Buffer.from('\n')])).toEqual([[0, '']])
})

test('a chunk may be used again when the next one is asked for', () => {
  function* chunks(): Generator<Uint8Array> {
    const chunk = new Uint8Array(5)
    for (const piece of cut(TEXT, 5)) {
      chunk.fill(1)
      chunk.set(piece)
      yield chunk.subarray(0, piece.length)
    }
  }
  expect(linesOf(chunks())).toEqual(LINES)
})

test('a line may be as long as allowed, and no longer, whether its end has come or not', () => {
  const text = Buffer.from(`ab\n${'x'.repeat(10)}\n`)
  for (let size = 1; size <= text.length; size++) {
    expect(linesOf(cut(text, size), 10)).toHaveLength(2)
    for (const long of [text, text.subarray(0, -1)]) {
      expect(() => linesOf(cut(long, size), 9)).toThrow(expect.objectContaining({ offset: 3 }))
    }
  }
})

test('a line that does not end is refused as soon as it is too long', () => {
  let given = 0
  function* chunks(): Generator<Uint8Array> {
    for (; given < 1000; given++) yield new Uint8Array(10)
  }
  expect(() => linesOf(chunks(), 95)).toThrow(expect.objectContaining({ offset: 0 }))
  expect(given).toBe(9)
})
