/**
 * Chaos: a program that uses only the public API, and does to it what programs do on bad days.
 *
 *     node chaos-program.mjs <seed> [seconds]
 *
 * It floods mailboxes, sends what cannot be cloned, aborts half of its asks, ends actors and threads in every
 * way, and closes at a random moment. Whatever happens: every promise settles, each watched end is told once,
 * the order of a sender is kept, memory stays bounded, and the process exits by itself. What does not hold is
 * printed, and the exit code is 1.
 */
import { createRuntime, ShardloomError } from 'shardloom'

const seed = Number(process.argv[2] ?? 1)
const seconds = Number(process.argv[3] ?? 2)
const ACTORS = new URL('./chaos-actors.mjs', import.meta.url)
const POLICIES = ['refuse', 'wait', 'drop_oldest', 'drop_newest']
/** After the end, what has not settled by then never will. */
const SETTLE_MS = 15_000
const RSS_GROWTH_MAX = 400 * 2 ** 20

const problems = []
const open = new Map()
const outcomes = new Map()
let nextId = 0
let state = (seed * 2_654_435_761) >>> 0

function random() {
  state = (state + 0x6d2b79f5) >>> 0
  let t = Math.imul(state ^ (state >>> 15), 1 | state)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}
const below = (n) => Math.floor(random() * n)
const pick = (list) => list[below(list.length)]
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** Keeps an eye on a promise until it settles, and on how it does. */
function track(what, promise) {
  const id = nextId++
  open.set(id, what)
  const settled = promise.then(
    (value) => {
      count(`${what}: fulfilled`)
      return value
    },
    (error) => {
      const isOwn = error?.message?.includes('on purpose')
      const isKnown = error instanceof ShardloomError && /^SHL_[A-Z_]+$/.test(error.code)
      const isAbort = error?.name === 'AbortError'
      if (!isOwn && !isKnown && !isAbort) problems.push(`${what} rejected with ${error?.stack ?? error}`)
      if (error?.code === 'SHL_ASSERTION') problems.push(`${what}: ${error.stack}`)
      count(`${what}: ${error?.code ?? error?.name}`)
    },
  )
  void settled.finally(() => open.delete(id))
  return settled
}

function count(what) {
  outcomes.set(what, (outcomes.get(what) ?? 0) + 1)
}

process.on('unhandledRejection', (error) => problems.push(`unhandled rejection: ${error?.stack ?? error}`))
process.on('uncaughtException', (error) => problems.push(`uncaught exception: ${error?.stack ?? error}`))

const runtime = await createRuntime({
  threads: 1 + below(3),
  limits: { ringBytes: 2 ** (14 + below(5)), asksMax: 4096, threadsMax: 12 },
  timeouts: { askMs: 3000, closeMs: 4000, stopMs: 300 },
  resourceLimits: { maxOldGenerationSizeMb: 64 },
})

/** The actors of the moment; each has its numbered sender. */
let victims = []

async function spawnOne() {
  const options = {
    export: 'victim',
    placement: random() < 0.15 ? 'dedicated' : random() < 0.1 ? 'main' : 'shared',
    mailbox: { depthMax: 1 + below(64), policy: pick(POLICIES) },
  }
  const ref = await track('spawn', runtime.spawn(ACTORS, options))
  if (ref === undefined) return
  const victim = {
    ref,
    next: 1,
    isMain: options.placement === 'main',
    ends: 0,
    policy: options.mailbox.policy,
  }
  victims.push(victim)
  for (let i = 0; i < 2; i++) {
    void track('watch', runtime.watch(ref, { unref: true })).then((reason) => {
      if (typeof reason?.type !== 'string') problems.push(`a watch of ${ref} said ${JSON.stringify(reason)}`)
      victim.ends++
      victims = victims.filter((one) => one !== victim)
    })
  }
}

