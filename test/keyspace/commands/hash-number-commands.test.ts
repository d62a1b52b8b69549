/** Numbers in fields: exact where Redis is exact, and refused with its words. */
import { beforeEach, expect, test } from 'vitest'
import { makeEngine, type Plain, type TestEngine } from '../../support/engine.ts'

let t: TestEngine
beforeEach(() => {
  t = makeEngine()
})
const ask = (line: string): Plain => t.ask(...line.split(' '))

test('HINCRBY counts from nothing, exactly in 64 bits', () => {
  expect(ask('HINCRBY h n 5')).toBe(5)
  expect(t.events()).toEqual(['hincrby h'])
  expect(t.effects()).toEqual([['HINCRBY', 'h', 'n', '5']])
  expect(ask('HINCRBY h n -7')).toBe(-2)
  ask('HSET h n 9007199254740991')
  expect(ask('HINCRBY h n 2')).toBe(9007199254740993n)
  expect(ask('HGET h n')).toBe('9007199254740993')
  ask('HSET h n 9223372036854775806')
  expect(ask('HINCRBY h n 1')).toBe(9223372036854775807n)
  expect(ask('HINCRBY h n 1')).toBe('(error) ERR increment or decrement would overflow')
  expect(ask('HINCRBY h n -9223372036854775808')).toBe(-1)
})

test('HINCRBYFLOAT adds as an 80-bit float does, and logs the result', () => {
  expect(ask('HINCRBYFLOAT h f 0.1')).toBe('0.1')
  expect(ask('HINCRBYFLOAT h f 0.2')).toBe('0.3')
  expect(t.events()).toEqual(['hincrbyfloat h'])
  expect(t.effects()).toEqual([['HSETEX', 'h', 'KEEPTTL', 'FIELDS', '1', 'f', '0.3']])
  expect(ask('HINCRBYFLOAT h f 5.0e3')).toBe('5000.29999999999999982')
  expect(ask('HINCRBYFLOAT h m 1000.1')).toBe('1000.09999999999999998')
})

test('a number that is changed keeps its expiry', () => {
  ask('HSET h n 1')
  ask('HPEXPIRE h 500 FIELDS 1 n')
  ask('HINCRBY h n 1')
  ask('HINCRBYFLOAT h n 0.5')
  expect(ask('HPTTL h FIELDS 1 n')).toEqual([500])
  t.clock.advance(500)
  expect(ask('HINCRBY h n 1')).toBe(1)
})

test.each([
  ['HINCRBY h n x', '(error) ERR value is not an integer or out of range'],
  ['HINCRBY h n 1.5', '(error) ERR value is not an integer or out of range'],
  ['HINCRBY h text 1', '(error) ERR hash value is not an integer'],
  ['HINCRBYFLOAT h text 1', '(error) ERR hash value is not a float'],
  ['HINCRBYFLOAT h n x', '(error) ERR value is not a valid float'],
  ['HINCRBYFLOAT h n nan', '(error) ERR value is not a valid float'],
  ['HINCRBYFLOAT h n inf', '(error) ERR value is NaN or Infinity'],
  ['HINCRBYFLOAT h inf 1', '(error) ERR increment would produce NaN or Infinity'],
])('%s is refused, and changes nothing', (line, message) => {
  ask('HSET h text abc inf inf')
  expect(ask(line)).toBe(message)
  expect(t.events()).toEqual([])
  expect(ask('HLEN h')).toBe(2)
})

test('a refusal leaves no empty key', () => {
  expect(ask('HINCRBYFLOAT h n inf')).toContain('NaN')
  ask('HSET other n x')
  ask('HINCRBY other n 1')
  expect(ask('KEYS *')).toEqual(['other'])
})
