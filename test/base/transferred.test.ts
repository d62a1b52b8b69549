/** The mark on what moves. */
import { expect, test } from 'vitest'
import { Transferred, transfer } from '../../src/base/index.ts'

test('what is marked is known, also when another copy of the package has marked it', () => {
  const bytes = new Uint8Array(8)
  const marked = transfer(bytes, [bytes.buffer])
  expect(marked).toBeInstanceOf(Transferred)
  expect(marked).toMatchObject({ value: bytes, list: [bytes.buffer] })
  expect({ [Symbol.for('shardloom.transferred')]: true }).toBeInstanceOf(Transferred)
})

test.each([undefined, null, 1, 'text', {}, { value: 1, list: [] }])('%j is not marked', (value) => {
  expect(value instanceof Transferred).toBe(false)
})
