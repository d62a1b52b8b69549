/**
 * Replies in the RESP2 view, as text that can be compared and read: the kind of a reply first, then what it
 * is.
 *
 *     $text  :1  +OK  -ERR …  _ (no string)  *_ (no array)  ,1.5 (a score: RESP2 has it as a string)
 *
 * Arrays stay arrays; maps and sets are flat arrays. Replies are told by their shape, not by their class:
 * they may come from the sources or from `dist/`. Plain JavaScript, since programs run it on Node 20.
 */

/** Commands whose pairs RESP2 lays flat: a session is answered in RESP3. */
const FLAT_IN_RESP2 = new Set([
  'hrandfield',
  'zdiff',
  'zinter',
  'zpopmax',
  'zpopmin',
  'zrandmember',
  'zrange',
  'zrangebyscore',
  'zrevrange',
  'zrevrangebyscore',
  'zunion',
])

/** A reply as RESP2 shows it. `command`: its name, where the caller speaks RESP3. */
export function resp2Form(reply, command) {
  const form = formOf(reply)
  return command !== undefined && FLAT_IN_RESP2.has(command.toLowerCase()) && Array.isArray(form)
    ? form.flat()
    : form
}

function formOf(reply) {
  if (reply === null) return '_'
  if (typeof reply === 'number' || typeof reply === 'bigint') return `:${reply}`
  if (typeof reply === 'string') return `$${reply}`
  if (reply instanceof Uint8Array) return `$${Buffer.from(reply).toString('latin1')}`
  if (Array.isArray(reply)) return reply.map(formOf)
  if ('flat' in reply) return reply.flat.map(formOf)
  if ('members' in reply) return reply.members.map(formOf)
  if ('value' in reply) return `,${doubleText(reply.value)}`
  if ('isNull' in reply) return '*_'
  return 'code' in reply ? `-${reply.text}` : `+${reply.text}`
}

function doubleText(value) {
  if (Object.is(value, -0)) return '-0'
  return Number.isFinite(value) ? String(value) : value > 0 ? 'inf' : '-inf'
}

/** Whether two forms are the same reply; a score equals every text of the same number. */
export function isSameReply(one, other) {
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((item, i) => isSameReply(item, other[i]))
  }
  if (one === other) return true
  if (typeof one !== 'string' || typeof other !== 'string') return false
  if (one[0] !== ',' && other[0] !== ',') return false
  return '$,'.includes(one[0]) && '$,'.includes(other[0]) && isSameNumber(one.slice(1), other.slice(1))
}

/** -0 is 0: what Redis answers depends on how it stores the set. */
function isSameNumber(one, other) {
  return one !== '' && other !== '' && numberOf(one) === numberOf(other)
}

function numberOf(text) {
  if (text === 'inf' || text === '-inf') return text === 'inf' ? Infinity : -Infinity
  return Number(text)
}
