/** The worked example of docs/formats/log.md is what the code writes, byte for byte, and what it reads. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { examineLog, KeyRing, KIND_COMMIT, LogKey, LogWriter } from '../../src/storage/index.ts'
import { SimulatedDisk } from '../../src/testkit/simulated-disk.ts'
import { ManualClock } from '../support/manual-clock.ts'

const PAGE = join(import.meta.dirname, '..', '..', 'docs', 'formats', 'log.md')
const OWNER = { directory: '4f1c', shard: 2 }
const FILE = '/log/00000001.log'
const KEY = new LogKey(Uint8Array.from({ length: 32 }, (_, i) => i))

/** The encrypted one: both commits in one write. */
async function encryptedLog(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk()
  disk.putFolder('/log')
  const how = { segmentBytes: 1e6, syncEveryMs: 1000, reserveBytes: 0 }
  let drawn = 0
  const randomBytes = (count: number): Uint8Array => Uint8Array.from({ length: count }, () => 0xa0 + drawn++)
  const log = await LogWriter.open(
    {
      disk,
      clock: new ManualClock(),
      folder: '/log',
      ...OWNER,
      ...how,
      encryption: { key: KEY, randomBytes },
    },
    await examineLog(disk, '/log', OWNER, () => undefined),
  )
  log.begin().block('hello')
  log.append({ kind: KIND_COMMIT, revision: 1, atMs: 1_700_000_000_000, participants: [] })
  log.begin(2).number(300)
  log.append({ kind: KIND_COMMIT, revision: 2, atMs: 1_700_000_000_001, participants: [2, 5] })
  await log.close()
  return disk
}

/**
 * The log of the example: one commit, synced; then one of a transaction with shard 5, written; then closed.
 */
async function exampleLog(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk()
  disk.putFolder('/log')
  const how = { segmentBytes: 1e6, syncEveryMs: 1000, reserveBytes: 0 }
  const log = await LogWriter.open(
    { disk, clock: new ManualClock(), folder: '/log', ...OWNER, ...how },
    await examineLog(disk, '/log', OWNER, () => undefined),
  )
  log.begin().block('hello')
  log.append({ kind: KIND_COMMIT, revision: 1, atMs: 1_700_000_000_000, participants: [] })
  await log.reached('fsync', log.appended)
  log.begin(2).number(300)
  log.append({ kind: KIND_COMMIT, revision: 2, atMs: 1_700_000_000_001, participants: [2, 5] })
  await log.close()
  return disk
}

/** Sixteen bytes a line: their place, themselves, and what they are as text. */
function dumpOf(bytes: Uint8Array): string {
  const lines: string[] = []
  for (let at = 0; at < bytes.length; at += 16) {
    const part = Buffer.from(bytes.subarray(at, at + 16))
    const hex = [part.subarray(0, 8), part.subarray(8)].map((half) =>
      half.toString('hex').replace(/..\B/g, '$& '),
    )
    const text = part.toString('latin1').replace(/[^ -~]/g, '.')
    lines.push(`${at.toString(16).padStart(4, '0')}  ${hex.join('  ').padEnd(48)}  ${text}`.trimEnd())
  }
  return lines.join('\n')
}

/** The bytes of a dump; what follows a `;` is a comment. */
function bytesOf(dump: string): Buffer {
  const hex = dump.split('\n').map((line) => line.slice(6, 54).replaceAll(' ', ''))
  return Buffer.from(hex.join(''), 'hex')
}

function dumpOnPage(begin = '0000'): string {
  const match = new RegExp(`^\`\`\`text\\n(${begin} {2}[\\s\\S]*?)\\n\`\`\`$`, 'm').exec(
    readFileSync(PAGE, 'utf8').replaceAll('\r', ''),
  )
  return match?.[1] ?? ''
}

test('the code writes what the page shows', async () => {
  const disk = await exampleLog()
  expect(dumpOnPage()).toBe(dumpOf(disk.contentOf(FILE)!))
})

test('the code reads what the page shows', async () => {
  const disk = new SimulatedDisk()
  disk.putFile(FILE, bytesOf(dumpOnPage()))
  const seen: unknown[] = []
  const { tail, synced } = await examineLog(
    disk,
    '/log',
    OWNER,
    ({ kind, revision, participants, payload }) => {
      seen.push([kind, revision, participants.join(), Buffer.from(payload).toString('latin1')])
    },
  )
  const info = '{"directory":"4f1c","shard":2,"number":1,"base":0,"previous":0}'
  expect(seen).toEqual([
    [1, 0, '', info],
    [2, 1, '', '\x05hello'],
    [2, 2, '2,5', '\xac\x02'],
  ])
  expect(tail).toBeUndefined()
  expect(synced).toBe(240)
})

test('the code writes, and reads, what the page shows of an encrypted log', async () => {
  const disk = await encryptedLog()
  const bytes = disk.contentOf(FILE)!
  expect(dumpOnPage('0100')).toBe(dumpOf(bytes).split('\n').slice(16).join('\n'))
  const shown = new SimulatedDisk()
  shown.putFile(FILE, Buffer.concat([bytes.subarray(0, 256), bytesOf(dumpOnPage('0100'))]))
  const seen: number[] = []
  const owner = { ...OWNER, keys: new KeyRing(KEY) }
  const { synced } = await examineLog(shown, '/log', owner, ({ kind, revision }) => {
    if (kind === KIND_COMMIT) seen.push(revision)
  })
  expect([seen, synced]).toEqual([[1, 2], 416])
})
