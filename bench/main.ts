/**
 * `npm run bench -- <name>… [--json] [--rounds N] [--small] [--keys N]`: runs some questions, or `all`.
 *
 * Without a name it lists them. With `--json` standard output is exactly one JSON array of figures. `all`
 * also writes `bench/results/<date>.json` and the tables in `docs/PERFORMANCE.md`. `--keys` is for questions
 * of how cost grows with the number of keys.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { type Figure, type Question, takeResultsHash } from './harness.ts'
import { QUESTIONS } from './questions.ts'
import { curveOf, tableOf } from './report.ts'

const ROUNDS = 7
const KEYS_MIN = 1000
const KEYS_MAX = 10_000_000
const ROOT = new URL('../../', import.meta.url)
const BEGIN = '<!-- bench:begin -->'
const END = '<!-- bench:end -->'

async function main(): Promise<number> {
  const options = {
    json: { type: 'boolean' },
    rounds: { type: 'string' },
    small: { type: 'boolean' },
    keys: { type: 'string' },
  } as const
  const { values, positionals } = parseArgs({ options, allowPositionals: true })
  const rounds = values.rounds === undefined ? (values.small === true ? 1 : ROUNDS) : Number(values.rounds)
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 1000) {
    process.stderr.write(`bench: --rounds ${values.rounds}: allowed is a whole number, 1..1000\n`)
    return 2
  }
  const keys = values.keys === undefined ? undefined : Number(values.keys)
  if (keys !== undefined && (!Number.isInteger(keys) || keys < KEYS_MIN || keys > KEYS_MAX)) {
    process.stderr.write(
      `bench: --keys ${values.keys}: allowed is a whole number, ${KEYS_MIN}..${KEYS_MAX}\n`,
    )
    return 2
  }
  const isAll = positionals.length === 1 && positionals[0] === 'all'
  const known = new Map(QUESTIONS.map((question) => [question.name, question]))
  const chosen = isAll ? QUESTIONS : positionals.flatMap((name) => known.get(name) ?? [])
  if (chosen.length === 0 || (!isAll && chosen.length < positionals.length)) {
    const list = QUESTIONS.map(({ name: one, question }) => `  ${one.padEnd(18)} ${question}`).join('\n')
    process.stderr.write(
      `usage: npm run bench -- <name>…|all [--json] [--rounds N] [--small] [--keys N]\n\n${list}\n`,
    )
    return positionals.length === 0 ? 0 : 2
  }
  const results: { question: Question; figures: Figure[] }[] = []
  for (const question of chosen) {
    if (values.json !== true) process.stdout.write(`${question.name}: ${question.question}\n\n`)
    const figures = await question.run({ rounds, small: values.small === true, keys })
    results.push({ question, figures })
    if (values.json !== true) process.stdout.write(`${tableOf(question, figures)}\n\n`)
    const hash = takeResultsHash()
    if (values.json !== true) process.stdout.write(`results: ${hash}\n\n`)
  }
  const figures = results.flatMap((result) => result.figures)
  if (values.json === true) process.stdout.write(`${JSON.stringify(figures)}\n`)
  if (isAll && values.small !== true) save(results, figures)
  return 0
}

function save(
  results: readonly { question: Question; figures: Figure[] }[],
  figures: readonly Figure[],
): void {
  const date = new Date().toISOString().slice(0, 10)
  mkdirSync(new URL('bench/results/', ROOT), { recursive: true })
  writeFileSync(new URL(`bench/results/${date}.json`, ROOT), `${JSON.stringify(figures, null, 1)}\n`)
  const model = cpus()[0]?.model ?? 'unknown'
  const machine = `${availableParallelism()} cores (${model}), Node ${process.versions.node}, ${date}`
  const parts = results.map(({ question, figures: own }) => {
    const curve = question.name === 'message-size' ? `\n\n\`\`\`text\n${curveOf(own)}\n\`\`\`` : ''
    const command = `\`npm run bench -- ${question.name}\``
    return [`### ${question.name}`, question.question, command, tableOf(question, own) + curve].join('\n\n')
  })
  const path = new URL('docs/PERFORMANCE.md', ROOT)
  const text = readFileSync(path, 'utf8')
  const head = text.slice(0, text.indexOf(BEGIN) + BEGIN.length)
  const tail = text.slice(text.indexOf(END))
  writeFileSync(path, `${head}\n\nMeasured on ${machine}.\n\n${parts.join('\n\n')}\n\n${tail}`)
}

process.exitCode = await main()
