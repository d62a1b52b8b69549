/**
 * Whether two servers gave the same reply, where the order, the clock or chance leave them free.
 *
 * What is drawn at random is compared with what there is to draw from. SPOP changes data by chance: the
 * members that the other server kept and took are put right here, so that both go on from the same set.
 */
import { isSameReply, type Resp2Form } from '../resp2.mjs'

/** The side that is tested: a request to its reply. */
export type Run = (argv: readonly string[]) => Resp2Form | Promise<Resp2Form>

const SETS = new Set(['smembers', 'sinter', 'sunion', 'sdiff', 'keys', 'hkeys', 'hvals'])
const MAPS = new Set(['hgetall'])
const DRAWS = new Set(['srandmember', 'hrandfield', 'zrandmember', 'randomkey'])
/** In seconds, and how far two of them may be apart. */
const SECONDS = new Set(['ttl', 'expiretime'])
const MILLISECONDS = new Set(['pttl', 'pexpiretime'])
const SLACK_S = 8
const FAR_S = 9e12
/** Commands whose second word is a command. */
const CONTAINERS = new Set(['object', 'memory'])
/** Bytes of their own, or times since an access. */
const OPAQUE = new Set(['dump', 'object|idletime', 'object|refcount', 'memory|usage'])
/** Which of them depends, in Redis, on the version and on what was done to the value before. */
const STRING_ENCODINGS = new Set(['$int', '$embstr', '$raw'])

const TOO_LONG_SINCE_7_2 = '-ERR timeout is out of range'

/** Whether `ours` is as good an answer to `argv` as `theirs`. */
export function isSameAnswer(argv: readonly string[], ours: Resp2Form, theirs: Resp2Form): boolean {
  const name = nameOf(argv)
  if (ours === TOO_LONG_SINCE_7_2 && theirs === '-ERR timeout is negative') return true
  if (!isAnswer(ours) || !isAnswer(theirs)) return isSameReply(ours, theirs)
  if (SETS.has(name)) return isSameReply(sorted(ours), sorted(theirs))
  if (MAPS.has(name)) return isSameReply(sortedPairs(ours), sortedPairs(theirs))
  if (name.endsWith('scan')) {
    const sort = name === 'hscan' || name === 'zscan' ? sortedPairs : sorted
    const [one, other] = [ours, theirs].map((form) => (name === 'zscan' ? withScores(form[1]!) : form[1]!))
    return ours[0] === theirs[0] && isSameReply(sort(one!), sort(other!))
  }
  if (SECONDS.has(name)) return isNear(ours, theirs, SLACK_S)
  if (MILLISECONDS.has(name)) return isNear(ours, theirs, SLACK_S * 1000)
  if (OPAQUE.has(name)) return ours[0] === theirs[0] && ours !== '_' && theirs !== '_'
  if (name === 'object|encoding')
    return STRING_ENCODINGS.has(String(ours)) === STRING_ENCODINGS.has(String(theirs))
  if (name.startsWith('sort') && isUnsorted(argv)) return isSameReply(sorted(ours), sorted(theirs))
  return isSameReply(ours, theirs)
}

/** Runs a request against `run`, and says whether the answer is the other server's. */
export async function checkAnswer(
  run: Run,
  argv: readonly string[],
  theirs: Resp2Form,
): Promise<CheckedAnswer> {
  const name = nameOf(argv)
  if (name === 'spop' && isAnswer(theirs)) return checkPop(run, argv, theirs)
  if (!DRAWS.has(name)) {
    const ours = await run(argv)
    return { ours, isSame: isSameAnswer(argv, ours, theirs) }
  }
  const pool = name === 'randomkey' ? await run(['KEYS', '*']) : await poolOf(run, argv)
  const ours = await run(argv)
  if (!isAnswer(theirs) || !isAnswer(ours)) return { ours, isSame: isSameReply(ours, theirs) }
  const isSame = typeof ours === typeof theirs && [ours, theirs].every((draw) => isDrawn(argv, draw, pool))
  return { ours, isSame: isSame && (typeof ours === 'string' || ours.length === theirs.length) }
}

interface CheckedAnswer {
  readonly ours: Resp2Form
  readonly isSame: boolean
}

/** The name in the command table. */
export function nameOf(argv: readonly string[]): string {
  const name = (argv[0] ?? '').toLowerCase()
  return CONTAINERS.has(name) && argv.length > 1 ? `${name}|${argv[1]!.toLowerCase()}` : name
}

