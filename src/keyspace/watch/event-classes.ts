/**
 * Classes of keyspace events, as `notify-keyspace-events` of Redis names them, and by words.
 *
 * `A` stands for all of Redis' classes, as there; events of locks, which Redis has not, are `k`. Misses (`m`)
 * and new keys (`n`) are no commits: notifications tell of them, and watches refuse them.
 *
 * Source: https://redis.io/docs/latest/develop/use/keyspace-notifications/
 * Tests: test/keyspace/watch/event-classes.test.ts
 */
import { invalidOption } from '../../base/index.ts'
import type { KeyEventClass } from '../engine/index.ts'

/** Classes by words. */
export type KeyEventClassName =
  | 'generic'
  | 'string'
  | 'list'
  | 'set'
  | 'hash'
  | 'sorted_set'
  | 'expired'
  | 'evicted'
  | 'lock'

const LETTERS: Readonly<Record<KeyEventClassName, KeyEventClass>> = {
  generic: 'g',
  string: '$',
  list: 'l',
  set: 's',
  hash: 'h',
  sorted_set: 'z',
  expired: 'x',
  evicted: 'e',
  lock: 'k',
}
const ALL: readonly KeyEventClass[] = ['g', '$', 'l', 's', 'h', 'z', 'x', 'e']
const KNOWN = 'A and g$lshzxek, with t and d of types that there are none of'

/** What `notify-keyspace-events` says. */
export interface NotifyFlags {
  /** `K`: a message to the channel of the key. */
  readonly isByKey: boolean
  /** `E`: a message to the channel of the event. */
  readonly isByEvent: boolean
  readonly classes: ReadonlySet<KeyEventClass>
  /** `m`: of a read that finds no key. */
  readonly tellsMisses: boolean
  /** `n`: of a key that was not there before. */
  readonly tellsNew: boolean
}

/** Reads flags. @throws SHL_OPTION_INVALID */
export function notifyFlags(option: string, flags: string): NotifyFlags {
  const classes = new Set<KeyEventClass>()
  let isByKey = false
  let isByEvent = false
  let tellsMisses = false
  let tellsNew = false
  for (const letter of flags) {
    if (letter === 'K') isByKey = true
    else if (letter === 'E') isByEvent = true
    else if (letter === 'm') tellsMisses = true
    else if (letter === 'n') tellsNew = true
    else if (letter === 'A') for (const one of ALL) classes.add(one)
    else if (Object.values(LETTERS).includes(letter as KeyEventClass)) classes.add(letter as KeyEventClass)
    else if (letter !== 't' && letter !== 'd') invalidOption(option, flags, `letters of KEmn, ${KNOWN}`)
  }
  return { isByKey, isByEvent, classes, tellsMisses, tellsNew }
}

/** The letters of classes given as flags or by words. @throws SHL_OPTION_INVALID */
export function eventClasses(
  option: string,
  classes: string | readonly KeyEventClassName[],
): readonly KeyEventClass[] {
  if (typeof classes === 'string') {
    const flags = notifyFlags(option, classes)
    if (flags.tellsMisses || flags.tellsNew) invalidOption(option, classes, `letters of KE, ${KNOWN}`)
    return [...flags.classes]
  }
  return classes.map((name) => {
    const letter = Object.hasOwn(LETTERS, name) ? LETTERS[name] : undefined
    return letter ?? invalidOption(option, name, Object.keys(LETTERS).join(' | '))
  })
}
