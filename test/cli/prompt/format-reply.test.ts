/** Replies for people: ours against what the real redis-cli prints of the same server. */
import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { colourPaint } from '../../../src/cli/connection/paint.ts'
import { formatReply } from '../../../src/cli/prompt/format-reply.ts'
import { cli, type PortedRedis, startPorted } from './captured-cli.ts'

const RESP3 = 'redis.setresp(3) return '
/** Lua values, which a server turns into nested replies. */
const NESTED: readonly string[] = [
  '{1,2,3}',
  '{}',
  '{{}}',
  '{{{1}}}',
  '{1,{2,{3,{4}},5},6}',
  '{"a",{"b","c"},{{"d","e"},"f"}}',
  '{1,2,3,4,5,6,7,8,9,{10,{11,12}}}',
  '{1,2,3,4,5,6,7,8,9,10,11,{1,2,3,4,5,6,7,8,9,{10}}}',
  `{${Array.from({ length: 101 }, (_, i) => i).join(',')}}`,
  '{false,"",{false}}',
  '{{ok="FINE"},{err="BAD thing"}}',
  '{err="BAD thing"}',
  '{ok="FINE"}',
]
/** Lua values of RESP3; a map has one key, since its order is nobody's. */
const NESTED3: readonly string[] = [
  '{double=3.25}',
  '{double=-0.1}',
  '{map={}}',
  '{set={}}',
  '{map={a=1}}',
  '{map={a={1}}}',
  '{map={a={1,2}}}',
  '{map={a={{1,2}}}}',
  '{map={a={map={b={map={c={1,2}}}}}}}',
  '{map={a={set={x=true}}}}',
  '{map={a={}}}',
  '{map={a={map={}}}}',
  '{map={[1]={map={[2]="x"}}}}',
  '{set={x=true}}',
  '{set={x=true},{1,2}}',
  '{{map={a={1,2}}},{double=1.5},true,false,{set={x=true}}}',
]
const PROTOCOL = ['string', 'integer', 'double', 'null', 'array', 'set', 'map', 'verbatim', 'true', 'false']

const quote = (script: string): string => `'${script.replaceAll("'", "\\'")}'`
const LINES: readonly string[] = [
  ...NESTED.map((value) => `eval ${quote(`return ${value}`)} 0`),
  ...PROTOCOL.map((name) => `debug protocol ${name}`),
  String.raw`echo "\x00\x01\x07\b\t\n\r\"\\ ~\x7f\x80\xff"`,
  'echo ""',
  'ping',
  'nope a b',
  'command docs set',
  'command info get set',
  'client info nope',
  'set k',
  'config get maxmemory-policy',
]
const LINES3: readonly string[] = [
  ...LINES,
  ...NESTED3.map((value) => `eval ${quote(`${RESP3}${value}`)} 0`),
  'command docs lmpop xadd',
]

let redis: PortedRedis | undefined

beforeAll(async () => {
  redis = await startPorted(['--enable-debug-command', 'yes'])
})

afterAll(() => redis?.server.stop())

describe.each([
  ['-2', '--no-raw', LINES],
  ['-3', '--no-raw', LINES3],
  ['-2', '--raw', LINES],
  ['-3', '--raw', LINES3],
  ['-2', '--csv', LINES],
  ['-3', '--csv', LINES3],
])('%s %s', (resp, form, lines) => {
  test('every reply is printed as redis-cli prints it', async ({ skip }) => {
    // Others print a little differently.
    if (redis?.server.version.startsWith('7.0.') !== true) return skip()
    const words = ['-p', String(redis.port), resp, form]
    // A line between the replies, so that a difference is seen where it is.
    const input = lines.flatMap((line, index) => [`echo "== ${index}"`, line]).join('\n')
    const theirs = execFileSync('redis-cli', words, { input, encoding: 'latin1' })
    const { out } = await cli(words, input)
    expect(out.split('\n')).toEqual(theirs.split('\n'))
  })
})

test('what redis-cli cannot read is printed in its manner', () => {
  const one = { type: 'integer', value: 1 } as const
  const key = { type: 'string', text: 'k' } as const
  expect(formatReply({ type: 'bigNumber', value: 12345678901234567890n })).toBe(
    '(big number) 12345678901234567890\n',
  )
  expect(formatReply({ type: 'push', items: [] })).toBe('(empty push)\n')
  expect(formatReply({ type: 'push', items: [key, one] })).toBe('1) "k"\n2) (integer) 1\n')
  expect(formatReply({ type: 'attribute', flat: [key, one], reply: one })).toBe(
    '1| "k" => (integer) 1\n(integer) 1\n',
  )
  expect(formatReply({ type: 'double', value: Number.POSITIVE_INFINITY, text: 'inf' })).toBe('(double) inf\n')
})

test('colours stand around the words', () => {
  expect(formatReply({ type: 'error', text: 'ERR no' }, colourPaint)).toBe('\x1b[31m(error) ERR no\x1b[0m\n')
  const painted = formatReply({ type: 'array', items: [{ type: 'null', of: 'any' }] }, colourPaint)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours are what is looked for.
  expect(painted.replaceAll(/\x1b\[\d*m/g, '')).toBe('1) (nil)\n')
})
