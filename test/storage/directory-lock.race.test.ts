/**
 * The lock on a directory among real processes: at once, killed, stopped, in threads and in clusters.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { lockDirectory } from '../../src/storage/directory-lock.ts'
import { bundleHolder, type Holder, startHolder } from '../support/lock-holder.ts'

const IS_SOAK = Boolean(process.env['SHL_SOAK'])
const CROWD = 8
const ROUNDS = IS_SOAK ? 500 : 20
const KILLS = IS_SOAK ? 300 : 15

// Processes take long to start where others want the machine, too.
vi.setConfig({ testTimeout: IS_SOAK ? 600_000 : 120_000 })

let program: string
let removeProgram: () => void
let root: string
let dir: string
const started: Holder[] = []

beforeAll(async () => {
  const bundle = await bundleHolder()
  program = bundle.program
  removeProgram = bundle.remove
})
afterAll(() => removeProgram())
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'shardloom-lock-'))
  dir = join(root, 'data')
})
afterEach(async () => {
  await Promise.all(started.splice(0).map((holder) => holder.signal('SIGKILL')))
  rmSync(root, { recursive: true, force: true })
})

async function start(...args: string[]): Promise<Holder> {
  const holder = await startHolder(program, args)
  started.push(holder)
  return holder
}

function startAll(count: number): Promise<Holder[]> {
  return Promise.all(Array.from({ length: count }, () => start()))
}

describe('at once', () => {
  test(`of ${CROWD} processes exactly one gets it, and the others are told which`, async () => {
    const holders = await startAll(CROWD)
    for (let round = 0; round < ROUNDS; round++) {
      const answers = await Promise.all(holders.map((holder) => holder.ask({ what: 'take', dir })))
      const winners = answers.filter(({ code }) => code === undefined)
      expect(winners).toHaveLength(1)
      const { pid } = winners[0]!
      for (const { code, details } of answers.filter((answer) => answer !== winners[0])) {
        expect(code).toBe('SHL_DIRECTORY_IN_USE')
        expect(details).toMatchObject({ dir, pid })
      }
      await holders.find((holder) => holder.pid === pid)!.ask({ what: 'release', dir })
    }
    expect(readdirSync(join(dir, 'lock'))).toEqual([expect.stringMatching(/^owner-\d+\.sock$/)])
  })

  test('processes that take it and are killed anywhere never have it together', async () => {
    const journal = join(root, 'journal')
    const contenders: Holder[] = []
    const contend = async (): Promise<void> => {
      const holder = await start()
      await holder.ask({ what: 'contend', dir, journal })
      contenders.push(holder)
    }
    await Promise.all(Array.from({ length: 4 }, contend))
    for (let kills = 0; kills < KILLS; kills++) {
      // By turns anybody, and who has it just now.
      await sleep(Math.random() * 40)
      const inside = kills % 2 === 0 ? 0 : await pidInside(journal)
      const index = contenders.findIndex(({ pid }) => inside === 0 || pid === inside)
      await Promise.all([contenders.splice(index, 1)[0]!.signal('SIGKILL'), contend()])
    }
    await Promise.all(contenders.map((holder) => holder.signal('SIGKILL')))
    const { owners, cutShort } = readJournal(readFileSync(journal, 'utf8'))
    expect(owners).toBeGreaterThan(KILLS)
    expect(cutShort).toBeGreaterThan(0)
    expect(cutShort).toBeLessThanOrEqual(KILLS + contenders.length)
    await (await lockDirectory(dir)).release()
  })
})

describe('an owner', () => {
  test('that is killed leaves it to the next at once, round after round', async () => {
    let owner = await start()
    expect(await owner.ask({ what: 'take', dir })).toEqual({ pid: owner.pid })
    // Processes take their time to start: one is always on its way.
    let starting = start()
    for (let round = 0; round < ROUNDS; round++) {
      const next = await starting
      starting = start()
      expect(await next.ask({ what: 'take', dir })).toMatchObject({ details: { pid: owner.pid } })
      await owner.signal('SIGKILL')
      expect(await next.ask({ what: 'take', dir })).toEqual({ pid: next.pid })
      owner = next
    }
    await starting
    expect(readdirSync(join(dir, 'lock')).sort()).toEqual([
      `owner-${ROUNDS + 1}.sock`,
      expect.stringMatching(`^process-${owner.pid}-`),
    ])
  })

  test('that is stopped still has it, however many ask', async () => {
    const [owner, other] = (await startAll(2)) as [Holder, Holder]
    await owner.ask({ what: 'take', dir })
    await owner.signal('SIGSTOP')
    expect(await other.ask({ what: 'take', dir })).toMatchObject({ details: { pid: owner.pid } })
    // Connections that it does not accept fill its queue; then the kernel turns others away.
    const socket = join(dir, 'lock', 'owner-1.sock')
    const { crowd } = await other.ask({ what: 'crowd', dir, socket, count: 1000 })
    expect(crowd?.['EAGAIN']).toBeGreaterThan(0)
    expect(crowd?.['connected']).toBeGreaterThan(0)
    expect(await other.ask({ what: 'take', dir })).toMatchObject({ details: { pid: owner.pid } })
    await owner.signal('SIGKILL')
    expect(await other.ask({ what: 'take', dir })).toEqual({ pid: other.pid })
  })

  test('that goes on after having been stopped still has it', async () => {
    const [owner, other] = (await startAll(2)) as [Holder, Holder]
    await owner.ask({ what: 'take', dir })
    await owner.signal('SIGSTOP')
    await owner.signal('SIGCONT')
    expect(await other.ask({ what: 'take', dir })).toMatchObject({ code: 'SHL_DIRECTORY_IN_USE' })
    await owner.ask({ what: 'release', dir })
    expect(await other.ask({ what: 'take', dir })).toEqual({ pid: other.pid })
  })

  test('in a worker thread keeps the other threads out, and has it no longer than its thread', async () => {
    const [owner, other] = (await startAll(2)) as [Holder, Holder]
    expect(await owner.ask({ what: 'take in a worker', dir })).toEqual({ pid: owner.pid })
    expect(await owner.ask({ what: 'take', dir })).toMatchObject({ details: { pid: owner.pid } })
    expect(await other.ask({ what: 'take in a worker', dir })).toMatchObject({ details: { pid: owner.pid } })
    await owner.ask({ what: 'end the workers', dir })
    expect(await other.ask({ what: 'take in a worker', dir })).toEqual({ pid: other.pid })
  })

  test('in a worker of a cluster holds it itself: its primary does not outlive it with it', async () => {
    const [primary, other] = await Promise.all([start('primary'), start()])
    const { pid } = await primary.ask({ what: 'take', dir })
    expect(pid).not.toBe(primary.pid)
    await primary.signal('SIGSTOP')
    process.kill(pid, 'SIGKILL')
    await expect.poll(() => other.ask({ what: 'take', dir })).toEqual({ pid: other.pid })
    await primary.signal('SIGCONT')
  })

  test('is not held open by it', async () => {
    const owner = await start()
    await owner.ask({ what: 'take', dir })
    await owner.ask({ what: 'exit', dir })
    await expect.poll(() => owner.child.exitCode).toBe(0)
    await (await lockDirectory(dir)).release()
  })
})

/** Waits until somebody has entered, and has not left. */
async function pidInside(journal: string): Promise<number> {
  for (;;) {
    const [what, pid] = readFileSync(journal, 'utf8').trimEnd().split('\n').at(-1)!.split(' ')
    if (what === 'enter') return Number(pid)
    await sleep(0)
  }
}

interface Journal {
  /** How often somebody had it, and how often somebody was killed then. */
  readonly owners: number
  readonly cutShort: number
}

/** Who has entered leaves before another enters, or is never heard of again. */
function readJournal(text: string): Journal {
  const gone = new Set<string>()
  let inside: string | undefined
  let owners = 0
  for (const line of text.trimEnd().split('\n')) {
    expect(line).toMatch(/^(?:enter|leave) \d+$/)
    const [what, pid = ''] = line.split(' ')
    expect(gone, line).not.toContain(pid)
    if (what === 'enter') {
      if (inside !== undefined) gone.add(inside)
      inside = pid
      owners++
    } else {
      expect(line).toBe(`leave ${inside}`)
      inside = undefined
    }
  }
  return { owners, cutShort: gone.size }
}
