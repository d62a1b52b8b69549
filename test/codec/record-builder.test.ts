/** Generated literals: their keys are data, whatever they contain. */
import { execFileSync } from 'node:child_process'
import { buildSync } from 'esbuild'
import { expect, test } from 'vitest'
import { makeBuilder } from '../../src/codec/record-builder.ts'

/** A source of 1, 2, 3 … */
function counter() {
  let count = 0
  return { read: () => ++count }
}

test('values are read in the order of the keys', () => {
  const keys = ['b', 'a', '10', '9', 'constructor', '日本', '']
  const built = makeBuilder(keys)?.(counter())
  expect(built).toEqual(Object.fromEntries(keys.map((key, i) => [key, i + 1])))
  expect(Object.keys(built ?? {})).toEqual(['9', '10', 'b', 'a', 'constructor', '日本', ''])
})

test('keys cannot become code', () => {
  const keys = [
    '"]: globalThis.owned = 1, ["',
    '`$' + '{globalThis.owned = 1}`',
    '\\"',
    '\n\u2028\u2029',
    "'",
    '*/',
    '\ud800',
  ]
  const built = makeBuilder(keys)?.(counter())
  expect(built).toEqual(Object.fromEntries(keys.map((key, i) => [key, i + 1])))
  expect('owned' in globalThis).toBe(false)
})

test('__proto__ is a key like any other', () => {
  const built = makeBuilder(['__proto__', 'a'])?.(counter()) as object
  expect(Object.getPrototypeOf(built)).toBe(Object.prototype)
  expect(Object.getOwnPropertyDescriptor(built, '__proto__')?.value).toBe(1)
})

test('where code from strings is forbidden, records are decoded without it', () => {
  const entry = new URL('../../src/codec/index.ts', import.meta.url).pathname
  const { outputFiles } = buildSync({ entryPoints: [entry], bundle: true, platform: 'node', write: false })
  const program = `${outputFiles[0]?.text}
    const codec = new ValueCodec()
    let copy
    for (let i = 0; i < 500; i++) copy = codec.decode(codec.encode({ id: i, name: 'x' }).bytes)
    process.stdout.write(JSON.stringify(copy))`
  const output = execFileSync(process.execPath, ['--disallow-code-generation-from-strings', '-'], {
    input: program,
  })
  expect(JSON.parse(output.toString())).toEqual({ id: 499, name: 'x' })
})
