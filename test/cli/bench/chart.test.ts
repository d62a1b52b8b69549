/** Charts of curves: bars of blocks, and an SVG that is well formed. */
import { describe, expect, test } from 'vitest'
import { bar, short, svgChart, terminalChart } from '../../../src/cli/bench/chart.ts'
import { curvesOf } from '../../../src/cli/bench/curve.ts'

const busy = { shardBusy: 1, senderBusy: 0, coresUsed: 4 }
const curves = curvesOf(
  [1, 2, 4].flatMap((threads) => [
    { workload: 'reads' as const, threads, perSecond: 1e6 * threads, ...busy },
    { workload: 'writes' as const, threads, perSecond: 3e5 * Math.sqrt(threads), ...busy },
  ]),
  4,
)

describe('terminalChart', () => {
  test('has a bar, a rate and an efficiency for each number of threads, and says what limits', () => {
    const [reads, writes] = terminalChart(curves).split('\n\n')
    expect(reads?.split('\n')).toEqual([
      expect.stringMatching(/^reads: /),
      `    1  ${'█'.repeat(10)}${' '.repeat(30)}   1.00 M/s  1.00   4.00 µs`,
      `    2  ${'█'.repeat(20)}${' '.repeat(20)}   2.00 M/s  1.00   2.00 µs`,
      `    4  ${'█'.repeat(40)}   4.00 M/s  1.00   1.00 µs`,
      '       4 threads: nothing: it is linear',
    ])
    expect(writes).toMatch(/4 threads: messages: 3 of 4 writes go to another thread/)
  })

  test('bars are exact to an eighth of a character', () => {
    expect(bar(0)).toBe(' '.repeat(40))
    expect(bar(1)).toBe('█'.repeat(40))
    expect(bar(1 / 320)).toBe(`▏${' '.repeat(39)}`)
    expect(bar(0.5 + 3 / 320)).toBe(`${'█'.repeat(20)}▍${' '.repeat(19)}`)
  })

  test('rates are short', () => {
    expect([999, 12_345, 1_234_567].map(short)).toEqual(['999', '12 k', '1.23 M'])
  })
})

describe('svgChart', () => {
  const svg = svgChart(curves, 4)

  test('has a line for each curve, one for linear, and a dot for each point', () => {
    expect(svg.match(/<polyline /g)).toHaveLength(3)
    expect(svg.match(/<circle /g)).toHaveLength(6)
    expect(svg).toContain('>writes</text>')
  })

  test('is well formed, with every number finite and within the picture', () => {
    const open: string[] = []
    for (const [, end, name, empty] of svg.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)) {
      if (end === '/') expect(open.pop()).toBe(name)
      else if (empty !== '/') open.push(name as string)
    }
    expect(open).toEqual([])
    expect(svg).not.toMatch(/NaN|Infinity|undefined/)
    for (const [, points] of svg.matchAll(/points="([^"]*)"/g)) {
      for (const pair of (points as string).split(' ')) {
        const [x, y] = pair.split(',').map(Number) as [number, number]
        expect(x >= 0 && x <= 720 && y >= 0 && y <= 420).toBe(true)
      }
    }
  })

  test('can be drawn of a single point', () => {
    const one = curvesOf([{ workload: 'reads', threads: 1, perSecond: 5, ...busy }], 2)
    expect(svgChart(one, 2)).not.toMatch(/NaN|Infinity/)
  })
})
