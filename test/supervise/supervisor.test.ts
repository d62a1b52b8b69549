/**
 * A supervisor with children of straw, in virtual time: what it starts, restarts and stops, and in which
 * order.
 */
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../src/base/index.ts'
import type { ChildSpec, RunningChild } from '../../src/supervise/child-spec.ts'
import { Supervisor } from '../../src/supervise/supervisor.ts'
import type { SupervisorOptions } from '../../src/supervise/supervisor-options.ts'
import { ManualClock } from '../support/manual-clock.ts'

/** What happened, one word each: `+a` started, `-a` stopped, `!a` killed. */
class Stage {
  readonly clock = new ManualClock()
  readonly log: string[] = []
  readonly running = new Map<string, (error?: Error) => void>()
  /** Children whose start fails, how often. */
  readonly broken = new Map<string, number>()
  /** Children that do not react to being stopped. */
  readonly deaf = new Set<string>()

  spec(id: string, options: Partial<ChildSpec> = {}): ChildSpec {
    const start = async (): Promise<RunningChild> => {
      this.log.push(`+${id}`)
      const left = this.broken.get(id) ?? 0
      if (left > 0) {
        this.broken.set(id, left - 1)
        throw new Error(`${id} is broken`)
      }
      let finish: (error?: Error) => void = () => undefined
      const ended = new Promise<Error | undefined>((resolve) => {
        finish = resolve
      })
      this.running.set(id, finish)
      const leave = (mark: string) => () => {
        this.log.push(`${mark}${id}`)
        if (!this.deaf.has(id)) finish()
      }
      return { ended, drain: leave('~'), stop: leave('-'), kill: leave('!') }
    }
    return { id, driver: { start }, ...options }
  }

  supervisor(options: Omit<SupervisorOptions, 'id'>): Supervisor {
    return new Supervisor({ id: 'top', ...options }, { clock: this.clock, random: seededRandom(1) })
  }

  /** Lets everything that is ready go on. */
  async settle(): Promise<void> {
    for (let i = 0; i < 50; i++) await Promise.resolve()
  }

  async crash(id: string): Promise<void> {
    this.running.get(id)?.(new Error(`${id} crashed`))
    await this.settle()
  }

  take(): string {
    return this.log.splice(0).join(' ')
  }
}

describe('a supervisor', () => {
  test('starts in order and stops in reverse', async () => {
    const stage = new Stage()
    const top = stage.supervisor({ children: ['a', 'b', 'c'].map((id) => stage.spec(id)) })
    await top.start()
    expect(stage.take()).toBe('+a +b +c')
    expect(await top.stop()).toEqual({ overdue: [], error: undefined })
    expect(stage.take()).toBe('-c -b -a')
    expect(top.view().phase).toBe('stopped')
  })

  test('whose child cannot start takes the others back and says why', async () => {
    const stage = new Stage()
    stage.broken.set('c', 1)
    const top = stage.supervisor({ children: ['a', 'b', 'c'].map((id) => stage.spec(id)) })
    await expect(top.start()).rejects.toThrow('c is broken')
    expect(stage.take()).toBe('+a +b +c -b -a')
    expect((await top.ended).error?.message).toBe('c is broken')
  })

  test.each([
    ['one_for_one', '+b'],
    ['one_for_all', '-c -a +a +b +c'],
    ['rest_for_one', '-c +b +c'],
  ] as const)('with %s restarts those concerned', async (strategy, expected) => {
    const stage = new Stage()
    const top = stage.supervisor({ strategy, children: ['a', 'b', 'c'].map((id) => stage.spec(id)) })
    await top.start()
    stage.take()
    await stage.crash('b')
    expect(stage.take()).toBe(expected)
    expect(top.view().phase).toBe('running')
    await top.stop()
  })

  test('waits longer from restart to restart, and gives up when there are too many', async () => {
    const stage = new Stage()
    const child = stage.spec('a', { backoff: { immediate: 1, firstMs: 100, jitter: 0 } })
    const top = stage.supervisor({ children: [child], restarts: { intensity: 2, periodMs: 10_000 } })
    await top.start()
    stage.take()
    await stage.crash('a')
    expect(stage.take()).toBe('+a')
    await stage.crash('a')
    expect(stage.take()).toBe('')
    expect(top.view().children[0]?.phase).toBe('backing_off')
    stage.clock.advance(100)
    await stage.settle()
    expect(stage.take()).toBe('+a')
    await stage.crash('a')
    const { error } = await top.ended
    expect(error).toMatchObject({ code: 'SHL_RESTART_INTENSITY', cause: { message: 'a crashed' } })
  })

  test('adds children while it runs, and tells who asked when one cannot start', async () => {
    const stage = new Stage()
    const top = stage.supervisor({ children: [stage.spec('a')] })
    await top.start()
    await top.add(stage.spec('b'))
    stage.broken.set('c', 1)
    await expect(top.add(stage.spec('c'))).rejects.toThrow('c is broken')
    expect(top.view().children.map(({ id }) => id)).toEqual(['a', 'b'])
    expect(() => top.add(stage.spec('b'))).toThrow('child exists already')
    await top.remove('a')
    expect(top.view().children.map(({ id }) => id)).toEqual(['b'])
    await top.stop()
  })

  test('kills what does not stop, gives up what cannot be killed, and says so', async () => {
    const stage = new Stage()
    stage.deaf.add('a')
    const shutdown = { drainMs: 10, stopMs: 20, killMs: 30 }
    const top = stage.supervisor({ children: [stage.spec('a', { shutdown })] })
    await top.start()
    stage.take()
    const stopped = top.stop()
    expect(stage.take()).toBe('~a')
    stage.clock.advance(10)
    expect(stage.take()).toBe('-a')
    stage.clock.advance(20)
    expect(stage.take()).toBe('!a')
    stage.clock.advance(30)
    expect(await stopped).toMatchObject({ overdue: [{ child: 'a', missed: ['drain', 'stop', 'kill'] }] })
    expect(top.view().children[0]?.phase).toBe('lost')
  })
})
