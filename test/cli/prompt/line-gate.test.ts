/** Keys that wait for their prompt. */
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { LineGate } from '../../../src/cli/prompt/line-gate.ts'

function open(): { source: PassThrough; gate: LineGate; passed: () => string; interrupts: () => number } {
  const source = new PassThrough()
  let interrupts = 0
  const gate = new LineGate(source, () => interrupts++)
  const passed = (): string => String(gate.input.read() ?? '')
  return { source, gate, passed, interrupts: () => interrupts }
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('lines go through one at a time', async () => {
  const { source, gate, passed } = open()
  source.write('one\rtwo\r\nthree')
  await settle()
  expect(passed()).toBe('')
  gate.open()
  expect(passed()).toBe('one\r')
  gate.open()
  expect(passed()).toBe('two\r\n')
  gate.open()
  expect(passed()).toBe('three')
  source.write('\x1b\r more\n')
  await settle()
  expect(passed()).toBe('\x1b\r more\n')
})

test('Ctrl-C goes through to an open gate, and empties a closed one', async () => {
  const { source, gate, passed, interrupts } = open()
  source.write('typed ahead\x03after')
  await settle()
  expect(interrupts()).toBe(1)
  gate.open()
  expect(passed()).toBe('after')
  source.write('\x03')
  await settle()
  expect([passed(), interrupts()]).toEqual(['\x03', 1])
})

test('the end of the terminal is passed on', async () => {
  const { source, gate } = open()
  const ended = new Promise((resolve) => gate.input.once('end', resolve).resume())
  source.end()
  await ended
})
