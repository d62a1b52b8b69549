/** Questions and changes between threads. */
import { expect, test } from 'vitest'
import type { ActorRef } from '../../../src/actor/index.ts'
import { type PeerMessages, Peers, type TopicMessage } from '../../../src/server/thread/peers.ts'

/** Peers whose messages arrive when the test says so, or at once. */
function threads(count: number, before: () => Promise<void> = async () => undefined) {
  const all = Array.from({ length: count }, () => new Peers(1000))
  const log: string[] = []
  const lost = new Set<number>()
  const refs = all.map((peers, place) => ({
    async ask(type: 'answer' | 'change', message: TopicMessage) {
      await before()
      if (lost.has(place)) throw new Error('the thread is lost')
      return type === 'answer' ? peers.answer(message) : peers.handOut(message)
    },
  })) as unknown as ActorRef<PeerMessages>[]
  all.forEach((peers, place) => {
    peers.topics.set('who', () => place)
    peers.topics.set('note', (what: string) => void log.push(`${place}${what}`))
    peers.join(refs, place)
  })
  return { all, log, lost, refs }
}

test('every thread answers, in the order of threads; a lost one is left out', async () => {
  const { all, lost } = threads(3)
  expect(await all[1]!.ask('who')).toEqual([0, 1, 2])
  lost.add(0)
  expect(await all[1]!.ask('who')).toEqual([1, 2])
  expect(await all[1]!.askOne(2, 'who')).toBe(2)
})

test('changes that are asked for at once on different threads are made in one order on all', async () => {
  let turn = 0
  const { all, log } = threads(3, async () => {
    // Some messages take longer than others.
    for (let i = turn++ % 4; i > 0; i--) await new Promise((resolve) => setImmediate(resolve))
  })
  await Promise.all([
    all[2]!.change('note', 'a'),
    all[0]!.change('note', 'b'),
    all[1]!.change('note', 'c'),
    all[0]!.change('note', 'd'),
  ])
  const orders = [0, 1, 2].map((place) =>
    log.filter((line) => line.startsWith(String(place))).map((line) => line.slice(1)),
  )
  expect(orders[0]!.slice().sort()).toEqual(['a', 'b', 'c', 'd'])
  expect(orders[1]).toEqual(orders[0])
  expect(orders[2]).toEqual(orders[0])
})

test('a server that is alone asks nobody, and what no part answers is an error', async () => {
  const alone = new Peers(1000)
  alone.topics.set('who', () => 'me')
  expect(await alone.ask('who')).toEqual(['me'])
  await expect(alone.ask('nothing')).rejects.toMatchObject({ code: 'SHL_SERVER_TOPIC' })
})

test('whoever is named hands out changes, and something else is done between two of them', async () => {
  const { all, log, refs } = threads(3)
  all.forEach((peers, place) => {
    peers.join(refs, place, 1)
  })
  let goOn: () => void = () => undefined
  const between = all[1]!.between(
    () =>
      new Promise((resolve) => {
        goOn = resolve
      }),
  )
  const changes = [all[0]!.change('note', 'a'), all[1]!.change('note', 'b')]
  await new Promise((resolve) => setImmediate(resolve))
  expect(log).toEqual([])
  goOn()
  await Promise.all([between, ...changes])
  expect(log.filter((line) => line.startsWith('2')).length).toBe(2)
})
