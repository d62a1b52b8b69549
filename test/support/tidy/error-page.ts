/**
 * The page of error codes, written from the table that the code throws from, so that neither can know more.
 *
 * Tests: test/tidy.test.ts (`UPDATE=1 npm test -- test/tidy.test.ts` writes the page again)
 */
import type { ErrorCodeRow } from '../../../src/base/index.ts'
import { type Check, isIn } from './project.ts'

const TABLE = 'src/base/error-codes.ts'

/** The page, from the rows of the table. */
export function renderErrorPage(rows: Readonly<Record<string, ErrorCodeRow>>): string {
  const sections = Object.entries(rows).map(
    ([code, { message, advice, retryable }]) => `## ${code}

\`${message}\`

- What to do: ${advice.startsWith('{') ? 'the message says it' : advice}.
- The same call may succeed later: ${retryable ? 'yes' : 'no'}.
`,
  )
  return `# Error codes

<!-- Generated from ${TABLE}: change that, then run UPDATE=1 npm test -- test/tidy.test.ts -->

Every error that Shardloom throws is a \`ShardloomError\` with a stable \`code\`. Match on the code, never on
the message. A name in braces is a field of \`details\`; \`cause\` holds what lies behind. A code that was
released keeps its meaning.

${sections.join('\n')}`
}

/** Codes that stand in the table and that no source uses. */
export const usedCodesCheck: Check = {
  name: 'every error code is thrown somewhere',
  run: (project) => {
    const table = project.files.find((file) => file.path === TABLE)
    const sources = project.files.filter((file) => isIn(file.path, ['src', 'workers']) && file !== table)
    return [...(table?.text.matchAll(/^ {2}(SHL_\w+): \{/gm) ?? [])]
      .filter(([, code = '']) => !sources.some((file) => new RegExp(`\\b${code}\\b`).test(file.text)))
      .map((match) => ({
        path: TABLE,
        line: (table?.text.slice(0, match.index).split('\n').length ?? 0) as number,
        text: `${match[1]} is used nowhere: remove the row, or throw it`,
      }))
  },
  badSample: {
    files: {
      [TABLE]: 'export const ERROR_CODES = {\n  SHL_A: {\n  },\n  SHL_A_B: {\n  },\n}\n',
      'src/base/a.ts': "throw new ShardloomError('SHL_A_B')\n",
    },
    expected: [`${TABLE}:2`],
  },
}