/** SORT by a fixed key leaves the elements as they lie, and those of a set lie in no order. */
function isUnsorted(argv: readonly string[]): boolean {
  return argv.some((word, i) => word.toLowerCase() === 'by' && !(argv[i + 1] ?? '').includes('*'))
}

/** Neither an error nor nothing. */
function isAnswer(form: Resp2Form): boolean {
  return typeof form !== 'string' || !/^[-_*]/.test(form)
}

function sorted(form: Resp2Form): Resp2Form {
  return typeof form === 'string' ? form : [...form].sort(byText)
}

function sortedPairs(form: Resp2Form): Resp2Form {
  if (typeof form === 'string') return form
  const pairs: Resp2Form[] = []
  for (let i = 0; i + 1 < form.length; i += 2) pairs.push([form[i]!, form[i + 1]!])
  return pairs.sort(byText)
}

/** ZSCAN has scores with more digits than they need. */
function withScores(flat: Resp2Form): Resp2Form {
  return typeof flat === 'string'
    ? flat
    : flat.map((item, i) => (i % 2 === 0 ? item : `,${String(item).slice(1)}`))
}

function byText(one: Resp2Form, other: Resp2Form): number {
  const texts = [one, other].map((form) => (typeof form === 'string' ? form : JSON.stringify(form[0])))
  return texts[0]! < texts[1]! ? -1 : texts[0] === texts[1] ? 0 : 1
}

function isNear(ours: Resp2Form, theirs: Resp2Form, slack: number): boolean {
  const [one, other] = [ours, theirs].map((form) => Number(String(form).slice(1))) as [number, number]
  // Times beyond those of a JavaScript number are held at its end: some 285,000 years from now.
  if (Math.min(one, other) > FAR_S * (slack / SLACK_S)) return true
  // Below 0 stands for no key and no expiry.
  return one < 0 || other < 0 ? one === other : Math.abs(one - other) <= slack
}

/** What there is to draw from: members, or the flat pairs of a hash or a sorted set. */
async function poolOf(run: Run, argv: readonly string[]): Promise<Resp2Form> {
  const key = argv[1] ?? ''
  switch (nameOf(argv)) {
    case 'hrandfield':
      return run(['HGETALL', key])
    case 'zrandmember':
      return run(['ZRANGE', key, '0', '-1', 'WITHSCORES'])
    default:
      return run(['SMEMBERS', key])
  }
}

function isDrawn(argv: readonly string[], draw: Resp2Form, pool: Resp2Form): boolean {
  if (typeof pool === 'string') return isSameReply(draw, []) || draw === '_'
  const isPaired = nameOf(argv) === 'hrandfield' || nameOf(argv) === 'zrandmember'
  const names = isPaired ? pool.filter((_, i) => i % 2 === 0) : pool
  if (typeof draw === 'string') return names.includes(draw)
  const hasValues = argv.length > 3
  const drawn = hasValues ? draw.filter((_, i) => i % 2 === 0) : draw
  if (!drawn.every((name) => names.includes(name))) return false
  if (!(argv[2] ?? '').startsWith('-') && new Set(drawn).size !== drawn.length) return false
  return (
    !hasValues || drawn.every((name, i) => isSameReply(draw[2 * i + 1]!, pool[2 * names.indexOf(name) + 1]!))
  )
}

async function checkPop(run: Run, argv: readonly string[], theirs: Resp2Form): Promise<CheckedAnswer> {
  const before = await run(['SMEMBERS', argv[1]!])
  const ours = await run(argv)
  const [own, other] = [ours, theirs].map((form) => (typeof form === 'string' ? [form] : form)) as [
    readonly string[],
    readonly string[],
  ]
  const isSame =
    isAnswer(ours) &&
    typeof ours === typeof theirs &&
    own.length === other.length &&
    new Set(own).size === own.length &&
    [...own, ...other].every((member) => before.includes(member))
  const [back, away] = [own.filter((one) => !other.includes(one)), other.filter((one) => !own.includes(one))]
  if (isSame && back.length > 0) await run(['SADD', argv[1]!, ...back.map((one) => one.slice(1))])
  if (isSame && away.length > 0) await run(['SREM', argv[1]!, ...away.map((one) => one.slice(1))])
  return { ours, isSame }
}
