/** What the steps of transactions are as commands, for workload.mjs. */

/** The command of a step of a transaction. */
export function commandOf({ type, key, value }) {
  if (type === 'append') return ['RPUSH', key, value]
  if (type === 'read') return ['LRANGE', key, '0', '-1']
  return type === 'set' ? ['SET', key, value] : ['GET', key]
}

/** The step, with what it was answered. */
export function stepOf(step, reply) {
  if (step.type === 'read') return { ...step, value: reply }
  return step.type === 'get' ? { ...step, value: reply ?? undefined } : step
}

/** The reply of a session; an error reply is thrown. */
export async function checked(promise) {
  const reply = await promise
  if (reply?.constructor?.name === 'ErrorReply')
    throw Object.assign(new Error(reply.text), { code: reply.code })
  return reply
}
