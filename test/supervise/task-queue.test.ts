/** The queue of tasks, against a plain model of it. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { QueueEntry, TaskQueue } from '../../src/supervise/task-queue.ts'

class Named extends QueueEntry {
  readonly name: number

  constructor(name: number, priority: number) {
    super(priority)
    this.name = name
  }
}

/** What the queue says it is, in arrays. */
class Model {
  readonly queueMax: number
  placed: Named[] = []
  seeking: Named[] = []

  constructor(queueMax: number) {
    this.queueMax = queueMax
  }

  push(entry: Named): void {
    if (this.placed.length >= this.queueMax) this.seeking.push(entry)
    else this.placed.push(entry)
  }

  shift(): Named | undefined {
    const entry = mostUrgent(this.placed) ?? mostUrgent(this.seeking)
    if (entry !== undefined) this.remove(entry)
    return entry
  }

  remove(entry: Named): boolean {
    if (this.seeking.includes(entry)) {
      this.seeking = this.seeking.filter((one) => one !== entry)
      return true
    }
    if (!this.placed.includes(entry)) return false
    this.placed = this.placed.filter((one) => one !== entry)
    const next = mostUrgent(this.seeking)
    if (next !== undefined) {
      this.seeking = this.seeking.filter((one) => one !== next)
      this.placed.push(next)
    }
    return true
  }
}

function mostUrgent(entries: readonly Named[]): Named | undefined {
  return [...entries].sort((a, b) => a.priority - b.priority)[0]
}

const step = fc.oneof(
  fc.record({ type: fc.constant('push' as const), priority: fc.nat({ max: 3 }) }),
  fc.record({ type: fc.constant('shift' as const) }),
  fc.record({ type: fc.constant('remove' as const), index: fc.nat({ max: 30 }) }),
)

describe('the queue of tasks', () => {
  test('keeps order, priorities and its limit, whatever is done to it', () => {
    fc.assert(
      fc.property(fc.nat({ max: 4 }), fc.array(step, { maxLength: 60 }), (queueMax, steps) => {
        const queue = new TaskQueue<Named>(queueMax)
        const model = new Model(queueMax)
        const all: Named[] = []
        for (const one of steps) {
          if (one.type === 'push') {
            const entry = new Named(all.length, one.priority)
            all.push(entry)
            queue.push(entry)
            model.push(entry)
          } else if (one.type === 'shift') {
            expect(queue.shift()?.name).toBe(model.shift()?.name)
          } else {
            const entry = all[one.index]
            if (entry !== undefined) expect(queue.remove(entry)).toBe(model.remove(entry))
          }
          expect(queue.queued).toBe(model.placed.length)
          expect(queue.waitingForPlace).toBe(model.seeking.length)
          expect(queue.isEmpty).toBe(model.placed.length + model.seeking.length === 0)
          expect(queue.isFull).toBe(model.placed.length >= queueMax)
        }
        for (;;) {
          const entry = queue.shift()
          expect(entry?.name).toBe(model.shift()?.name)
          if (entry === undefined) break
        }
      }),
    )
  })

  test('takes as long per entry when it is long', () => {
    const queue = new TaskQueue<Named>(1_000_000)
    const entries = Array.from({ length: 200_000 }, (_, i) => new Named(i, i % 4))
    for (const entry of entries) queue.push(entry)
    for (const entry of entries.toReversed()) queue.remove(entry)
    expect(queue.isEmpty).toBe(true)
  })
})
