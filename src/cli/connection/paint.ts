/**
 * Text in colour, where there are colours.
 *
 * Sixteen colours of the terminal's own, so that what somebody chose for theirs is what they see.
 * Tests: test/cli/prompt/format-reply.test.ts
 */

const CODES = {
  bold: '1',
  dim: '2',
  inverse: '7',
  red: '31',
  green: '32',
  yellow: '33',
  blue: '34',
  magenta: '35',
  cyan: '36',
  grey: '90',
} as const

/** A colour or a weight. */
export type Colour = keyof typeof CODES

/** Puts text in a colour, or leaves it. */
export type Paint = (colour: Colour, text: string) => string

export const plainPaint: Paint = (_, text) => text

export const colourPaint: Paint = (colour, text) =>
  text === '' ? '' : `\x1b[${CODES[colour]}m${text}\x1b[0m`

/** Whether a terminal wants colours. */
export function wantsColour(isTerminal: boolean, env: Readonly<Record<string, string | undefined>>): boolean {
  const isRefused = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb'
  return isTerminal && !isRefused
}