/** What goes well or badly with one actor. Weights are the number of times an entry stands there. */
const acts = {
  tellNumbers({ ref }, victim) {
    for (let i = 0; i < 20; i++) ref.tell('numbered', { sender: 'main', n: victim.next++ })
  },
  flood({ ref }, victim) {
    let refused = 0
    for (let i = 0; i < 2000 && refused < 50; i++) {
      if (!ref.tell('numbered', { sender: 'main', n: victim.next++ })) refused++
    }
  },
  offer({ ref }, victim) {
    void track(
      'offer',
      ref.offer('numbered', { sender: 'main', n: victim.next++ }, { timeoutMs: below(100) }),
    )
  },
  echo({ ref }) {
    void track(
      'echo',
      ref.ask('echo', { a: [1, 'x', new Map([[1, { b: 2n }]])] }, { timeoutMs: 1 + below(500) }),
    )
  },
  large({ ref }) {
    void track('large', ref.ask('size', new Uint8Array(below(300_000))))
  },
  transfer({ ref }) {
    const bytes = new Uint8Array(below(100_000))
    void track('transfer', ref.ask('size', bytes, { transfer: [bytes.buffer] }))
  },
  aborted({ ref, isMain }) {
    const controller = new AbortController()
    if (random() < 0.2) controller.abort()
    // A loop on the main thread would wait for an abort that only the main thread can make.
    const type = pick(['nap', 'wait', isMain ? 'nap' : 'spin', 'echo'])
    const asked = track(
      `aborted ${type}`,
      ref.ask(type, below(50), { signal: controller.signal, timeoutMs: 400 }),
    )
    if (random() < 0.8) setTimeout(() => controller.abort(), below(30))
    void asked
  },
  notSendable({ ref }) {
    const bad = { options: { list: [1, () => 1] } }
    void track('not sendable', ref.ask('echo', bad))
    try {
      if (ref.tell('echo', { symbol: Symbol('x') })) problems.push('a symbol was sent')
    } catch (error) {
      if (error.code !== 'SHL_VALUE_NOT_SENDABLE') problems.push(`a symbol: ${error.stack}`)
    }
  },
  badAnswer({ ref }) {
    void track('bad answer', ref.ask('badAnswer'))
  },
  unknown({ ref }) {
    void track('unknown', ref.ask('nobodyKnowsThis', 1))
  },
  fail({ ref }) {
    void track('fail', ref.ask(pick(['throwNow', 'throwLater'])))
  },
  async stream({ ref }) {
    const stop = below(20)
    const read = async () => {
      let expected = 0
      for await (const item of ref.stream('count', 15, { window: 1 + below(4), timeoutMs: 500 })) {
        if (item !== expected++) problems.push(`a stream said ${item} instead of ${expected - 1}`)
        if (item === stop) break
      }
    }
    await track('stream', read())
  },
  forward({ ref }) {
    const other = pick(victims)
    void track(
      'forward',
      ref.ask('forward', { ref: other.ref, ms: below(20) }, { timeoutMs: below(300) + 1 }),
    )
  },
  child({ ref }) {
    void track('child', ref.ask('spawnChild', ACTORS.href))
  },
  stop({ ref }) {
    void track('stop', ref.stop({ mode: pick(['drain', 'stop', 'kill']), timeoutMs: below(200) }))
  },
  stopSelf({ ref }) {
    ref.tell('stopSelf')
  },
  registry({ ref }) {
    void track('register', runtime.registry.register(`name ${below(4)}`, ref))
    void track('find', runtime.registry.find(`name ${below(4)}`))
  },
}
const deadly = {
  exit: ({ ref }) => ref.tell('exit'),
  crash: ({ ref }) => ref.tell('crash'),
  exitAsked: ({ ref }) => void track('exit', ref.ask('exit')),
  killThread: ({ ref }) => void track('kill thread', runtime.killThread(ref.thread)),
  bloat: ({ ref }) => void track('bloat', ref.ask('bloat')),
}
const actNames = Object.keys(acts)
const deadlyNames = Object.keys(deadly).flatMap((name) =>
  name === 'bloat' ? [name] : [name, name, name, name],
)

