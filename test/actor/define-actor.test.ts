/** Definitions: what is wrong is said at once, with its place. */
import { expect, test } from 'vitest'
import { defineActor, isActorDefinition } from '../../src/actor/define-actor.ts'

test('a definition is recognised, also one of another copy, and nothing else is', () => {
  expect(isActorDefinition(defineActor({ name: 'a', receive: {} }))).toBe(true)
  const other = Object.defineProperty({ name: 'b', receive: {} }, Symbol.for('shardloom.actor'), {
    value: true,
  })
  expect(isActorDefinition(other)).toBe(true)
  for (const value of [undefined, null, {}, { name: 'x', receive: {} }, () => 1]) {
    expect(isActorDefinition(value)).toBe(false)
  }
})

test.each([
  [{ receive: {} }, /name=/],
  [{ name: '', receive: {} }, /name=""/],
  [{ name: 'a' }, /receive=undefined/],
  [{ name: 'a', receive: { x: 1 } }, /receive\.x=1 allowed=a function/],
  [{ name: 'a', receive: {}, onStop: 5 }, /onStop=5/],
  [{ name: 'a', receive: {}, recieve: {} }, /recieve in defineActor; did you mean receive\?/],
  [{ name: 'a', receive: {}, mailbox: { depthMax: 0 } }, /mailbox\.depthMax=0/],
  [{ name: 'a', receive: {}, mailbox: { policy: 'drop' } }, /mailbox\.policy="drop" allowed=refuse \| wait/],
  [{ name: 'a', receive: {}, initTimeoutMs: 0 }, /initTimeoutMs=0/],
])('refuses %j', (definition, message) => {
  expect(() => defineActor(definition as never)).toThrow(message)
})
