/**
 * Leaves a process that Node cannot end: one with a worker thread that nothing interrupts.
 *
 * At exit Node joins every worker thread, also in `process.exit`, and would wait for ever for a thread in a
 * native call or an uninterruptible loop. Once a thread had to be given up, the process is therefore left
 * from its `exit` event: replaced by a program that ends at once with the same exit code, where Node can do
 * that (22.15 and later), else killed by its own signal, which a shell shows as 137.
 *
 * Tests: test/runtime/close.race.test.ts
 */
import { writeSync } from 'node:fs'

/** Threads that had to be given up, and have not ended since. */
const givenUp = new Set<number>()
let isPrepared = false

type Execve = (file: string, args: string[], env: Record<string, string>) => never

/**
 * Prepares the leave; `thread` is named in the warning. Returns what to call should the thread end after all:
 * it was only slow, and Node can join it.
 */
export function leaveWithoutJoining(thread: number): () => void {
  givenUp.add(thread)
  if (!isPrepared) process.on('exit', leave)
  isPrepared = true
  return () => givenUp.delete(thread)
}

function leave(code: number): void {
  if (givenUp.size === 0) return
  const threads = [...givenUp].join(', ')
  writeSync(2, `shardloom: thread ${threads} cannot be interrupted; leaving the process without it\n`)
  const { execve } = process as { execve?: Execve }
  if (execve !== undefined && process.platform !== 'win32') {
    try {
      process.removeAllListeners('warning')
      execve.call(process, '/bin/sh', ['sh', '-c', `exit ${code}`], {})
    } catch {
      // No shell there: the signal below works everywhere.
    }
  }
  process.kill(process.pid, 'SIGKILL')
}
