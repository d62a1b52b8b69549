/**
 * The text of INFO as sections, fields, and fields within a field (`db0:keys=1,expires=0`).
 *
 * Tests: test/cli/top/info.test.ts
 */

/** Fields of INFO. A name stands in one section only, so that sections are not needed to find it. */
export interface Info {
  readonly fields: ReadonlyMap<string, string>
  /** Section → names of its fields, in their order; the section in lower case. */
  readonly sections: ReadonlyMap<string, readonly string[]>
}

/** Reads the text of INFO. */
export function infoOf(text: string): Info {
  const fields = new Map<string, string>()
  const sections = new Map<string, string[]>()
  let section: string[] = []
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) {
      section = []
      sections.set(line.slice(1).trim().toLowerCase(), section)
      continue
    }
    const colon = line.indexOf(':')
    if (colon < 0) continue
    const name = line.slice(0, colon)
    section.push(name)
    fields.set(name, line.slice(colon + 1))
  }
  return { fields, sections }
}

/** A field as a number; undefined: it is missing, or none. */
export function numberOf({ fields }: Info, name: string): number | undefined {
  return asNumber(fields.get(name))
}

/** Keys of all databases. */
export function keyCount({ fields, sections }: Info): number {
  const databases = sections.get('keyspace') ?? []
  return databases.reduce((sum, name) => {
    return sum + (asNumber(partsOf(fields.get(name) ?? '').get('keys')) ?? 0)
  }, 0)
}

/** The numbered fields of a section: `shard0`, `shard1`, each as its own fields. */
export function rowsOf(
  info: Info,
  section: string,
  prefix: string,
): readonly { readonly id: number; readonly fields: ReadonlyMap<string, string> }[] {
  const names = info.sections.get(section) ?? []
  return names.flatMap((name) => {
    const id = name.startsWith(prefix) ? asNumber(name.slice(prefix.length)) : undefined
    return id === undefined ? [] : [{ id, fields: partsOf(info.fields.get(name) ?? '') }]
  })
}

/** `a=1,b=2`. */
export function partsOf(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split(',').flatMap((part) => {
      const equals = part.indexOf('=')
      return equals < 0 ? [] : [[part.slice(0, equals), part.slice(equals + 1)] as const]
    }),
  )
}

/** A number in text; undefined: there is none. */
export function asNumber(text: string | undefined): number | undefined {
  if (text === undefined || text.trim() === '') return undefined
  const number = Number(text)
  return Number.isNaN(number) ? undefined : number
}
