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

describe('wishes about one child', () => {
  const slow = { immediate: 0, firstMs: 1000, jitter: 0 }
  const many = { intensity: 100, periodMs: 1000 }

  test('a child that backs off can be stopped, and removed', async () => {
    const stage = new Stage()
    const children = [stage.spec('a', { backoff: slow }), stage.spec('b', { backoff: slow })]
    const top = stage.supervisor({ restarts: many, children })
    await top.start()
    await stage.crash('a')
    await stage.crash('b')
    expect(top.view().children.map(({ phase }) => phase)).toEqual(['backing_off', 'backing_off'])
    stage.take()
    await top.stopChild('a')
    await top.remove('b')
    stage.clock.advance(5000)
    await stage.settle()
    expect(stage.take()).toBe('')
    expect(top.view().children).toMatchObject([{ id: 'a', phase: 'stopped' }])
    await top.restartChild('a')
    expect(stage.take()).toBe('+a')
    await top.stop()
  })

  test('a child that runs is restarted, and whoever asked hears when it is up', async () => {
    const stage = new Stage()
    const top = stage.supervisor({ children: [stage.spec('a')] })
    await top.start()
    await top.restartChild('a')
    expect(stage.take()).toBe('+a -a +a')
    expect(top.view().children).toMatchObject([{ phase: 'running', restarts: 1 }])
    // One that had run is tried again, as after any failure.
    stage.broken.set('a', 1)
    await top.restartChild('a')
    expect(stage.take()).toBe('-a +a +a')
    await top.stop()
  })

  test('the later one holds, and both settle', async () => {
    const stage = new Stage()
    const top = stage.supervisor({ children: [stage.spec('a'), stage.spec('b')] })
    await top.start()
    const stopped = top.stopChild('a')
    const restarted = top.restartChild('a')
    await Promise.all([stopped, restarted])
    expect(top.view().children[0]?.phase).toBe('running')
    const again = top.restartChild('b').catch((error: Error) => error)
    await top.stopChild('b')
    expect(await again).toMatchObject({ code: 'SHL_CHILD_START' })
    expect(top.view().children[1]?.phase).toBe('stopped')
    await Promise.all([top.remove('b'), top.remove('b')])
    await top.stop()
  })

  test('a stopped supervisor starts nothing, and says so', async () => {
    const stage = new Stage()
    const top = stage.supervisor({ children: [stage.spec('a'), stage.spec('b')] })
    await top.start()
    const stopping = top.stop()
    await expect(top.restartChild('a')).rejects.toMatchObject({ code: 'SHL_SUPERVISOR_STOPPED' })
    await stopping
    await expect(top.restartChild('a')).rejects.toMatchObject({ code: 'SHL_SUPERVISOR_STOPPED' })
    await expect(top.add(stage.spec('c'))).rejects.toMatchObject({ code: 'SHL_SUPERVISOR_STOPPED' })
    await top.stopChild('a')
    await top.remove('a')
    expect(stage.take()).toBe('+a +b -b -a')
    expect(top.view().children).toMatchObject([{ id: 'b', phase: 'stopped' }])
  })

  test('one that waits when the supervisor stops is told', async () => {
    const stage = new Stage()
    const children = [stage.spec('a', { backoff: slow }), stage.spec('b')]
    const top = stage.supervisor({ strategy: 'rest_for_one', restarts: many, children })
    await top.start()
    await stage.crash('a')
    const waiting = top.restartChild('b').catch((error: Error) => error)
    await top.stop()
    expect(await waiting).toMatchObject({ code: 'SHL_SUPERVISOR_STOPPED' })
  })

  test('a temporary child that is stopped while it starts leaves nothing behind', async () => {
    const stage = new Stage()
    const forgotten: string[] = []
    const parts = {
      clock: stage.clock,
      random: seededRandom(1),
      onForgotten: (id: string) => forgotten.push(id),
    }
    const top = new Supervisor({ id: 'top' }, parts)
    await top.start()
    const start = (signal: AbortSignal) =>
      new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))
    const added = top.add({ id: 't', driver: { start }, restart: 'temporary' }).catch((error: Error) => error)
    await stage.settle()
    await top.stopChild('t')
    expect(await added).toMatchObject({ code: 'SHL_CHILD_START' })
    expect(top.view().children).toEqual([])
    expect(forgotten).toEqual(['t'])
    await top.add(stage.spec('t'))
    await top.stop()
  })

  test('a kill goes in the reverse order', async () => {
    const stage = new Stage()
    const top = stage.supervisor({ children: ['a', 'b', 'c'].map((id) => stage.spec(id)) })
    await top.start()
    stage.take()
    top.kill()
    await top.ended
    expect(stage.take()).toBe('!c !b !a')
  })
})

describe('drivers that break their word', () => {
  test('one that throws when it is told to end misses its deadlines, and no more', async () => {
    const stage = new Stage()
    const bad = (): never => {
      throw new Error('I do not stop')
    }
    const start = async () => ({
      ended: new Promise<undefined>(() => undefined),
      drain: bad,
      stop: bad,
      kill: bad,
    })
    const shutdown = { drainMs: 10, stopMs: 10, killMs: 10 }
    const top = stage.supervisor({ children: [stage.spec('a'), { id: 'bad', driver: { start }, shutdown }] })
    await top.start()
    const stopped = top.stop()
    for (let i = 0; i < 3; i++) stage.clock.advance(10)
    expect(await stopped).toMatchObject({ overdue: [{ child: 'bad', missed: ['drain', 'stop', 'kill'] }] })
    expect(stage.take()).toBe('+a -a')
  })

  test('an end that rejects is a failure; a start that gives nothing fails', async () => {
    const stage = new Stage()
    let fail: (error: Error) => void = () => undefined
    const nothing = (): void => undefined
    const start = async () => ({
      ended: new Promise<undefined>((_, reject) => {
        fail = reject
      }),
      drain: nothing,
      stop: () => fail(new Error('stopped so')),
      kill: nothing,
    })
    const top = stage.supervisor({ children: [{ id: 'r', driver: { start } }] })
    await top.start()
    fail(new Error('rejected'))
    await stage.settle()
    expect(top.view().children).toMatchObject([{ restarts: 1, lastError: { message: 'rejected' } }])
    const empty = { id: 'e', driver: { start: async () => undefined as never } }
    await expect(top.add(empty)).rejects.toMatchObject({ code: 'SHL_OPTION_INVALID' })
    await top.stop()
  })

  test('a start that was given up is waited for: its successor never runs beside it', async () => {
    const stage = new Stage()
    let running = 0
    let most = 0
    const start = async (signal: AbortSignal): Promise<RunningChild> => {
      running++
      most = Math.max(most, running)
      await new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => stage.clock.after(500, resolve), { once: true })
      })
      running--
      throw new Error('aborted')
    }
    const child = { id: 'a', driver: { start }, startMs: 100, shutdown: { killMs: 1000 } }
    const top = stage.supervisor({ children: [child] })
    const started = top.start().catch((error: Error) => error)
    await stage.settle()
    stage.clock.advance(100)
    expect(running).toBe(1)
    stage.clock.advance(500)
    expect(await started).toMatchObject({ code: 'SHL_CHILD_START_TIMEOUT' })
    expect([running, most]).toEqual([0, 1])
  })
})
