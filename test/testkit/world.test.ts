/** The world: order within a thread, freedom between threads, time, and the end of a thread. */
import { expect, test } from 'vitest'
import { World } from '../../src/testkit/world.ts'

function makeWorld(choices?: readonly number[], seed = 0): World {
  return new World({ seed, choices, stepsMax: 1000, virtualMsMax: 1e6 })
}

/** Runs until `done` is called. */
function running(world: World): { done(): void; end: Promise<void> } {
  let done: () => void = () => undefined
  const goal = new Promise<void>((resolve) => {
    done = resolve
  })
  return { done: () => done(), end: world.run(goal) }
}

test('on one thread, what was put off soon runs before turns and timers', async () => {
  for (let seed = 0; seed < 10; seed++) {
    const world = makeWorld(undefined, seed)
    const { clock, scheduler } = world.addThread(0)
    const { done, end } = running(world)
    const order: string[] = []
    const cancelled = scheduler.atNextTurn(() => order.push('cancelled'))
    scheduler.atNextTurn(() => {
      order.push('turn')
      scheduler.soon(() => order.push('soon of turn'))
      scheduler.atNextTurn(() => {
        order.push('next turn')
        done()
      })
    })
    clock.after(0, () => order.push('timer'))
    scheduler.soon(() => order.push('soon'))
    scheduler.cancelTurn(cancelled)
    await end
    expect(order[0]).toBe('soon')
    expect(order).not.toContain('cancelled')
    expect(order.indexOf('soon of turn')).toBe(order.indexOf('turn') + 1)
  }
})

test('between threads every order is possible, and the oldest first is the plainest', async () => {
  const orders = new Set<string>()
  for (let seed = 0; seed < 40; seed++) orders.add(await orderOfThree(makeWorld(undefined, seed)))
  expect(orders.size).toBe(6)
  expect(await orderOfThree(makeWorld([]))).toBe('012')
  expect(await orderOfThree(makeWorld([2, 1]))).toBe('210')
})

async function orderOfThree(world: World): Promise<string> {
  const { done, end } = running(world)
  let order = ''
  for (const id of [0, 1, 2]) {
    world.addThread(id).scheduler.atNextTurn(() => {
      order += id
      if (order.length === 3) done()
    })
  }
  await end
  return order
}

test('time goes on to the next timer when nothing is ready, and timers keep their order', async () => {
  const world = makeWorld()
  const { clock } = world.addThread(0)
  const { done, end } = running(world)
  const seen: [string, number][] = []
  const note = (name: string) => () => void seen.push([name, clock.nowMs()])
  clock.after(20, () => done())
  clock.after(10, note('b'))
  clock.after(5, note('a'))
  clock.after(10, note('c'))
  clock.after(7, note('never')).cancel()
  await end
  expect(seen).toEqual([
    ['a', 5],
    ['b', 10],
    ['c', 10],
  ])
})

test('time passes for code that waits for it by looking at the clock', async () => {
  const world = makeWorld()
  const { clock, scheduler } = world.addThread(0)
  const { done, end } = running(world)
  scheduler.soon(() => {
    const untilMs = clock.nowMs() + 3
    while (clock.nowMs() < untilMs);
    done()
  })
  await end
  expect(world.nowMs).toBeGreaterThanOrEqual(3)
  expect(world.nowMs).toBeLessThan(4)
})

test('a thread is interrupted where it reads the clock, and only there', async () => {
  const world = makeWorld([0, 1])
  const [a, b] = [world.addThread(0), world.addThread(1)]
  const { done, end } = running(world)
  const order: string[] = []
  a.scheduler.atNextTurn(() => {
    order.push('a begins')
    a.clock.nowMs()
    order.push('a ends')
    done()
  })
  b.scheduler.atNextTurn(() => order.push('b'))
  await end
  expect(order).toEqual(['a begins', 'b', 'a ends'])
})

test('a thread that has ended runs nothing, and one that is stalled runs it later', async () => {
  const world = makeWorld([])
  const [main, ended, stalled] = [0, 1, 2].map((id) => world.addThread(id))
  const { done, end } = running(world)
  const order: string[] = []
  ended!.scheduler.soon(() => order.push('ended'))
  ended!.clock.after(1, () => order.push('ended'))
  ended!.end()
  stalled!.stalledUntilMs = 50
  stalled!.scheduler.soon(() => order.push(`stalled ${world.nowMs}`))
  main!.scheduler.soon(() => order.push('main'))
  main!.clock.after(50, () => undefined)
  main!.clock.after(60, () => done())
  await end
  expect(order).toEqual(['main', 'stalled 50'])
})

test('an error in a task ends the run with it', async () => {
  const world = makeWorld()
  world.addThread(0).scheduler.soon(() => {
    throw new RangeError('in a task')
  })
  await expect(running(world).end).rejects.toThrow('in a task')
})

test('nothing left to do is a deadlock', async () => {
  const world = makeWorld()
  world.addThread(0)
  await expect(running(world).end).rejects.toMatchObject({ code: 'SHL_SIMULATION_DEADLOCK' })
})
