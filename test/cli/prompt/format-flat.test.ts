/** Replies for programs. Raw and CSV are compared with redis-cli in format-reply.test.ts. */
import { expect, test } from 'vitest'
import { plainPaint } from '../../../src/cli/connection/paint.ts'
import { formatCsv, formatJson, formatRaw } from '../../../src/cli/prompt/format-flat.ts'
import { printedReply } from '../../../src/cli/prompt/output-format.ts'
import type { RespValue } from '../../../src/server/resp/index.ts'

const text = (value: string): RespValue => ({ type: 'string', text: value })
const integer = (value: number): RespValue => ({ type: 'integer', value })
const MIXED: RespValue = {
  type: 'map',
  flat: [
    ...[text('a"b'), { type: 'array', items: [integer(1), { type: 'null', of: 'any' }] } as const],
    ...[integer(2), { type: 'boolean', value: true } as const],
    ...[text('d'), { type: 'double', value: 1.5, text: '1.5' } as const],
    ...[text('i'), { type: 'double', value: Number.POSITIVE_INFINITY, text: 'inf' } as const],
    ...[text('n'), { type: 'bigNumber', value: 12345678901234567890n } as const],
    ...[text('e'), { type: 'error', text: 'ERR "no"' } as const],
    ...[text('v'), { type: 'verbatim', format: 'txt', text: 'line\nline' } as const],
    ...[text('s'), { type: 'set', items: [{ type: 'status', text: 'OK' }] } as const],
  ],
}

test('JSON can be parsed, and its keys are strings', () => {
  expect(JSON.parse(formatJson(MIXED, false))).toEqual({
    'a"b': [1, null],
    2: true,
    d: 1.5,
    i: 'inf',
    n: Number('12345678901234567890'),
    e: { error: 'ERR "no"' },
    v: 'line\nline',
    s: ['OK'],
  })
  expect(JSON.parse(formatJson(MIXED, true))).toMatchObject({ 'a\\"b': [1, null], v: 'line\\nline' })
})

test('JSON holds UTF-8 as it is, and in ASCII with escapes', () => {
  const bytes = Buffer.from('grün').toString('latin1')
  expect(Buffer.from(formatJson(text(bytes), false), 'latin1').toString()).toBe('"grün"')
  expect(formatJson(text(bytes), true)).toBe(String.raw`"gr\\xc3\\xbcn"`)
})

test('what stands about a reply is left out', () => {
  const value: RespValue = { type: 'attribute', flat: [text('ttl'), integer(1)], reply: text('x') }
  expect([formatRaw(value), formatCsv(value), formatJson(value, false)]).toEqual(['x', '"x"', '"x"'])
})

test('delimiters of raw replies', () => {
  const value: RespValue = { type: 'array', items: [text('a'), text('b')] }
  expect(formatRaw(value, ',')).toBe('a,b')
  const format = { form: 'raw', paint: plainPaint, elementDelimiter: ',', replyDelimiter: '|' } as const
  expect(printedReply(value, ['get'], format)).toBe('a,b|')
})

test('text for people is printed as it is', () => {
  const format = {
    form: 'standard',
    paint: plainPaint,
    elementDelimiter: '\n',
    replyDelimiter: '\n',
  } as const
  expect(printedReply(text('# Server\r\n'), ['info'], format)).toBe('# Server\r\n')
  expect(printedReply(text('id=1'), ['client', 'LIST'], format)).toBe('id=1\n')
  expect(printedReply(text('a'), ['get', 'list'], format)).toBe('"a"\n')
  expect(printedReply({ type: 'error', text: 'ERR no' }, ['info'], format)).toBe('ERR no\n')
  expect(printedReply(text('a\n'), ['info'], { ...format, form: 'json' })).toBe('"a\\n"\n')
})
