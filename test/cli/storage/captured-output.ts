/** Runs a command on files in this process, and keeps what it prints. */
import { storageCommand } from '../../../src/cli/storage/storage-command.ts'

/** What a command did. */
export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
  /** Both, in their order, and what was typed. */
  readonly all: string
}

/** Whom a command talks to. */
export interface Listener {
  readonly isTerminal?: boolean
  /** What is typed when it asks; undefined: nobody is there. */
  readonly answer?: string
  /** Reads so many pieces of output, and then no more. */
  readonly reads?: number
}

export async function run(words: readonly string[], listener: Listener = {}): Promise<Ran> {
  const { isTerminal = false, answer, reads = Number.POSITIVE_INFINITY } = listener
  const said: { readonly to: 'out' | 'err' | 'typed'; readonly text: string }[] = []
  const textOf = (...wanted: string[]): string =>
    said.flatMap(({ to, text }) => (wanted.includes(to) ? text : [])).join('')
  const code = await storageCommand(words, {
    out: (text) => void said.push({ to: 'out', text }),
    err: (text) => void said.push({ to: 'err', text }),
    isTerminal,
    isClosed: () => said.filter(({ to }) => to === 'out').length >= reads,
    ask: async (question) => {
      said.push({ to: 'err', text: question })
      if (answer !== undefined) said.push({ to: 'typed', text: `${answer}\n` })
      return answer
    },
  })
  return { code, out: textOf('out'), err: textOf('err'), all: textOf('out', 'err', 'typed') }
}
