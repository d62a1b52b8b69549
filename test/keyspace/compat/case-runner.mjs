/**
 * Runs the cases of test/fixtures/resp-cases.json through sessions of a keyspace, and tells which of them
 * pass.
 *
 * A case that uses a command which is left out so far is not run: it is counted, with the reason. Everything
 * else must pass. Plain JavaScript, since `run-cases.mjs` runs it on Node 20 without the tests.
 *
 * Tests: test/keyspace/compat/cases.test.ts
 */
import { isSameReply, resp2Form } from '../../support/resp2.mjs'

/** Why a command is left out: the reason → its commands, as the cases name them. */
export const OUT_OF_SCOPE = {
  'bit operations come later': [
    ...['bitcount', 'bitfield', 'bitfield_ro', 'bitop', 'bitpos', 'getbit', 'setbit'],
  ],
  'HyperLogLog comes later': ['pfadd', 'pfcount', 'pfmerge'],
  'geo comes later': [
    ...['geoadd', 'geodist', 'geohash', 'geopos', 'georadius', 'georadius_ro', 'georadiusbymember'],
    ...['georadiusbymember_ro', 'geosearch', 'geosearchstore'],
  ],
  'streams come later': [
    ...['xack', 'xadd', 'xclaim', 'xdel', 'xgroup', 'xlen', 'xpending', 'xrange', 'xread', 'xreadgroup'],
    ...['xrevrange', 'xtrim'],
  ],
  'scripting comes later': [
    ...['eval', 'eval_ro', 'evalsha', 'evalsha_ro', 'fcall', 'fcall_ro', 'function', 'script'],
  ],
  'subscriptions of a session come with the network': [
    ...['psubscribe', 'punsubscribe', 'ssubscribe', 'subscribe', 'sunsubscribe', 'unsubscribe'],
  ],
}

/** No answer within this time is an answer too. */
const ANSWER_MS = 10_000
const ESCAPES = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' }

/**
 * The words of a line, as redis-cli splits it: by blanks, with "…" and '…', and escapes within "…".
 * `isBinary`: escapes stand for bytes outside of quotes as well. Words are bytes as Latin-1.
 */
export function splitLine(text, isBinary = false) {
  const line = Buffer.from(text, isBinary ? 'latin1' : 'utf8').toString('latin1')
  const words = []
  let word
  let quote = ''
  for (let i = 0; i < line.length; i++) {
    const char = line[i]
    if (char === '\\' && (quote === '"' || (quote === '' && isBinary))) {
      const hex = /^x([0-9a-fA-F]{2})/.exec(line.slice(i + 1))
      const next = line[i + 1] ?? ''
      word = (word ?? '') + (hex ? String.fromCharCode(Number.parseInt(hex[1], 16)) : (ESCAPES[next] ?? next))
      i += hex ? 3 : 1
    } else if (char === '\\' && quote === "'" && line[i + 1] === "'") {
      word += "'"
      i++
    } else if (quote !== '') {
      if (char === quote) quote = ''
      else word += char
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else if ((char === '"' || char === "'") && word === undefined) {
      quote = char
      word = ''
    } else {
      word = (word ?? '') + char
    }
  }
  if (word !== undefined) words.push(word)
  return words
}

/**
 * Runs one case in a session of its own: what was wrong, or why it was not run; nothing when it passes.
 * `keyspace`: whatever gives sessions, at once or later; one that can be closed is closed.
 */
export async function runCase(keyspace, test, reasonOf = reasonOfKeyspace) {
  const lines = test.command.map((line) => splitLine(line, test.command_binary === true))
  const reason = reasonOf(lines)
  if (reason !== undefined) return { outOfScope: reason }
  const session = await keyspace.session()
  try {
    await session.call(['FLUSHALL'])
    const failure = await failureOf(session, test, lines)
    return failure === undefined ? {} : { failure }
  } finally {
    session.close?.()
  }
}

async function failureOf(session, test, lines) {
  for (const [i, argv] of lines.entries()) {
    const form = resp2Form(await answer(session, argv), argv[0])
    const isSorted = test.sort_result === true
    if (!isExpected(test.result[i], form, isSorted)) {
      const texts = [test.result[i], form].map((value) => JSON.stringify(value))
      return `${test.command[i]}: expected ${texts[0]}, got ${texts[1]}`
    }
  }
  return undefined
}

/** Why a case of these lines is not run through a keyspace. */
export function reasonOfKeyspace(lines) {
  for (const [reason, commands] of Object.entries(OUT_OF_SCOPE)) {
    if (lines.some(([name]) => commands.includes(name.toLowerCase()))) return reason
  }
  return undefined
}

async function answer(session, argv) {
  let timer
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer: ${argv.join(' ')}`)), ANSWER_MS)
  })
  try {
    return await Promise.race([session.call(argv), late])
  } finally {
    clearTimeout(timer)
  }
}

function isExpected(expected, form, isSorted) {
  if (Array.isArray(expected)) {
    if (!Array.isArray(form) || form.length !== expected.length) return false
    const [wanted, found] = isSorted ? [[...expected].sort(), [...form].sort()] : [expected, form]
    return wanted.every((item, i) => isExpected(item, found[i], false))
  }
  if (typeof form !== 'string') return false
  if (expected === null) return form === '_' || form === '*_'
  if (typeof expected === 'number') return form === `:${expected}`
  return form === `+${expected}` || isSameReply(`$${expected}`, form)
}

/**
 * Runs all cases, in order: one row per group of commands, and the failures. `groupOf` names a command's,
 * `reasonOf` tells of the words of a case's lines why it is not run.
 */
export async function runCases(keyspace, cases, groupOf, reasonOf = reasonOfKeyspace) {
  const groups = new Map()
  const failures = []
  for (const test of cases) {
    const name = test.name.split(' ')[0].toLowerCase()
    const outcome = await runCase(keyspace, test, reasonOf)
    const group = outcome.outOfScope ?? groupOf(name) ?? 'other'
    const row = groups.get(group) ?? { group, passed: 0, all: 0, outOfScope: 0 }
    groups.set(group, row)
    row.all++
    if (outcome.outOfScope !== undefined) row.outOfScope++
    else if (outcome.failure === undefined) row.passed++
    else failures.push({ name: test.name, failure: outcome.failure })
  }
  return { groups: [...groups.values()], failures }
}

/** The result as a table of text. */
export function tableOf({ groups, failures }) {
  const inScope = groups.filter((row) => row.outOfScope === 0)
  const left = groups.filter((row) => row.outOfScope > 0)
  const sum = (rows, field) => rows.reduce((total, row) => total + row[field], 0)
  const line = (name, passed, all) =>
    `${name.padEnd(50)}${String(passed).padStart(7)}${String(all).padStart(7)}`
  return [
    line('group', 'passed', 'all'),
    ...inScope.map((row) => line(row.group, row.passed, row.all)),
    line('in scope', sum(inScope, 'passed'), sum(inScope, 'all')),
    '',
    ...left.map((row) => line(row.group, '–', row.all)),
    line('all', sum(groups, 'passed'), sum(groups, 'all')),
    ...failures.map(({ name, failure }) => `\nfailed: ${name}\n  ${failure}`),
  ].join('\n')
}
