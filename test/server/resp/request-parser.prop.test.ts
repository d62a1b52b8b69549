/** Whatever comes, and wherever it is cut: the same requests, the same failure, and bounded memory. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  OWN_BYTES_MIN,
  REQUEST_LIMITS,
  type RequestLimits,
  RequestParser,
  strangerLimits,
} from '../../../src/server/resp/index.ts'
import { bytesOf, encode, FAILED_MARK, readAll } from '../../support/resp/request-lab.ts'

const SCALE = process.env['SHL_SOAK'] ? 50 : 1

const size = fc.oneof(
  { weight: 20, arbitrary: fc.nat(40) },
  { weight: 2, arbitrary: fc.constantFrom(255, 256, 257, 511, 512, 513, 2048, 5000) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(OWN_BYTES_MIN - 1, OWN_BYTES_MIN, 65_535, 65_536, 70_000, 200_000),
  },
)
const word = fc.record({ size, seed: fc.nat(255) }).map(({ size, seed }) => {
  const bytes = Buffer.alloc(size)
  for (let i = 0; i < size; i++) bytes[i] = (seed + i * 7) & 255
  return bytes.toString('latin1')
})
const request = fc.array(word, { minLength: 1, maxLength: 12 })
const fractions = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 })

/** Cuts are drawn as parts of the whole, since its length is not known before. */
function cutsOf(stream: Uint8Array, parts: readonly number[]): number[] {
  return parts.map((part) => Math.floor(part * stream.length))
}

test('requests that are encoded, cut anywhere and held at times come back', () => {
  fc.assert(
    fc.property(
      fc.array(request, { maxLength: 8 }),
      fractions,
      fc.uniqueArray(fc.nat(8)),
      (requests, parts, held) => {
        const stream = bytesOf(requests.map(encode).join(''))
        const found = readAll(new RequestParser(), stream, {
          cuts: cutsOf(stream, parts),
          holds: new Set(held),
        })
        // Not toEqual: printing what differs would take minutes.
        if (JSON.stringify(found) !== JSON.stringify(requests)) expect.fail('other requests came back')
      },
    ),
    { numRuns: 250 * SCALE },
  )
})

/** Pieces of the protocol, right and wrong, of which streams are made. */
const token = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('*1', '*2', '*3', '*0', '*-1', '*10', '*01', '*', '*12345678901') },
  { weight: 8, arbitrary: fc.constantFrom('\r\n', '\r\n', '\r', '\n', ' ', '\0') },
  {
    weight: 8,
    arbitrary: fc.constantFrom('$0', '$1', '$3', '$4', '$-1', '$03', '$', '$300', '$32769', '$99999'),
  },
  { weight: 6, arbitrary: fc.constantFrom('PING', 'GET', 'a', 'ab', '"', "'", '\\x41', '\\', '"a b" ') },
  { weight: 2, arbitrary: fc.constantFrom('$3\r\nGET\r\n', '$1\r\na\r\n', '*1\r\n$4\r\nPING\r\n', '*2\r\n') },
  { weight: 1, arbitrary: fc.constantFrom('x'.repeat(300), 'y'.repeat(33_000), '1'.repeat(200)) },
  {
    weight: 2,
    arbitrary: fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  },
)
const stream = fc.array(token, { maxLength: 40 }).map((tokens) => bytesOf(tokens.join('')))
const limits = fc.constantFrom<RequestLimits>(
  REQUEST_LIMITS,
  strangerLimits(REQUEST_LIMITS),
  { ...REQUEST_LIMITS, inlineBytesMax: 100, argumentBytesMax: 50_000 },
  { ...REQUEST_LIMITS, requestBytesMax: 120 },
  { ...REQUEST_LIMITS, requestBytesMax: 40_000, argumentsMax: 2 },
)

test('any bytes are requests, a wait or a failure, wherever they are cut, in bounded memory', () => {
  const outcomes = new Map<string, number>()
  fc.assert(
    fc.property(stream, limits, fractions, (bytes, limits, parts) => {
      const whole = readAll(new RequestParser(limits), bytes)
      const parser = new RequestParser(limits)
      const check = (arrivedBytes: number): void => {
        // Tables of 16 rows, the least that is held, and the first step of a large argument.
        const bound = 4 * arrivedBytes + 4096 + (arrivedBytes > 6 ? 65_536 : 0)
        if (parser.memoryBytes > bound) expect.fail(`${parser.memoryBytes} bytes held after ${arrivedBytes}`)
        if (parser.pendingBytes > Math.min(arrivedBytes, limits.requestBytesMax))
          expect.fail('too much pending')
      }
      const cut = readAll(parser, bytes, { cuts: cutsOf(bytes, parts), check })
      expect(cut).toEqual(whole)
      if (bytes.length > 400) return
      const single = readAll(new RequestParser(limits), bytes, { cuts: Array.from(bytes, (_, i) => i) })
      expect(single).toEqual(whole)
      const last = whole.at(-1)
      const outcome = last?.[0] === FAILED_MARK ? String(last[1]).slice(0, 40) : 'more'
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }),
    { numRuns: 1500 * SCALE },
  )
  // Else the streams would be too wrong, or not wrong enough.
  expect(outcomes.size).toBeGreaterThanOrEqual(7)
  expect(outcomes.get('more')).toBeGreaterThan(100)
})
