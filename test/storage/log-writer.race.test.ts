/**
 * A real process that is really killed while it writes to a log, again and again: what it was told is there.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { examineLog, KIND_COMMIT, systemDisk } from '../../src/storage/index.ts'

const PROGRAM = join(import.meta.dirname, '..', 'support', 'log-program.mjs')
const KILLS = process.env['SHL_SOAK'] === undefined ? 5 : 40
const OWNER = { directory: 'f00d', shard: 0 }

const folder = mkdtempSync(join(tmpdir(), 'shardloom-log-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs the program until it has said something, and a moment longer: the last that it was told. */
function runAndKill(first: number, afterMs: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [PROGRAM, folder, String(first)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => {
      if (text === '') setTimeout(() => child.kill('SIGKILL'), afterMs)
      text += chunk.toString()
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (signal !== 'SIGKILL' && code !== null && process.platform !== 'win32') {
        reject(new Error(`the program ended by itself: ${code}`))
      }
      // The last line may be cut short.
      resolve(Number(text.slice(0, text.lastIndexOf('\n')).split('\n').at(-1)))
    })
  })
}

test('a process that is killed loses nothing that it was told is written', async () => {
  let next = 1
  for (let kill = 0; kill < KILLS; kill++) {
    const told = await runAndKill(next, 10 + 37 * kill)
    expect(told).toBeGreaterThanOrEqual(next)
    let last = 0
    await examineLog(systemDisk(), folder, OWNER, ({ kind, revision, payload }) => {
      if (kind !== KIND_COMMIT) return
      if (revision !== last + 1) expect.unreachable(`record ${revision} comes behind ${last}`)
      // Seven bits a byte.
      const width = Math.ceil(revision.toString(2).length / 7)
      if (payload.length !== (revision % 100) * width) expect.unreachable(`record ${revision} is cut`)
      last = revision
    })
    expect(last).toBeGreaterThanOrEqual(told)
    next = last + 1
  }
})
