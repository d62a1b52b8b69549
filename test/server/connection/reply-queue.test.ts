/** Replies leave in the order in which their places were taken, whenever they come. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DoubleReply, OK } from '../../../src/keyspace/engine/index.ts'
import { PendingReply, ReplyQueue } from '../../../src/server/connection/reply-queue.ts'
import { NO_REPLY } from '../../../src/server/resp/index.ts'

function taken(queue: ReplyQueue): string {
  return Buffer.concat(queue.take()).toString('latin1')
}

test('what is there leaves at once, and what comes later keeps its place', () => {
  const queue = new ReplyQueue()
  queue.add(1, 2)
  const second = queue.reserve(2)
  queue.add(3, 2)
  const fourth = queue.reserve(2)
  queue.add(5, 2)
  expect(taken(queue)).toBe(':1\r\n')
  expect(queue.waiting).toBe(4)
  // The fourth is there, and has to wait for the second.
  expect(queue.settle(fourth, 4)).toBe(false)
  expect(taken(queue)).toBe('')
  expect(queue.settle(second, OK)).toBe(true)
  expect(taken(queue)).toBe('+OK\r\n:3\r\n:4\r\n:5\r\n')
  expect(queue.isClear).toBe(true)
})

test('each reply has the version of the protocol that held when its place was taken', () => {
  const queue = new ReplyQueue()
  const later = queue.reserve(2)
  queue.add(new DoubleReply(1.5), 3)
  queue.settle(later, new DoubleReply(1.5))
  expect(taken(queue)).toBe('$3\r\n1.5\r\n,1.5\r\n')
})

test('what is behind a gate waits for it, and for nothing else', () => {
  const queue = new ReplyQueue()
  expect(queue.gate(queue.mark, 2)).toBeUndefined()
  const { mark } = queue
  queue.add('before', 2)
  const gate = queue.gate(mark, 2) as PendingReply
  queue.add('behind', 2)
  expect(taken(queue)).toBe('')
  expect(queue.open(gate)).toBe(true)
  expect(taken(queue)).toBe('$6\r\nbefore\r\n$6\r\nbehind\r\n')
})

test('a gate stands before all that was added since its mark, also when somebody waits', () => {
  const queue = new ReplyQueue()
  const first = queue.mark
  queue.add('done here', 2)
  const elsewhere = queue.reserve(2)
  queue.add('done here, too', 2)
  const gate = queue.gate(first, 2) as PendingReply
  const second = queue.mark
  queue.add('later', 2)
  const next = queue.gate(second, 2) as PendingReply
  queue.settle(elsewhere, 'done elsewhere')
  expect(taken(queue)).toBe('')
  expect(queue.open(next)).toBe(false)
  expect(queue.open(gate)).toBe(true)
  const all = ['done here', 'done elsewhere', 'done here, too', 'later']
  expect(taken(queue)).toBe(all.map((text) => `$${text.length}\r\n${text}\r\n`).join(''))
})

test('what was added before the mark does not wait for the gate', () => {
  const queue = new ReplyQueue()
  const elsewhere = queue.reserve(2)
  const { mark } = queue
  queue.add(2, 2)
  const gate = queue.gate(mark, 2) as PendingReply
  queue.settle(elsewhere, 1)
  expect(taken(queue)).toBe(':1\r\n')
  queue.open(gate)
  expect(taken(queue)).toBe(':2\r\n')
})

test('a gate that fails gives an error in the place of what was behind it, and nothing after it', () => {
  const queue = new ReplyQueue()
  const { mark } = queue
  queue.add('done', 2)
  const gate = queue.gate(mark, 2) as PendingReply
  const elsewhere = queue.reserve(2)
  queue.add('behind', 2)
  queue.fail(gate, 'failed')
  queue.settle(elsewhere, 'late')
  expect(taken(queue)).toBe('$6\r\nfailed\r\n')
})

test('what waits is counted, and what has left is not', () => {
  const queue = new ReplyQueue()
  const elsewhere = queue.reserve(2)
  queue.add(new Uint8Array(1000), 2)
  queue.add(['x'.repeat(500), ['y'.repeat(500)]], 2)
  expect(queue.readyBytes).toBe(0)
  expect(queue.sizeBytes).toBeGreaterThan(2000)
  expect(queue.sizeBytes).toBeLessThan(2500)
  queue.settle(elsewhere, 'z'.repeat(100))
  expect(queue.sizeBytes).toBe(queue.readyBytes)
  const bytes = taken(queue).length
  expect(bytes).toBeGreaterThan(2100)
  expect(queue.sizeBytes).toBe(0)
})

test('no reply leaves nothing, and holds nobody up', () => {
  const queue = new ReplyQueue()
  const none = queue.reserve(2)
  queue.add(2, 2)
  queue.settle(none, NO_REPLY)
  expect(taken(queue)).toBe(':2\r\n')
})

test('in whatever order replies come, they leave in that of their places', () => {
  const steps = fc.array(fc.oneof(fc.constant('add'), fc.constant('reserve'), fc.constant('gate')), {
    maxLength: 40,
  })
  fc.assert(
    fc.property(steps, fc.array(fc.nat(100), { maxLength: 60 }), (kinds, picks) => {
      const queue = new ReplyQueue()
      const open: (() => void)[] = []
      let count = 0
      let mark = 0
      let out = ''
      for (const kind of kinds) {
        const number = count
        if (kind === 'gate') {
          const gate = queue.gate(mark, 2)
          mark = queue.mark
          if (gate !== undefined) open.push(() => void queue.open(gate))
        } else if (kind === 'add') queue.add(count++, 2)
        else {
          const place = queue.reserve(2)
          open.push(() => void queue.settle(place, number))
          count++
        }
        const pick = picks[count % Math.max(1, picks.length)] ?? 0
        if (open.length > 0 && pick % 2 === 1) open.splice(pick % open.length, 1)[0]!()
        if (pick % 3 === 0) out += taken(queue)
      }
      for (const settle of open.reverse()) settle()
      out += taken(queue)
      expect(out).toBe(Array.from({ length: count }, (_, i) => `:${i}\r\n`).join(''))
      expect(queue.isClear).toBe(true)
    }),
    { numRuns: 300 },
  )
})

test('what must not wait for the last place stands before it, behind what else is to come', () => {
  const queue = new ReplyQueue()
  const blocked = queue.reserve(3)
  queue.addBeforeLast(1, 3)
  expect(taken(queue)).toBe(':1\r\n')
  queue.settle(blocked, 2)
  const first = queue.reserve(2)
  const last = queue.reserve(3)
  queue.addBeforeLast(3, 3)
  queue.addBeforeLast(4, 3)
  expect(taken(queue)).toBe(':2\r\n')
  queue.settle(last, OK)
  expect(taken(queue)).toBe('')
  queue.settle(first, 5)
  expect(taken(queue)).toBe(':5\r\n:3\r\n:4\r\n+OK\r\n')
})

test('what is written aside, and who brings its own place, leave in the order of their places', () => {
  const steps = fc.array(fc.constantFrom('write', 'enter', 'large', 'take', 'mark'), { maxLength: 60 })
  fc.assert(
    fc.property(steps, fc.array(fc.nat(50), { maxLength: 30 }), (kinds, picks) => {
      const queue = new ReplyQueue()
      const places: { readonly place: PendingReply; readonly text: string }[] = []
      const expected: string[] = []
      let out = ''
      const settle = (at: number): void => {
        const { place, text } = places.splice(at, 1)[0]!
        if (!queue.isNext(place)) return void queue.settle(place, text)
        queue.writer.string(text)
        queue.passed()
      }
      kinds.forEach((kind, i) => {
        const text = kind === 'large' ? `${i}`.repeat(70_000) : `${i}`
        if (kind === 'enter') {
          const place = new PendingReply(2, false)
          queue.enter(place)
          places.push({ place, text })
        } else if (kind === 'take') out += taken(queue)
        else if (kind === 'mark') expect(queue.mark).toBeGreaterThanOrEqual(0)
        else queue.writerFor(2).string(text)
        if (kind !== 'take' && kind !== 'mark') expected.push(text)
        const pick = picks[i % Math.max(1, picks.length)] ?? 0
        if (places.length > 0 && pick % 3 === 0) settle(pick % places.length)
      })
      while (places.length > 0) settle(places.length - 1)
      expect(queue.isClear).toBe(true)
      expect(queue.waiting).toBe(0)
      out += taken(queue)
      expect(queue.sizeBytes).toBe(0)
      expect(out === expected.map((text) => `$${text.length}\r\n${text}\r\n`).join('')).toBe(true)
    }),
    { numRuns: 200 },
  )
})

test('what was written aside behind a gate that fails is never told', () => {
  const queue = new ReplyQueue()
  const first = queue.reserve(2)
  queue.add('before the gate', 2)
  const { mark } = queue
  queue.add('x'.repeat(100), 2)
  const elsewhere = queue.reserve(2)
  queue.add('y'.repeat(100), 2)
  const gate = queue.gate(mark, 2) as PendingReply
  queue.fail(gate, 'failed')
  queue.add('later', 2)
  queue.settle(elsewhere, 'late')
  expect(taken(queue)).toBe('')
  queue.settle(first, 1)
  expect(taken(queue)).toBe(':1\r\n$15\r\nbefore the gate\r\n$6\r\nfailed\r\n$5\r\nlater\r\n')
  expect(queue.isClear).toBe(true)
})
