import { expect, test } from 'vitest'
import { seededRandom, systemClock } from '../../src/base/index.ts'
import type { ClientEvent } from '../../src/client/client-event.ts'
import { clientSettings } from '../../src/client/connect-options.ts'
import { backoff, Connector } from '../../src/client/connector.ts'
import { failureOf, sleep } from '../support/client-lab.ts'
import { freePort } from '../support/redis/redis-server.ts'

function pausesOf(seed: number, count: number): number[] {
  const pauses: number[] = []
  let pause = backoff(50, 5000, seededRandom(seed))
  for (let i = 0; i < count; i++) {
    pauses.push(pause.duration)
    pause = pause.next(undefined)
  }
  return pauses
}

test('pauses double up to the longest, each drawn from the upper half', () => {
  for (let seed = 0; seed < 20; seed++) {
    for (const [i, pause] of pausesOf(seed, 60).entries()) {
      const full = Math.min(5000, 50 * 2 ** i)
      expect(pause).toBeGreaterThanOrEqual(full / 2)
      expect(pause).toBeLessThanOrEqual(full)
    }
  }
})

test('the same seed draws the same pauses, another one others', () => {
  expect(pausesOf(1, 10)).toEqual(pausesOf(1, 10))
  expect(pausesOf(1, 10)).not.toEqual(pausesOf(2, 10))
})

test('clients that lost one server do not come back at one moment', () => {
  const first = Array.from({ length: 100 }, (_, seed) => pausesOf(seed, 3)[2]!)
  const buckets = new Set(first.map((ms) => Math.floor((ms - 100) / 10)))
  expect(buckets.size).toBeGreaterThanOrEqual(8)
})

test('after failures in a row nobody is let through, but one after each pause', async () => {
  const events: ClientEvent[] = []
  const settings = clientSettings(`shardloom://127.0.0.1:${await freePort()}`, {
    breaker: { failures: 2, halfOpenMs: 60, maxMs: 120 },
  })
  const connector = new Connector({
    ...{ settings, clock: systemClock(), random: seededRandom(5) },
    tell: (event) => events.push(event),
  })
  const wish = { purpose: 'commands' as const }
  expect(connector.refusal()).toBeUndefined()
  for (let i = 0; i < 2; i++) {
    expect(await failureOf(connector.open(wish))).toMatchObject({ code: 'SHL_CONNECTION_FAILED' })
  }
  expect(connector.circuit).toBe('open')
  expect(await failureOf(connector.open(wish))).toMatchObject({
    ...{ code: 'SHL_CIRCUIT_OPEN', details: { isSent: false } },
  })
  expect(connector.refusal()?.details).toMatchObject({ failures: 2 })
  expect(connector.counts.connectFailures).toBe(2)
  await sleep(Math.ceil(connector.waitMs) + 5)
  expect(connector.refusal()).toBeUndefined()
  const both = await Promise.all([failureOf(connector.open(wish)), failureOf(connector.open(wish))])
  expect(both.map(({ code }) => code).sort()).toEqual(['SHL_CIRCUIT_OPEN', 'SHL_CONNECTION_FAILED'])
  expect(connector.counts.connectFailures).toBe(3)
  const states = events.flatMap((event) => (event.type === 'circuit' ? [event.state] : []))
  expect(states).toEqual(['open', 'halfOpen', 'open'])
  connector.close()
})
