/** Who catches up, and who waits. */
import { expect, it } from 'vitest'
import { systemClock } from '../../../src/base/index.ts'
import { CATCHING_UP_MAX, CatchUpLine, type Latecomer } from '../../../src/server/push/catch-up-line.ts'

class Late implements Latecomer {
  hasRead = true
  isPaused = false
  readonly told: string[] = []
  begin(): void {
    this.told.push('begin')
  }
  goOn(): void {
    this.isPaused = false
    this.told.push('goOn')
  }
  giveWay(): void {
    this.isPaused = false
    this.told.push('giveWay')
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 25))

it('so many begin, and the next when one is done', async () => {
  const line = new CatchUpLine(systemClock())
  const all = Array.from({ length: CATCHING_UP_MAX + 2 }, () => new Late())
  for (const one of all) line.add(one)
  await turn()
  expect(line.begun).toBe(CATCHING_UP_MAX)
  expect(all.at(-2)!.told).toEqual([])
  line.delete(all[0]!)
  await turn()
  expect(all.slice(-2).map(({ told }) => told)).toEqual([['begin'], []])
  line.delete(all.at(-1)!)
  line.delete(all[1]!)
  await turn()
  expect(all.at(-1)!.told).toEqual([])
  expect(line.begun).toBe(CATCHING_UP_MAX - 1)
})

it('who does not read has no turn, and gives its place to who does', async () => {
  const line = new CatchUpLine(systemClock())
  const all = Array.from({ length: CATCHING_UP_MAX }, () => new Late())
  for (const one of all) line.add(one)
  await turn()
  const [slow, ...others] = all
  slow!.isPaused = true
  slow!.hasRead = false
  line.paused()
  await turn()
  expect(slow!.told).toEqual(['begin'])
  const last = new Late()
  line.add(last)
  await turn()
  expect([slow!.told, last.told]).toEqual([['begin', 'giveWay'], ['begin']])
  slow!.hasRead = true
  line.delete(others[0]!)
  await turn()
  expect(slow!.told).toEqual(['begin', 'giveWay', 'begin'])
  slow!.isPaused = true
  line.paused()
  await turn()
  expect(slow!.told.at(-1)).toBe('goOn')
})
