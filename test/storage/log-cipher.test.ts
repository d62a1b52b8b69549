/** The cipher of a log: nonces that never meet, and a log that goes on whatever key it had before. */
import { expect, test } from 'vitest'
import { KIND_SEALED } from '../../src/storage/log-format.ts'
import type { LogKey } from '../../src/storage/log-key.ts'
import { decodeSegmentInfo, NO_SEAL } from '../../src/storage/segment-info.ts'
import { takenApart } from '../support/forger.ts'
import { keyOf, type LogWorld, opened, segmentPath } from '../support/log-world.ts'

/** The sealed records of a segment: nonce and tag. */
function sealsIn(world: LogWorld, number = 1): { nonce: string; tag: string }[] {
  return takenApart(world.disk.contentOf(segmentPath(number))!).flatMap(({ kind, payload }) =>
    kind === KIND_SEALED
      ? { nonce: payload.toString('hex', 4, 16), tag: payload.toString('hex').slice(-32) }
      : [],
  )
}

function infoOf(world: LogWorld, number: number) {
  return decodeSegmentInfo(takenApart(world.disk.contentOf(segmentPath(number))!)[0]!.payload)!
}

test('nonces count from what each process draws for each segment', async () => {
  const first = await opened({ key: keyOf(1) })
  for (let i = 0; i < 3; i++) {
    first.append(10)
    await first.wait('os')
  }
  const second = first.after(first.disk.afterKill(), 'os')
  await second.open()
  second.append(10)
  await second.wait('os')
  second.nextSegment()
  second.append(10)
  await second.wait('os')
  const nonces = [...sealsIn(second, 1), ...sealsIn(second, 2)].map(({ nonce }) => nonce)
  expect(new Set(nonces.map((nonce) => nonce.slice(0, 16))).size).toBe(3)
  expect(nonces.map((nonce) => nonce.slice(16))).toEqual([
    '00000000',
    '01000000',
    '02000000',
    '00000000',
    '00000000',
  ])
  expect(infoOf(second, 1).sealing?.salt).not.toBe(infoOf(second, 2).sealing?.salt)
})

test('each segment says with what seal the one before it ends, even if it has none', async () => {
  const world = await opened({ key: keyOf(1) })
  expect(infoOf(world, 1).sealing).toMatchObject({ key: keyOf(1).id, seal: NO_SEAL })
  world.append(10)
  world.nextSegment()
  world.nextSegment()
  await world.wait('fsync')
  const tag = sealsIn(world, 1).at(-1)?.tag
  expect([2, 3].map((number) => infoOf(world, number).sealing?.seal)).toEqual([tag, tag])
  const next = world.after(world.disk.afterKill(), 'os')
  await next.open()
  next.nextSegment()
  await next.wait('fsync')
  expect(infoOf(next, 4).sealing?.seal).toBe(tag)
})

test('a log that is opened with another key, or none, goes on in a segment of its own', async () => {
  const ways: (LogKey | undefined)[] = [
    undefined,
    keyOf(1),
    keyOf(1),
    keyOf(2),
    undefined,
    undefined,
    keyOf(2),
  ]
  let world = await opened({})
  for (const [i, key] of ways.entries()) {
    world = world.after(world.disk.afterKill(), 'os', { segmentBytes: 1e9, key, isSealedBefore: true })
    await world.open()
    world.append(20 + i)
    await world.wait('fsync')
    if (i % 2 === 0) await world.log.close()
  }
  const keys = [1, 2, 3, 4, 5].map((number) => infoOf(world, number).sealing?.key)
  expect(keys).toEqual([undefined, keyOf(1).id, keyOf(2).id, undefined, keyOf(2).id])
  expect(world.disk.contentOf(segmentPath(6))).toBeUndefined()
  // What is in the clear ends no row of seals.
  expect(infoOf(world, 5).sealing?.seal).toBe(NO_SEAL)
  expect(infoOf(world, 3).sealing?.seal).toBe(sealsIn(world, 2).at(-1)?.tag)
  const last = world.after(world.disk.afterKill(), 'fsync')
  await last.examine()
  expect(last.entries).toHaveLength(ways.length)
})
