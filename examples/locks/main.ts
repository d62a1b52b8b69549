/**
 * Clerks on threads of their own pay invoices, each under a lock; one is paused for longer than its lease,
 * and is fenced off. In the end each invoice is paid once.
 *
 *     node dist/examples/locks/main.js               the story, and its proof
 *     node dist/examples/locks/main.js --no-fence    what happens to those who trust a lock alone
 *
 * Tests: test/examples/locks.test.ts
 */
import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { createRuntime, type Keyspace, type Runtime } from 'shardloom'
import { type ClerkReport, type clerk, paymentsKey, STORY } from './clerk.ts'

const NAMES = ['Bo', 'Ada', 'Cy', 'Di']
const DROWSY = 'Bo'
const INVOICES = 8
const LEASE_MS = 500
const PAUSE_MS = 1500
const EXIT_FAILED = 1
const EXIT_USAGE = 2
const HELP = `Clerks on four threads pay ${INVOICES} invoices, each under a lock; one is paused for too long.

  --no-fence    let payments go through without a look at the lock: one is made twice (exit code 1)
  --help        print this`

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  let values: ReturnType<typeof readOptions>
  try {
    values = readOptions(args)
  } catch (error) {
    process.stderr.write(`locks: ${(error as Error).message.split(/\. |\n/)[0]} (see --help)\n`)
    return EXIT_USAGE
  }
  if (values.help === true) {
    process.stdout.write(`${HELP}\n`)
    return 0
  }
  // Shards live on the shared thread, clerks on their own: a clerk that stands still holds up nobody else.
  await using runtime = await createRuntime({ threads: 1, keyspace: {} })
  const { keyspace } = runtime
  const story = keyspace.subscribe(STORY)
  await story.ready
  const printed = print(story)
  const reports = await pay(runtime, values['no-fence'] !== true)
  await keyspace.publish(STORY, '')
  await printed
  return await prove(keyspace, reports)
}

function readOptions(args: readonly string[]) {
  const options = { 'no-fence': { type: 'boolean' }, help: { type: 'boolean' } } as const
  return parseArgs({ args: [...args], options }).values
}

/** All clerks at once. Each begins with another invoice, and goes through all of them. */
async function pay(runtime: Runtime, hasFence: boolean): Promise<ClerkReport[]> {
  const url = new URL('./clerk.js', import.meta.url)
  const clerks = await Promise.all(
    NAMES.map((name) => runtime.spawn<typeof clerk>(url, { name, placement: 'dedicated' })),
  )
  return Promise.all(
    clerks.map((ref, i) => {
      const first = (i * INVOICES) / NAMES.length
      const invoices = Array.from({ length: INVOICES }, (_, n) => ((first + n) % INVOICES) + 1)
      const pauseMs = NAMES[i] === DROWSY ? PAUSE_MS : 0
      return ref.ask('work', { name: NAMES[i]!, invoices, leaseMs: LEASE_MS, pauseMs, hasFence })
    }),
  )
}

/** Prints what the clerks tell, until nobody has anything to tell. */
async function print(story: AsyncIterable<{ readonly message: string }>): Promise<void> {
  let startMs: number | undefined
  for await (const { message } of story) {
    if (message === '') return
    startMs ??= performance.now()
    process.stdout.write(`${((performance.now() - startMs) / 1000).toFixed(2)} s  ${message}\n`)
  }
}

/** Counts the payments of each invoice. */
async function prove(keyspace: Keyspace, reports: readonly ClerkReport[]): Promise<number> {
  let isRight = true
  for (let invoice = 1; invoice <= INVOICES; invoice++) {
    const payments = await keyspace.list(paymentsKey(invoice)).range()
    if (payments.length === 1) continue
    isRight = false
    process.stdout.write(
      `invoice ${invoice} was paid ${payments.length} times: by ${payments.join(' and ')}\n`,
    )
  }
  const refused = reports.reduce((sum, report) => sum + report.refused, 0)
  if (isRight)
    process.stdout.write(
      `${INVOICES} invoices, each paid once; ${refused} refused because it came too late\n`,
    )
  return isRight ? 0 : EXIT_FAILED
}
