/** A pause by a clock of its own: who waits, and when and in which order they go on. */
import { expect, test } from 'vitest'
import { ClientPause, type Postponed } from '../../../src/server/connection/client-pause.ts'
import { ManualClock } from '../../support/manual-clock.ts'

function setUp() {
  const clock = new ManualClock()
  const seen: string[] = []
  const pause = new ClientPause(clock, () => seen.push(pause.state === undefined ? 'over' : 'on'))
  const client = (name: string, goOn?: () => void): Postponed => ({
    goOnAfterPause() {
      seen.push(name)
      goOn?.()
    },
  })
  return { clock, seen, pause, client }
}

test('everybody goes on at its end, in their order, and one timer is all that waits', () => {
  const { clock, seen, pause, client } = setUp()
  pause.begin(1000, true)
  expect([pause.holds(true), pause.holds(false)]).toEqual([true, false])
  const gone = client('gone')
  for (const one of [client('a'), gone, client('b'), client('c')]) pause.postpone(one)
  pause.forget(gone)
  expect(clock.timerCount).toBe(1)
  clock.advance(999)
  expect(seen).toEqual(['on'])
  clock.advance(1)
  expect(seen).toEqual(['on', 'over', 'a', 'b', 'c'])
  expect([pause.holds(true), clock.timerCount]).toEqual([false, 0])
})

test('a second pause makes the first longer or stricter, and never shorter or milder', () => {
  const { clock, pause } = setUp()
  pause.begin(1000, true)
  pause.begin(10, false)
  expect(pause.state).toEqual({ untilMs: clock.nowMs() + 1000, isWriteOnly: false })
  pause.begin(2000, true)
  expect(pause.state).toEqual({ untilMs: clock.nowMs() + 2000, isWriteOnly: false })
  clock.advance(2000)
  // One of no time is over; and one that is over leaves nothing to the next.
  pause.begin(0, false)
  expect(pause.state).toBeUndefined()
  pause.begin(5, true)
  expect(pause.holds(false)).toBe(false)
  pause.set(undefined)
  expect([pause.state, clock.timerCount]).toEqual([undefined, 0])
})

test('a pause that begins while clients go on holds them up again, and no one is let on twice', () => {
  const { clock, seen, pause, client } = setUp()
  pause.begin(1000, false)
  const again = client('again')
  const first = client('first', () => {
    pause.begin(1000, false)
    pause.postpone(again)
  })
  pause.postpone(first)
  pause.set(undefined)
  expect(seen).toEqual(['on', 'over', 'first', 'on'])
  clock.advance(1000)
  expect(seen.slice(4)).toEqual(['over', 'again'])
})

test('many are let on in slices, and one that leaves in between is not', () => {
  const { clock, seen, pause, client } = setUp()
  pause.begin(1000, false)
  const busy = (name: string): Postponed => client(name, () => clock.advance(3))
  const last = client('d')
  for (const one of [busy('a'), busy('b'), busy('c'), last]) pause.postpone(one)
  pause.set(undefined)
  expect(seen.slice(2)).toEqual(['a', 'b'])
  pause.forget(last)
  clock.advance(0)
  expect(seen.slice(2)).toEqual(['a', 'b', 'c'])
})

test('what is on its way when it is asked is waited for, and nothing that comes later', async () => {
  const { pause } = setUp()
  const ends: ((error?: Error) => void)[] = []
  const begin = (): Promise<void> =>
    pause.track(
      new Promise((resolve, reject) => void ends.push((error) => (error ? reject(error) : resolve()))),
    )
  const works = [begin(), begin()]
  let isSettled = false
  const settled = pause.settled().then(() => {
    isSettled = true
  })
  void begin()
  ends[0]!()
  await works[0]
  expect(isSettled).toBe(false)
  ends[1]!(new Error('lost'))
  await expect(works[1]).rejects.toThrow('lost')
  await settled
})
