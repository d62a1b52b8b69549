/**
 * Figures as text: a table for the terminal and for docs/PERFORMANCE.md, with ratios, targets, and a curve.
 */
import type { Figure, Question } from './harness.ts'

/** Figures with a unit for which less is better. */
const LESS_IS_BETTER = new Set(['µs', 'ns', 'ms', 'bytes'])

/** A Markdown table of one question's figures, and a line per target. */
export function tableOf(question: Question, figures: readonly Figure[]): string {
  const lines = [
    '| metric | subject | median | min – max | against shardloom |',
    '|---|---|---:|---:|---:|',
    ...figures.map((figure) => {
      const own = figures.find((one) => one.subject === 'shardloom' && one.metric === figure.metric)
      const spread = `${value(figure.min)} – ${value(figure.max)}`
      const cells = [
        figure.metric,
        figure.subject,
        `${value(figure.median)} ${figure.unit}`,
        spread,
        against(own, figure),
      ]
      return `| ${cells.join(' | ')} |`
    }),
    '',
    ...question.targets.map((target) => `- ${target.isMet(figures) ? 'met' : '**missed**'}: ${target.text}`),
  ]
  return lines.join('\n')
}

/** How many times worse the peer is. */
function against(own: Figure | undefined, peer: Figure): string {
  if (own === undefined || own === peer) return ''
  const ratio = LESS_IS_BETTER.has(peer.unit) ? peer.median / own.median : own.median / peer.median
  return `${ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(2)} ×`
}

function value(n: number): string {
  if (n >= 1e6) return `${(n / 1e6).toFixed(2)} M`
  if (n >= 10_000) return `${(n / 1e3).toFixed(0)} k`
  return n >= 100 ? n.toFixed(0) : n.toPrecision(3)
}

/**
 * A bar for each median of a question with several metrics, on a logarithmic scale: the curve at a glance.
 */
export function curveOf(figures: readonly Figure[]): string {
  const most = Math.max(...figures.map((figure) => figure.median))
  const least = Math.min(...figures.map((figure) => figure.median))
  const span = Math.log(most / least) || 1
  const width = Math.max(...figures.map((figure) => `${figure.metric} ${figure.subject}`.length))
  return figures
    .map((figure) => {
      const bar = '█'.repeat(1 + Math.round((Math.log(figure.median / least) / span) * 40))
      const name = `${figure.metric} ${figure.subject}`.padEnd(width)
      return `${name}  ${bar} ${value(figure.median)} ${figure.unit}`
    })
    .join('\n')
}
