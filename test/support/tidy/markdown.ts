/**
 * Pages: one title each, and links that lead somewhere. What stands in code blocks is left alone.
 *
 * Tests: test/tidy.test.ts
 */
import { joinPath } from './imports.ts'
import { type Check, isFixture, lineAt, type Problem, type Project, type ProjectFile } from './project.ts'

const LINK = /\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g
const OUTSIDE = /^[a-z][a-z+.-]*:/i

/** Titles and relative links of Markdown pages. */
export const markdownCheck: Check = {
  name: 'Markdown pages have one title, and links that lead somewhere',
  run: (project) =>
    project.files
      .filter((file) => file.path.endsWith('.md') && !isFixture(file.path))
      .flatMap((file) => {
        const prose = proseOf(file.text)
        return [...checkTitle(file, prose), ...checkLinks(project, file, prose)]
      }),
  badSample: {
    files: {
      'README.md': [
        '# Title',
        '[good](docs/a.md#part-one-two) [outside](https://example.com) [`code`](LICENSE)',
        '```sh',
        '# a comment, [not](a-link.md)',
        '```',
        '[gone](docs/b.md)',
        '[no such part](docs/a.md#part-3)',
        '[here](#title) `[not](a-link.md)`',
      ].join('\n'),
      'docs/a.md': '# A\n## Part *one*: `two`\n[up](../README.md) [wrong](README.md)\n# B\n',
      LICENSE: '',
    },
    expected: ['README.md:6', 'README.md:7', 'docs/a.md:4', 'docs/a.md:3'],
  },
}

function checkTitle(file: ProjectFile, prose: string): Problem[] {
  const titles = [...prose.matchAll(/^# /gm)]
  if (titles.length === 1) return []
  const line = titles[1] ? lineAt(prose, titles[1].index) : 1
  return [{ path: file.path, line, text: `${titles.length} titles (# …): a page has one` }]
}

function checkLinks(project: Project, file: ProjectFile, prose: string): Problem[] {
  const folder = file.path.slice(0, file.path.lastIndexOf('/') + 1)
  return [...prose.matchAll(LINK)].flatMap((match) => {
    const link = match[1] as string
    if (OUTSIDE.test(link)) return []
    const [path = '', anchor] = link.split('#')
    const target = path === '' ? file.path : joinPath(folder, path)
    const line = lineAt(prose, match.index)
    if (!project.paths.has(target)) return [{ path: file.path, line, text: `${link} leads nowhere` }]
    const page = project.files.find((other) => other.path === target)
    if (!anchor || !page?.path.endsWith('.md') || anchorsOf(page).has(anchor)) return []
    return [{ path: file.path, line, text: `${target} has no heading #${anchor}` }]
  })
}

/** The anchors that GitHub gives to headings. */
function anchorsOf(page: ProjectFile): Set<string> {
  const headings = [...proseOf(page.text, true).matchAll(/^#{1,6} (.+)$/gm)]
  return new Set(
    headings.map(([, heading = '']) =>
      heading
        .trim()
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replace(/\s/g, '-'),
    ),
  )
}

/** The text with code blanked. Headings keep their code spans, which are part of their anchors. */
function proseOf(text: string, keepsSpans = false): string {
  const blank = (part: string): string => part.replace(/[^\n]/g, ' ')
  const withoutBlocks = text.replace(/^(\s*)(```+|~~~+)[\s\S]*?^\s*\2\s*$/gm, blank)
  return keepsSpans ? withoutBlocks : withoutBlocks.replace(/`[^`\n]+`(?!\])/g, blank)
}
