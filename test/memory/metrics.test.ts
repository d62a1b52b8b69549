/** Metrics by name on one thread, or on two handles over one memory, which is the same. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Metrics } from '../../src/memory/metrics.ts'
import { allocateMetrics, METRICS_MAX, metricsCapacity } from '../../src/memory/metrics-layout.ts'

describe('a name', () => {
  test('leads to the same value, whoever asks for it', () => {
    const memory = allocateMetrics(8)
    const [a, b] = [new Metrics(memory), new Metrics(memory)]
    a.counter('hits').add(2)
    b.counter('hits').add()
    b.gauge('depth').set(-1.5)
    a.histogram('ms').record(4)
    expect([a.counter('hits').value(), b.counter('hits').value()]).toEqual([3, 3])
    expect([a.gauge('depth').value(), b.histogram('ms').snapshot().sum]).toEqual([-1.5, 4])
    expect(a.counter('hits')).toBe(a.counter('hits'))
    expect(a.counter('hits').name).toBe('hits')
  })

  test('has one kind, on every thread', () => {
    const memory = allocateMetrics(8)
    const [a, b] = [new Metrics(memory), new Metrics(memory)]
    a.counter('x').add()
    for (const metrics of [a, b]) {
      expect(() => metrics.gauge('x')).toThrowError(
        expect.objectContaining({
          code: 'SHL_METRIC_NAME',
          message: expect.stringContaining('name=x found=a counter wanted=a gauge'),
        }),
      )
      expect(() => metrics.histogram('x')).toThrowError(/found=a counter wanted=a histogram/)
    }
    expect(b.counter('x').value()).toBe(1)
  })

  test.each<[string, unknown]>([
    ['0 characters', ''],
    ['49 characters', 'x'.repeat(49)],
    ['other characters', 'naïve'],
    ['other characters', 'tab\tbed'],
    ['a value of type number', 5],
    ['a value of type undefined', undefined],
  ])('that is not usable is refused: %s', (found, name) => {
    const metrics = new Metrics(allocateMetrics(1))
    for (const kind of ['counter', 'gauge', 'histogram'] as const) {
      expect(() => metrics[kind](name as string)).toThrowError(
        expect.objectContaining({
          code: 'SHL_METRIC_NAME',
          message: expect.stringContaining(`found=${found} wanted=1 to 48 printable ASCII characters`),
        }),
      )
    }
    expect(metrics.list()).toEqual([])
  })

  test('may have 48 characters, and blanks', () => {
    const metrics = new Metrics(allocateMetrics(2))
    for (const name of ['x'.repeat(48), ' ~']) metrics.counter(name).add()
    expect(metrics.list().map(({ name }) => name)).toEqual([' ~', 'x'.repeat(48)])
  })
})

test('list shows everything, in the order of names, whoever made it', () => {
  const memory = allocateMetrics(8)
  const [a, b] = [new Metrics(memory), new Metrics(memory)]
  a.gauge('b').set(2)
  b.counter('c').add(3)
  a.histogram('a').record(1)
  const expected = [
    { kind: 'histogram', name: 'a', value: expect.objectContaining({ count: 1 }) },
    { kind: 'gauge', name: 'b', value: 2 },
    { kind: 'counter', name: 'c', value: 3 },
  ]
  expect(a.list()).toEqual(expected)
  expect(b.list()).toEqual(expected)
  expect(new Metrics(memory).list()).toEqual(expected)
})

describe('the limit', () => {
  test.each([1, 2, 64, 100])(
    'exactly %d names fit, and a name that is there is still found',
    (metricsMax) => {
      const memory = allocateMetrics(metricsMax)
      const metrics = new Metrics(memory)
      for (let i = 0; i < metricsMax; i++) metrics.counter(`n${i}`).add(i)
      expect(() => metrics.counter('one more')).toThrowError(
        expect.objectContaining({
          code: 'SHL_METRIC_LIMIT',
          details: { name: 'one more', metricsMax },
        }),
      )
      const later = new Metrics(memory)
      for (let i = 0; i < metricsMax; i++) expect(later.counter(`n${i}`).value()).toBe(i)
      expect(later.list()).toHaveLength(metricsMax)
    },
  )

  test('one in eight may be a histogram; more are refused, and take no room from others', () => {
    const metrics = new Metrics(allocateMetrics(800))
    let histograms = 0
    const fill = (): void => {
      for (; ; histograms++) metrics.histogram(`h${histograms}`).record(histograms)
    }
    expect(fill).toThrowError(expect.objectContaining({ code: 'SHL_METRIC_LIMIT' }))
    expect(histograms).toBeGreaterThanOrEqual(100)
    for (let i = histograms; i < 800; i++) metrics.gauge(`g${i}`).set(i)
    const found = metrics.list()
    expect(found).toHaveLength(800)
    for (const { kind, name, value } of found) {
      expect(kind === 'histogram' ? value.max : value).toBe(Number(name.slice(1)))
    }
  })

  test.each([1, 3, 8])('all of %d metrics may be histograms', (metricsMax) => {
    const metrics = new Metrics(allocateMetrics(metricsMax))
    for (let i = 0; i < metricsMax; i++) metrics.histogram(`h${i}`).record(i)
    expect(metrics.list()).toHaveLength(metricsMax)
  })
})

test('memory has bounds', () => {
  for (const metricsMax of [0, -1, 1.5, METRICS_MAX + 1, Number.NaN]) {
    expect(() => allocateMetrics(metricsMax)).toThrowError(
      expect.objectContaining({ code: 'SHL_OPTION_INVALID' }),
    )
  }
  expect(metricsCapacity(allocateMetrics(4096))).toBe(4096)
  for (const sizeBytes of [0, 64, 4096]) {
    expect(() => new Metrics(new SharedArrayBuffer(sizeBytes))).toThrowError(/what allocateMetrics made/)
  }
})

describe('a counter', () => {
  test('adds whole numbers, one by default', () => {
    const counter = new Metrics(allocateMetrics(1)).counter('c')
    for (const n of [undefined, 0, -0, 5, 2 ** 40]) counter.add(n)
    expect(counter.value()).toBe(2 ** 40 + 6)
  })

  test.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '1', null, 1n])('refuses %s', (n) => {
    const counter = new Metrics(allocateMetrics(1)).counter('c')
    expect(() => counter.add(n as number)).toThrowError()
    expect(counter.value()).toBe(0)
  })
})

describe('a gauge', () => {
  test('holds any number, and adds to it', () => {
    fc.assert(
      fc.property(fc.double(), fc.array(fc.double({ noNaN: true })), (first, rest) => {
        const gauge = new Metrics(allocateMetrics(1)).gauge('g')
        expect(gauge.value()).toBe(0)
        gauge.set(first)
        let value = first
        for (const delta of rest) {
          gauge.add(delta)
          value += delta
        }
        expect(gauge.value()).toBe(value)
      }),
    )
  })

  test('refuses what is no number', () => {
    const gauge = new Metrics(allocateMetrics(1)).gauge('g')
    expect(() => gauge.set('5' as never)).toThrowError(/value="5" allowed=a number/)
    expect(() => gauge.add(undefined as never)).toThrowError(/delta=undefined allowed=a number/)
    expect(gauge.value()).toBe(0)
  })
})

test('any names of any kinds on any of three threads: each has its own value', () => {
  const kinds = ['counter', 'gauge', 'histogram'] as const
  const operation = fc.record({
    thread: fc.nat(2),
    kind: fc.constantFrom(...kinds),
    name: fc.string({ minLength: 1, maxLength: 2, unit: fc.constantFrom('a', 'b', 'c') }),
    n: fc.nat(100),
  })
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60, size: 'max' }), (operations) => {
      const memory = allocateMetrics(256)
      const threads = [0, 1, 2].map(() => new Metrics(memory))
      const model = new Map<string, { kind: (typeof kinds)[number]; sum: number }>()
      for (const { thread, kind, name, n } of operations) {
        const metrics = threads[thread]!
        const entry = model.get(name)
        const isKind = entry === undefined || entry.kind === kind
        const act = (): void => {
          if (kind === 'histogram') metrics.histogram(name).record(n)
          else metrics[kind](name).add(n)
        }
        if (!isKind) {
          expect(act).toThrowError()
          continue
        }
        act()
        model.set(name, { kind, sum: (entry?.sum ?? 0) + n })
      }
      const found = threads[0]!.list()
      expect(found.map(({ name }) => name)).toEqual([...model.keys()].sort())
      for (const { kind, name, value } of found) {
        expect(kind).toBe(model.get(name)?.kind)
        expect(kind === 'histogram' ? value.sum : value).toBe(model.get(name)?.sum)
      }
    }),
  )
})
