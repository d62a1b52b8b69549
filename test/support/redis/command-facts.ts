/**
 * What `COMMAND INFO` and `COMMAND DOCS` answer, as lines that can be compared, kept in a file, and read:
 *
 *     2 | readonly fast | 1 1 1 | @read @string @fast | | RO access: index 1, range 0 1 0
 *     string | 1.0.0 | key:key@0
 *
 * Made from replies in the RESP2 view, of Redis and of ours alike. Texts for people are left out.
 */
import type { Resp2Form } from '../resp2.mjs'

/** A command's facts: of INFO and of DOCS. */
export interface CommandFacts {
  readonly info: string
  readonly docs: string
}

/** Groups of which nothing is built yet. */
const LATER = /^(?:bitmap|hyperloglog|geo|stream|scripting|sentinel)$/

/** Facts of all commands and subcommands, by name, in order. Those of groups to come are left out. */
export function commandFacts(infos: Resp2Form, docs: Resp2Form): ReadonlyMap<string, CommandFacts> {
  const docLines = new Map<string, string>()
  putDocs(docs, docLines)
  const found = new Map<string, CommandFacts>()
  for (const [name, info] of infoLines(infos)) {
    const line = docLines.get(name) ?? ''
    const group = line.split(' | ')[0] as string
    if (!LATER.test(group) || name.startsWith('function')) found.set(name, { info, docs: line })
  }
  return new Map([...found].sort(([one], [other]) => (one < other ? -1 : 1)))
}

/** The words of a reply that is a text. */
function text(form: Resp2Form | undefined): string {
  return typeof form === 'string' ? form.slice(1) : ''
}

function list(form: Resp2Form | undefined): readonly Resp2Form[] {
  return Array.isArray(form) ? form : []
}

function words(form: Resp2Form | undefined): string {
  return list(form).map(text).join(' ')
}

/** Pairs by their first. */
function pairs(form: Resp2Form | undefined): ReadonlyMap<string, Resp2Form> {
  const flat = list(form)
  const map = new Map<string, Resp2Form>()
  for (let i = 0; i + 1 < flat.length; i += 2) map.set(text(flat[i]), flat[i + 1] as Resp2Form)
  return map
}

function* infoLines(infos: Resp2Form): Iterable<readonly [name: string, line: string]> {
  for (const info of list(infos)) {
    const [name, arity, flags, first, last, step, categories, tips, specs, subcommands] = list(info)
    const range = [first, last, step].map(text).join(' ')
    const uses = list(specs).map(specLine).join('; ')
    const parts = [text(arity), words(flags), range, words(categories), words(tips), uses]
    yield [text(name), parts.join(' | ')]
    yield* infoLines(subcommands ?? [])
  }
}

function specLine(spec: Resp2Form): string {
  const facts = pairs(spec)
  return `${words(facts.get('flags'))}: ${place(facts.get('begin_search'))}, ${place(facts.get('find_keys'))}`
}

function place(form: Resp2Form | undefined): string {
  const facts = pairs(form)
  return [text(facts.get('type')), ...[...pairs(facts.get('spec')).values()].map(text)].join(' ')
}

function putDocs(docs: Resp2Form, lines: Map<string, string>): void {
  for (const [name, doc] of pairs(docs)) {
    const facts = pairs(doc)
    const named = [text(facts.get('group')), text(facts.get('since')), argumentsLine(facts.get('arguments'))]
    lines.set(name, named.join(' | '))
    putDocs(facts.get('subcommands') ?? [], lines)
  }
}

/** `key:key@0 [(NX | XX)=condition] [LIMIT {offset:integer count:integer}=offset_count] field:string+`. */
function argumentsLine(form: Resp2Form | undefined): string {
  return list(form).map(argumentLine).join(' ')
}

function argumentLine(form: Resp2Form): string {
  const facts = pairs(form)
  const flags = words(facts.get('flags'))
  let line = bodyLine(facts)
  if (facts.has('key_spec_index')) line += `@${text(facts.get('key_spec_index'))}`
  if (/\bmultiple\b/.test(flags)) line += '+'
  if (/\bmultiple_token\b/.test(flags)) line += '+'
  return /\boptional\b/.test(flags) ? `[${line}]` : line
}

function bodyLine(facts: ReadonlyMap<string, Resp2Form>): string {
  const name = text(facts.get('name'))
  const token = text(facts.get('token'))
  const before = facts.has('token') ? `${token} ` : ''
  const parts = list(facts.get('arguments')).map(argumentLine)
  switch (text(facts.get('type'))) {
    case 'pure-token':
      return name === token.toLowerCase() ? token : `${token}=${name}`
    case 'oneof':
      return `${before}(${parts.join(' | ')})=${name}`
    case 'block':
      return `${before}{${parts.join(' ')}}=${name}`
    default:
      return `${before}${name}:${text(facts.get('type'))}`
  }
}
