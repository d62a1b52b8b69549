/**
 * Classes of keyspace events, as `notify-keyspace-events` of Redis names them, and by words.
 *
 * `A` stands for all of Redis' classes, as there; events of locks, which Redis has not, are `k`. Misses (`m`)
 * and new keys (`n`) are no commits and are refused: a flag that is taken and does nothing would be worse.
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
const KNOWN = 'KEA and g$lshzxek, with t and d of types that there are none of'

/** What `notify-keyspace-events` says. */
export interface NotifyFlags {
  /** `K`: a message to the channel of the key. */
  readonly isByKey: boolean
  /** `E`: a message to the channel of the event. */
  readonly isByEvent: boolean
  readonly classes: ReadonlySet<KeyEventClass>
}

/** Reads flags. @throws SHL_OPTION_INVALID */
export function notifyFlags(option: string, flags: string): NotifyFlags {
  const classes = new Set<KeyEventClass>()
  let isByKey = false
  let isByEvent = false
  for (const letter of flags) {
    if (letter === 'K') isByKey = true
    else if (letter === 'E') isByEvent = true
    else if (letter === 'A') for (const one of ALL) classes.add(one)
    else if (Object.values(LETTERS).includes(letter as KeyEventClass)) classes.add(letter as KeyEventClass)
    else if (letter !== 't' && letter !== 'd') invalidOption(option, flags, `letters of ${KNOWN}`)
  }
  return { isByKey, isByEvent, classes }
}

/** The letters of classes given as flags or by words. @throws SHL_OPTION_INVALID */
export function eventClasses(
  option: string,
  classes: string | readonly KeyEventClassName[],
): readonly KeyEventClass[] {
  if (typeof classes === 'string') return [...notifyFlags(option, classes).classes]
  return classes.map((name) => {
    const letter = Object.hasOwn(LETTERS, name) ? LETTERS[name] : undefined
    return letter ?? invalidOption(option, name, Object.keys(LETTERS).join(' | '))
  })
}
