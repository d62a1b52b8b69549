/**
 * What a random client does with locks: takes one without waiting, writes by its token, gives it back, or
 * leaves it until its lease is over. By single commands, so that each is one operation of the lock's model.
 */
export const LEASE_MS = 25
const LOCKS = ['x0', 'x1']

/** One step of a client of workload.mjs. */
export async function lockStep(client) {
  const key = client.pick(LOCKS)
  const owner = client.value()
  const acquire = { type: 'acquire', owner }
  let held
  await operate(client, key, acquire, async () => {
    const reply = await client.run('LOCK.ACQUIRE', key, owner, 'PX', LEASE_MS)
    held = reply?.[0]
    // A token as text: it goes through pipes.
    return held === undefined ? undefined : String(held)
  })
  if (held === undefined) return
  const token = String(held)
  for (let i = client.chance(3); i > 0; i--) {
    await operate(client, key, { type: 'write', token }, () =>
      client.run('FENCED', key, token, 'SET', key, token).then(
        () => true,
        (error) => {
          if (error?.code === 'SHL_LOCK_FENCED') return false
          throw error
        },
      ),
    )
  }
  if (client.chance(3) === 0) return
  await operate(client, key, { type: 'release', owner, token }, async () => {
    return (await client.run('LOCK.RELEASE', key, owner, token)) === 1
  })
}

function operate(client, key, call, task) {
  return client.operate('lock', [{ key, call }], async () => [await task()])
}
