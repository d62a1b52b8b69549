/** Graphs and advice, against what a real Redis drew of the same samples. */
import { describe, expect, test } from 'vitest'
import type { LatencyEvent } from '../../../src/server/report/latency-events.ts'
import { latencyAdvice, latencyGraph } from '../../../src/server/report/latency-text.ts'

const NOW = 1000
const SETTINGS = { thresholdMs: 10, slowlogUs: 1000, nowSecond: NOW }

function event(samples: readonly (readonly [ago: number, ms: number])[], name = 'command'): LatencyEvent {
  return {
    name,
    maxMs: Math.max(...samples.map(([, ms]) => ms)),
    samples: samples.map(([ago, ms]) => ({ second: NOW - ago, ms })),
  }
}

const FOUR = [
  [3, 5],
  [2, 12],
  [1, 30],
  [0, 70],
] as const

describe('a graph', () => {
  test('is that of Redis', () => {
    expect(latencyGraph(event(FOUR), NOW)).toBe(
      [
        'command - high 70 ms, low 5 ms (all time high 70 ms)',
        '-'.repeat(80),
        '   #',
        '   |',
        '  o|',
        '_o||',
        '    ',
        '3210',
        'ssss',
        '',
      ].join('\n'),
    )
    const line = (text: string): string =>
      latencyGraph(event([[0, 50]]), NOW)
        .split('\n')
        .slice(2)
        .join(text)
    expect(line('|')).toBe(' | | |_| |0|s|')
  })

  test('goes on below after 80 samples, and says how long ago in few characters', () => {
    const many = event(Array.from({ length: 100 }, (_, i) => [90_000 - i * 900, i + 1] as const))
    const lines = latencyGraph(many, NOW).split('\n')
    expect(lines[2]).toHaveLength(80)
    expect(lines.filter((one) => one.length === 20).length).toBeGreaterThan(5)
    expect(lines.join('\n')).toMatch(/d/)
    expect(lines.join('\n')).toMatch(/h/)
    expect(lines.join('\n')).toMatch(/m/)
  })
})

describe('the doctor', () => {
  test('says what Redis says when there is nothing', () => {
    expect(latencyAdvice([], SETTINGS)).toMatch(/^Dave, no latency spike was observed/)
    expect(latencyAdvice([], { ...SETTINGS, thresholdMs: 0 })).toMatch(/Latency monitoring is disabled/)
  })

  test('counts what there was', () => {
    const text = latencyAdvice([event(FOUR), event([[9, 20]], 'fast-command')], SETTINGS)
    expect(text).toContain(
      '1. command: 4 latency spikes (average 29ms, mean deviation 20ms, period 0.75 sec). ' +
        'Worst all time event 70ms.\n',
    )
    expect(text).toContain(
      '2. fast-command: 1 latency spikes (average 20ms, mean deviation 0ms, period 9.00 sec).',
    )
    expect(text).toContain('I have a few advices for you:\n\n- Check your Slow Log')
    expect(text).not.toContain('CONFIG SET slowlog-log-slower-than')
  })

  test('advises a slow log where there is none that would show it', () => {
    for (const slowlogUs of [-1, 20_000]) {
      const text = latencyAdvice([event(FOUR)], { ...SETTINGS, slowlogUs })
      expect(text).toContain("'CONFIG SET slowlog-log-slower-than 10000'")
    }
  })
})