async function routerLife() {
  const strategy = pick(['round_robin', 'least_mailbox', 'consistent_hash', 'broadcast'])
  const router = await track(
    'router',
    runtime.router(ACTORS, { export: 'victim', size: 1 + below(3), strategy }),
  )
  if (router === undefined) return
  for (let i = 0; i < 30 && Date.now() < endMs; i++) {
    const ask = async () => router.ask('echo', i)
    void track('router ask', ask())
    if (random() < 0.1) void track('resize', router.resize(below(4)))
    if (random() < 0.1)
      void track('router ref', router.ref()).then((ref) => ref && track('dispatched', ref.ask('echo', 1)))
    await sleep(below(20))
  }
  await track('router stop', router.stop({ mode: pick(['drain', 'stop', 'kill']), timeoutMs: 200 }))
}

// The loop itself waits for promises: it must not be what hides that one never settles.
setTimeout(
  () => {
    for (const what of open.values()) console.log(`PROBLEM never settled: ${what}`)
    console.log(JSON.stringify(runtime.inspect()))
    process.exit(1)
  },
  seconds * 1000 + SETTLE_MS + 5000,
).unref()

const endMs = Date.now() + seconds * 1000 * (0.2 + random() * 0.8)
let rssEarly = 0
let routers = 0
while (Date.now() < endMs) {
  while (victims.length < 6 && Date.now() < endMs) await spawnOne()
  const victim = pick(victims)
  if (victim === undefined) continue
  if (random() < 0.01 && !victim.isMain) deadly[pick(deadlyNames)](victim)
  else void acts[pick(actNames)](victim, victim)
  if (random() < 0.01 && routers < 2) {
    routers++
    void routerLife().finally(() => routers--)
  }
  if (random() < 0.2) await sleep(below(3))
  if (rssEarly === 0 && Date.now() > endMs - seconds * 500) rssEarly = process.memoryUsage().rss
}

// Those that are left kept the order of their sender.
for (const { ref, policy } of victims) {
  void track(`order under ${policy}`, ref.ask('disorder', undefined, { timeoutMs: 1000, priority: 3 })).then(
    (disorder) => {
      if (disorder > 0) problems.push(`${ref} saw ${disorder} numbers out of order`)
    },
  )
}
// Once everything is answered or given up, no place is held in any mailbox.
if (random() < 0.5) {
  const quietMs = Date.now() + 8000
  const isQuiet = () => [...open.values()].every((what) => what === 'watch')
  while (!isQuiet() && Date.now() < quietMs) await sleep(10)
  const holding = () => victims.filter(({ ref }) => ref.depth > 0)
  while (holding().length > 0 && Date.now() < quietMs) await sleep(10)
  for (const { ref } of holding()) problems.push(`${ref} holds ${ref.depth} places, and nothing is under way`)
}
if (random() < 0.5) await sleep(below(200))

const how = pick(['close', 'close', 'hurried', 'twice', 'never'])
if (how === 'close') await track('close', runtime.close())
if (how === 'hurried') await track('close', runtime.close({ timeoutMs: 1 + below(300) }))
if (how === 'twice') await Promise.all([track('close', runtime.close()), track('close', runtime.close())])
// A runtime that nobody closes is closed when nothing holds the process; watches do not.
const lastMs = Date.now() + SETTLE_MS
while (open.size > 0 && Date.now() < lastMs && how !== 'never') await sleep(5)
if (how !== 'never') {
  for (const what of open.values()) problems.push(`never settled: ${what}`)
}
const growth = process.memoryUsage().rss - (rssEarly || process.memoryUsage().rss)
if (growth > RSS_GROWTH_MAX) problems.push(`memory grew by ${Math.round(growth / 2 ** 20)} MB`)

process.on('exit', (code) => {
  if (how === 'never') for (const what of open.values()) problems.push(`not settled at exit: ${what}`)
  const total = [...outcomes.values()].reduce((sum, n) => sum + n, 0)
  console.log(`seed ${seed}: ${total} outcomes, closed: ${how}, exit code ${code}`)
  if (process.env.CHAOS_VERBOSE) for (const [what, n] of [...outcomes].sort()) console.log(`  ${n} × ${what}`)
  for (const problem of problems.slice(0, 20)) console.log(`PROBLEM ${problem}`)
  process.exitCode = problems.length > 0 ? 1 : code
})
