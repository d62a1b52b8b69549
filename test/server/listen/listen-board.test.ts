/** Who accepts next: the rule of fairness, alone. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ListenBoard, STALE_MS } from '../../../src/server/listen/listen-board.ts'

function boardOf(...open: number[]): ListenBoard {
  const board = new ListenBoard(ListenBoard.buffer(open.length))
  for (const [seat, count] of open.entries()) {
    board.sitDown(seat, 0)
    for (let i = 0; i < count; i++) board.opened(seat)
  }
  return board
}

test('a thread rests when another has fewer connections, by more than the slack', () => {
  expect(boardOf(2, 1).shouldRest(0, 0)).toBe(false)
  expect(boardOf(3, 1).shouldRest(0, 0)).toBe(true)
  expect(boardOf(3, 1).shouldRest(1, 0)).toBe(false)
  expect(boardOf(100, 94).shouldRest(0, 0)).toBe(false)
  expect(boardOf(100, 92).shouldRest(0, 0)).toBe(true)
})

test('the dearer a rest, the greater the difference that is worth it', () => {
  expect(boardOf(9, 1).shouldRest(0, 0, 8)).toBe(false)
  expect(boardOf(10, 1).shouldRest(0, 0, 8)).toBe(true)
})

test('a thread rests for nobody who rests, has left, or was not seen lately', () => {
  const board = boardOf(9, 0)
  board.rest(1)
  expect(board.shouldRest(0, 0)).toBe(false)
  board.accept(1, 10)
  expect(board.shouldRest(0, 10 + STALE_MS - 1)).toBe(true)
  expect(board.shouldRest(0, 10 + STALE_MS)).toBe(false)
  board.leave(1)
  expect(board.shouldRest(0, 10)).toBe(false)
  expect(boardOf(9).shouldRest(0, 0)).toBe(false)
})

test('when a thread was seen is told right where the number of milliseconds wraps', () => {
  const board = boardOf(9, 0)
  const nowMs = 2 ** 31 - 5
  board.beat(1, nowMs)
  expect(board.shouldRest(0, nowMs + 20)).toBe(true)
  expect(board.shouldRest(0, nowMs + STALE_MS)).toBe(false)
})

test('a thread that rests goes on when it has no more than any that accepts', () => {
  const board = boardOf(3, 1)
  board.rest(0)
  expect(board.shouldStay(0, 0)).toBe(true)
  board.opened(1)
  board.opened(1)
  expect(board.shouldStay(0, 0)).toBe(false)
})

test('a thread that rests is called once, by who has more', () => {
  const board = boardOf(3, 3)
  board.rest(0)
  expect(board.callRested(1)).toBe(false)
  board.opened(1)
  expect(board.callRested(1)).toBe(true)
  expect(board.callRested(1)).toBe(false)
  board.rest(0)
  expect(board.callRested(1)).toBe(true)
})

test('nobody waits for a thread that was not called, and not for long for one that was', () => {
  const board = boardOf(0, 5)
  expect(board.awaitCalled(1, 1000)).toBe(true)
  board.rest(0)
  board.callRested(1)
  expect(board.awaitCalled(1, 1)).toBe(false)
  board.accept(0, 0)
  expect(board.awaitCalled(1, 1000)).toBe(true)
})

test('a thread that takes the seat of a lost one begins at nothing', () => {
  const board = boardOf(5, 5)
  board.sitDown(0, 0)
  expect(board.openOf(0)).toBe(0)
})

test('nothing is inherited after the end', () => {
  const board = boardOf(0)
  expect(board.beginToInherit()).toBe(true)
  expect(board.isInheriting).toBe(true)
  board.inherited()
  board.close()
  expect(board.beginToInherit()).toBe(false)
  expect(board.isInheriting).toBe(false)
})

test('somebody always accepts, whoever is the fastest and whoever goes', () => {
  const seat = fc.nat({ max: 3 })
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('open' as const), seat }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('close' as const), seat }) },
  )
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 300 }), (seats, steps) => {
      const board = boardOf(...new Array<number>(seats).fill(0))
      const rests = new Array<boolean>(seats).fill(false)
      const look = (one: number): void => {
        if (!rests[one] || board.shouldStay(one, 0)) return
        rests[one] = false
        board.accept(one, 0)
      }
      for (const { kind, seat: wanted } of steps) {
        const one = wanted % seats
        if (kind === 'close') {
          if (board.openOf(one) > 0) board.closed(one)
        } else if (!rests[one]) {
          board.opened(one)
          if (board.callRested(one)) for (let other = 0; other < seats; other++) look(other)
          if (board.shouldRest(one, 0)) {
            rests[one] = true
            board.rest(one)
          }
        }
        for (let other = 0; other < seats; other++) look(other)
        expect(rests).toContain(false)
      }
    }),
    { numRuns: process.env['SHL_SOAK'] ? 5000 : 200 },
  )
})

test('connections that come one by one fall evenly, although one thread is always the first', () => {
  const board = boardOf(0, 0, 0, 0)
  const rests = [false, false, false, false]
  for (let i = 0; i < 400; i++) {
    const fastest = rests.indexOf(false)
    board.opened(fastest)
    board.callRested(fastest)
    for (let other = 0; other < 4; other++) {
      if (!rests[other] || board.shouldStay(other, 0)) continue
      rests[other] = false
      board.accept(other, 0)
    }
    if (board.shouldRest(fastest, 0)) {
      rests[fastest] = true
      board.rest(fastest)
    }
  }
  for (let seat = 0; seat < 4; seat++) expect(Math.abs(board.openOf(seat) - 100)).toBeLessThan(9)
})
