import { expect, test } from 'vitest'
import { profileOf } from '../../src/client/retry-rules.ts'
import { waitTimeOf, withTimeLeft } from '../../src/client/wait-time.ts'

const timeOf = (line: string) => waitTimeOf(profileOf(line.split(' ')), line.split(' '))

test.each([
  ['BLPOP a 5 0.5', 500, 'BLPOP a 5 0.007'],
  ['BLMPOP 0.5 1 a LEFT', 500, 'BLMPOP 0.007 1 a LEFT'],
  ['BZMPOP 2 1 a MIN COUNT 3', 2000, 'BZMPOP 0.007 1 a MIN COUNT 3'],
  ['BLMOVE a b LEFT LEFT 1', 1000, 'BLMOVE a b LEFT LEFT 0.007'],
  ['LOCK.ACQUIRE a WAIT PX 10 SHARED WAIT 500', 500, 'LOCK.ACQUIRE a WAIT PX 10 SHARED WAIT 7'],
  ['lock.acquireall 2 WAIT b o PX 9 wait 50', 50, 'lock.acquireall 2 WAIT b o PX 9 wait 7'],
  ['SEM.ACQUIRE a o LIMIT 3 PX 10 WAIT 500', 500, 'SEM.ACQUIRE a o LIMIT 3 PX 10 WAIT 7'],
  ['LEASE.GET a o PX 10 WAIT 500', 500, 'LEASE.GET a o PX 10 WAIT 7'],
])('%s waits for %i ms, which can be made less', (line, waitMs, less) => {
  const time = timeOf(line)
  expect(time.waitMs).toBe(waitMs)
  expect(withTimeLeft(line.split(' '), time, 7).join(' ')).toBe(less)
})

test.each([
  ['BLPOP a 0', Number.POSITIVE_INFINITY],
  ['BLPOP a soon', 0],
  ['BLPOP a -1', 0],
  ['LOCK.ACQUIRE a o PX 10', Number.POSITIVE_INFINITY],
  ['LOCK.ACQUIRE a o PX 10 WAIT 0', Number.POSITIVE_INFINITY],
  ['LOCK.ACQUIRE a o PX 10 WAIT soon', Number.POSITIVE_INFINITY],
  ['LOCK.ACQUIRE a o PX 10 WAIT', Number.POSITIVE_INFINITY],
  ['LOCK.ACQUIREALL many a o PX 10 WAIT 5', Number.POSITIVE_INFINITY],
  ['WAIT 1 500', Number.POSITIVE_INFINITY],
])('%s has no time of its own', (line, waitMs) => {
  expect(timeOf(line).waitMs).toBe(waitMs)
})

test.each([0, -3, 0.2])('%f ms that are left are one', (leftMs) => {
  const line = ['BLPOP', 'a', '5']
  expect(withTimeLeft(line, timeOf('BLPOP a 5'), leftMs)).toEqual(['BLPOP', 'a', '0.001'])
})
