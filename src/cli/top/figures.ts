/**
 * Figures in few characters, for cells of a table; `-` where there is none.
 *
 * Tests: test/cli/top/figures.test.ts
 */

const NONE = '-'
const BYTE_UNITS = ['B', 'K', 'M', 'G', 'T', 'P']
const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']

/** A count or a rate: `12,345`, `1.23 M`. */
export function countText(value: number | undefined): string {
  if (value === undefined) return NONE
  if (value >= 1e9) return `${(value / 1e9).toFixed(2)} G`
  if (value >= 1e7) return `${(value / 1e6).toFixed(1)} M`
  return Math.round(value).toLocaleString('en-US')
}

/** Bytes: `512 B`, `1.2 M`. */
export function sizeText(bytes: number | undefined): string {
  if (bytes === undefined) return NONE
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < BYTE_UNITS.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(value < 100 ? 1 : 0)} ${BYTE_UNITS[unit]}`
}

/** A time that something took: `85 µs`, `1.2 ms`, `3.4 s`. */
export function tookText(us: number | undefined): string {
  if (us === undefined) return NONE
  if (us < 1e3) return `${Math.round(us)} µs`
  const [value, unit] = us < 1e6 ? [us / 1e3, 'ms'] : [us / 1e6, 's']
  return `${value.toFixed(value < 99.95 ? 1 : 0)} ${unit}`
}

/** A span of time: `45 s`, `2 m 05 s`, `3 h 20 m`, `12 d 4 h`. */
export function spanText(seconds: number | undefined): string {
  if (seconds === undefined) return NONE
  const whole = Math.floor(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${two(whole % 60)} s`
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${two(Math.floor(whole / 60) % 60)} m`
  return `${Math.floor(whole / 86_400)} d ${Math.floor(whole / 3600) % 24} h`
}

/** A part of a whole: `98.2 %`. */
export function percentText(part: number | undefined): string {
  return part === undefined ? NONE : `${(part * 100).toFixed(part < 0.9995 ? 1 : 0)} %`
}

/** Values over time, the newest at the right, as a row of bars of `width`. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = values.slice(-width)
  const most = Math.max(...shown, 0)
  const bars = shown.map((value) => {
    const part = most === 0 ? 0 : value / most
    return BARS[Math.min(BARS.length - 1, Math.floor(part * BARS.length))] as string
  })
  return bars.join('').padStart(width)
}

/** How full something is. */
export function gauge(part: number, width: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, part)) * width)
  return '█'.repeat(filled).padEnd(width, '░')
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
