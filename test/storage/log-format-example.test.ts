/** The worked example of docs/formats/log.md is what the code writes, byte for byte, and what it reads. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { examineLog, KIND_COMMIT, LogWriter } from '../../src/storage/index.ts'
import { SimulatedDisk } from '../../src/testkit/simulated-disk.ts'
import { ManualClock } from '../support/manual-clock.ts'

const PAGE = join(import.meta.dirname, '..', '..', 'docs', 'formats', 'log.md')
const OWNER = { directory: '4f1c', shard: 2 }
const FILE = '/log/00000001.log'

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

function dumpOnPage(): string {
  const match = /^```text\n(0000 {2}[\s\S]*?)\n```$/m.exec(readFileSync(PAGE, 'utf8').replaceAll('\r', ''))
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
