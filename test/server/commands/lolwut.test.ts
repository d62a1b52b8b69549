/** The loom. */
import { expect, test } from 'vitest'
import { textOfBytes } from '../../../src/keyspace/engine/index.ts'
import { lolwutReply, weave } from '../../../src/server/commands/lolwut.ts'
import { VerbatimReply } from '../../../src/server/resp/index.ts'

const SEED = 123

function lines(line: string, seed = SEED): string[] {
  const reply = lolwutReply(line.split(' '), seed, '1.2.3')
  if (!(reply instanceof VerbatimReply)) return [reply.text]
  return textOfBytes(reply.text).split('\n')
}

test('a cloth ends with the version', () => {
  const cloth = lines('LOLWUT')
  expect(cloth.slice(-3)).toEqual(['', 'Shardloom ver. 1.2.3', ''])
  expect(cloth.length).toBe(16 + 3)
  for (const row of cloth.slice(0, 16)) expect(row).toMatch(/^[ ▀▄█]{66}$/)
})

test('the same seed is the same cloth, another is another', () => {
  expect(lines('LOLWUT')).toEqual(lines('LOLWUT'))
  expect(lines('LOLWUT', SEED + 1)).not.toEqual(lines('LOLWUT'))
  expect(lines('LOLWUT 66 32 7')).toEqual(lines('LOLWUT 66 32 7', SEED + 1))
})

test('the arguments are columns, rows and a seed, behind the number of shafts', () => {
  const cloth = lines('LOLWUT VERSION 4 20 7 1')
  expect(cloth.length).toBe(4 + 3)
  for (const row of cloth.slice(0, 4)) expect(row).toHaveLength(20)
  expect(lines('LOLWUT VERSION 5')).not.toEqual(lines('LOLWUT VERSION 6'))
})

test('numbers that are too big, or too small, are brought within bounds', () => {
  expect(lines('LOLWUT 1000000 2')[0]).toHaveLength(1000)
  expect(lines('LOLWUT 0 -5').slice(0, 1)[0]).toHaveLength(1)
  expect(lines('LOLWUT VERSION 999999 10 2')[0]).toHaveLength(10)
})

test('what is no number is refused', () => {
  const refused = ['ERR value is not an integer or out of range']
  expect(lines('LOLWUT x')).toEqual(refused)
  expect(lines('LOLWUT VERSION x')).toEqual(refused)
  expect(lines('LOLWUT 1 99999999999999999999')).toEqual(refused)
})

test('a cloth is whole: its halves mirror each other, and neither warp nor weft is all there is', () => {
  for (let seed = 0; seed < 50; seed++) {
    for (const shafts of [3, 4, 8, 24]) {
      const rows = weave({ columns: 40, rows: 20, shafts, seed }).trimEnd().split('\n')
      const whole = rows.map((row) => row.padEnd(40))
      for (const row of whole) expect([...row].reverse().join('')).toBe(row)
      expect(new Set(whole.join('')).size).toBeGreaterThan(1)
    }
  }
})
