/**
 * Curves as a chart: in the terminal, of blocks, and as an SVG, of lines.
 *
 * Own code, since it is a few lines: a library for charts draws to a canvas or needs a document.
 * Tests: test/cli/bench/chart.test.ts
 */
import type { Curve } from './curve.ts'

const BAR_WIDTH = 40
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']
const TITLES: Readonly<Record<string, string>> = {
  commands: 'commands: SINTERCARD of two sets of 1,000, sent by the main thread to all shards',
  reads: 'reads: getSync of 64 bytes, of all shards, on every thread',
  writes: 'writes: set of 64 bytes, of all shards, on every thread, 128 at once',
  mixed: 'mixed: half reads, half writes',
  bare: 'bare: a loop of arithmetic on every thread, without a keyspace: what the machine gives',
}

/** Bars for the terminal, a block of lines for each curve. */
export function terminalChart(curves: readonly Curve[]): string {
  return curves
    .map(({ workload, points }) => {
      const most = Math.max(...points.map(({ perSecond }) => perSecond))
      const lines = points.map(({ threads, perSecond, efficiency, processorUs }) => {
        const rate = `${short(perSecond)}/s`.padStart(10)
        const spent = `${processorUs.toPrecision(3)} µs`.padStart(9)
        const name = String(threads).padStart(3)
        return `  ${name}  ${bar(perSecond / most)} ${rate}  ${efficiency.toFixed(2)} ${spent}`
      })
      const last = points.findLast(({ efficiency }) => efficiency < 0.9) ?? points.at(-1)
      const limit = last === undefined ? [] : [`       ${last.threads} threads: ${last.limit}`]
      return [TITLES[workload] ?? workload, ...lines, ...limit].join('\n')
    })
    .join('\n\n')
}

/** A bar of a part of the width, to an eighth of a character. */
export function bar(part: number): string {
  const eighths = Math.round(part * BAR_WIDTH * 8)
  const text = '█'.repeat(eighths >> 3) + (EIGHTHS[eighths & 7] as string)
  return text.padEnd(BAR_WIDTH)
}

/** A rate in few characters. */
export function short(n: number): string {
  if (n >= 1e6) return `${(n / 1e6).toFixed(2)} M`
  return n >= 1e4 ? `${(n / 1e3).toFixed(0)} k` : n.toFixed(0)
}

const WIDTH = 720
const HEIGHT = 420
const LEFT = 56
const RIGHT = 150
const TOP = 40
const BOTTOM = 48
const MIDDLE = (LEFT + WIDTH - RIGHT) / 2
const COLOURS = ['#2563eb', '#16a34a', '#dc2626', '#9333ea', '#6b7280', '#d97706']

/**
 * Rates against that of one thread, over the number of threads, with a dashed line for linear up to the
 * cores.
 */
export function svgChart(curves: readonly Curve[], cores: number): string {
  const threadsMax = Math.max(...curves.flatMap(({ points }) => points.map(({ threads }) => threads)), 2)
  const speedups = curves.map(({ workload, points }) => {
    const one = (points[0]?.perSecond ?? 1) / (points[0]?.threads ?? 1)
    return { workload, points: points.map(({ threads, perSecond }) => [threads, perSecond / one] as const) }
  })
  const top = Math.ceil(Math.max(cores, ...speedups.flatMap(({ points }) => points.map(([, y]) => y))))
  const x = (threads: number): string =>
    (LEFT + ((threads - 1) / (threadsMax - 1)) * (WIDTH - LEFT - RIGHT)).toFixed(1)
  const y = (speedup: number): string =>
    (HEIGHT - BOTTOM - (speedup / top) * (HEIGHT - TOP - BOTTOM)).toFixed(1)
  const line = (points: readonly (readonly [number, number])[]): string =>
    points.map(([threads, speedup]) => `${x(threads)},${y(speedup)}`).join(' ')
  const ticks = (count: number): number[] => {
    const step = Math.max(1, Math.ceil(count / 8))
    return Array.from({ length: Math.floor(count / step) }, (_, i) => (i + 1) * step)
  }
  const edge = Math.min(cores, threadsMax)
  const linear = [[1, 1] as const, [edge, edge] as const, [threadsMax, edge] as const]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif"`,
    '  font-size="12">',
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    `<text x="${LEFT}" y="22" font-size="15">Throughput against one thread, ${cores} cores</text>`,
    ...ticks(top).map(
      (at) =>
        `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(at)}" y2="${y(at)}" stroke="#e5e7eb"/>` +
        `<text x="${LEFT - 8}" y="${y(at)}" text-anchor="end" dy="4">${at} ×</text>`,
    ),
    ...ticks(threadsMax).map(
      (at) => `<text x="${x(at)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${at}</text>`,
    ),
    `<text x="${MIDDLE}" y="${HEIGHT - 10}" text-anchor="middle">threads and shards</text>`,
    `<polyline points="${line(linear)}" fill="none" stroke="#9ca3af" stroke-dasharray="5 4"/>`,
    ...speedups.map(({ points }, i) => {
      const colour = COLOURS[i % COLOURS.length]
      const dots = points.map(([threads, speedup]) => {
        return `<circle cx="${x(threads)}" cy="${y(speedup)}" r="3" fill="${colour}"/>`
      })
      const stroke = `stroke="${colour}" stroke-width="2"`
      return `<polyline points="${line(points)}" fill="none" ${stroke}/>${dots.join('')}`
    }),
    ...[...speedups.map(({ workload }) => workload), 'linear'].map((name, i) => {
      const colour = i < speedups.length ? COLOURS[i % COLOURS.length] : '#9ca3af'
      const at = TOP + 16 + i * 20
      const from = WIDTH - RIGHT + 20
      const stroke = `stroke="${colour}" stroke-width="2"`
      const text = `<text x="${from + 28}" y="${at + 4}">${name}</text>`
      return `<line x1="${from}" x2="${from + 22}" y1="${at}" y2="${at}" ${stroke}/>${text}`
    }),
    '</svg>',
    '',
  ].join('\n')
}
