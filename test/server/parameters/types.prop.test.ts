/** What every type of values promises: what it prints it reads, and as many lines of a file as well. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { confLine, confWords } from '../../../src/server/parameters/conf-line.ts'
import { memoryBytes, memoryText } from '../../../src/server/parameters/number-types.ts'
import { PARAMETERS } from '../../../src/server/parameters/parameter-table.ts'
import {
  type ParameterType,
  type ParameterValue,
  parseOption,
} from '../../../src/server/parameters/parameter-type.ts'

const NUMBERS = fc.oneof(
  fc.integer().map(String),
  fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }).map(String),
  fc.constantFrom('0', '1', '-1', '65535', '65536', '2147483647', '9223372036854775807', '100mb', '5%'),
)
const WORDS = fc.oneof(
  NUMBERS,
  fc.constantFrom('yes', 'no', 'auto', 'normal', 'replica', 'TLSv1.3', 'KEA', 'g$lm', '99.9', '0777'),
  fc.constantFrom('CN:a', 'DNS:é b', 'URI:x:y', 'ab'.repeat(32)),
  fc.string({ unit: 'binary', maxLength: 12 }).map((text) => Buffer.from(text).toString('latin1')),
)

function wordsFor({ choices = [] }: ParameterType): fc.Arbitrary<string[]> {
  const fitting = choices.length > 0 ? fc.oneof(fc.constantFrom(...choices), WORDS) : WORDS
  return fc.oneof(
    fc.array(fitting, { minLength: 1, maxLength: 4 }),
    fc.tuple(fitting),
    fc.tuple(fc.constantFrom('normal', 'pubsub', 'replica'), NUMBERS, NUMBERS, NUMBERS),
  )
}

describe.each(PARAMETERS.map((parameter) => [parameter.name, parameter] as const))('%s', (_, parameter) => {
  const { type, default: fallback } = parameter

  test('reads what it prints, in one word and in lines of a file', () => {
    const check = (value: typeof fallback): void => {
      const text = type.print(value)
      if (type.isCumulative === true && parameter.isDirective) expect(linesRead(type, value, [])).toBe(text)
      else {
        expect(printed(type.parse([text], fallback), type)).toBe(text)
        expect(type.print(value)).toBe(linesRead(type, value, fallback))
      }
    }
    check(fallback)
    fc.assert(
      fc.property(wordsFor(type), (words) => {
        const parsed = type.parse(words, fallback)
        if (!('refusal' in parsed)) check(parsed.value)
        else expect(parsed.refusal).toMatch(/\S/)
      }),
      { numRuns: 40 },
    )
  })

  test('takes its default as an option of a program', () => {
    const parsed = parseOption(type, fallback, fallback)
    expect(parsed && printed(parsed, type)).toBe(type.print(fallback))
  })
})

function printed(parsed: ReturnType<ParameterType['parse']>, type: ParameterType): string {
  return 'refusal' in parsed ? `refused: ${parsed.refusal}` : type.print(parsed.value)
}

/** What lines of a file say that were written from a value. */
function linesRead(type: ParameterType, value: ParameterValue, before: ParameterValue): string {
  let present: ParameterValue = before
  for (const words of type.lines?.(value) ?? [[type.print(value)]]) {
    const line = confLine(['name', ...words])
    const [, ...read] = confWords(line) ?? []
    const parsed = type.parse(read, present)
    if ('refusal' in parsed) return `refused: ${parsed.refusal} of ${line}`
    present = parsed.value
  }
  return type.print(present)
}

test('a size of memory is read in Redis units and printed in the largest that fits', () => {
  expect(['1k', '1kb', '1M', '1mb', '2g', '2GB', '7b', '7', ''].map(memoryBytes)).toEqual([
    1000n,
    1024n,
    1_000_000n,
    1_048_576n,
    2_000_000_000n,
    2_147_483_648n,
    7n,
    7n,
    0n,
  ])
  expect(['x', '1.5mb', '-1', '1 mb', '1tb', '+1'].map(memoryBytes)).toEqual(Array(6).fill(undefined))
  expect([0, 1000, 1024, 1536, 104_857_600, 2 ** 31].map(memoryText)).toEqual([
    '0',
    '1000',
    '1kb',
    '1536',
    '100mb',
    '2gb',
  ])
})
