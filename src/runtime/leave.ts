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

let isPrepared = false

type Execve = (file: string, args: string[], env: Record<string, string>) => never

/** Prepares the leave; `thread` is named in the warning. */
export function leaveWithoutJoining(thread: number): void {
  if (isPrepared) return
  isPrepared = true
  process.on('exit', (code) => leave(thread, code))
}

function leave(thread: number, code: number): void {
  writeSync(2, `shardloom: thread ${thread} cannot be interrupted; leaving the process without it\n`)
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
