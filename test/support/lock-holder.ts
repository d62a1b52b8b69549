/**
 * Processes that lock directories as they are told: `lock-holder-program.ts`, bundled, since Node 20 runs no
 * TypeScript.
 *
 * Tests: test/storage/directory-lock.race.test.ts
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import type { Answer, Order } from './lock-holder-program.ts'

/** A process that was started. */
export interface Holder {
  readonly child: ChildProcess
  readonly pid: number
  ask(order: Order): Promise<Answer>
  /** Sends a signal; for SIGKILL, resolves when the process has gone. */
  signal(name: NodeJS.Signals): Promise<void>
}

/** Bundles the program; call `remove` when no process needs it any more. */
export async function bundleHolder(): Promise<{ program: string; remove: () => void }> {
  const folder = mkdtempSync(join(tmpdir(), 'shardloom-holder-'))
  const program = join(folder, 'holder.mjs')
  await build({
    entryPoints: [join(import.meta.dirname, 'lock-holder-program.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
  })
  return { program, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

/** Starts one, and waits until it listens to orders. */
export async function startHolder(program: string, args: readonly string[] = []): Promise<Holder> {
  const child = fork(program, args, { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const ended = once(child, 'exit')
  await once(child, 'message')
  return {
    child,
    pid: child.pid as number,
    async ask(order) {
      const answer = once(child, 'message')
      child.send(order)
      const early = ended.then(([code, signal]) => {
        throw new Error(`the process ended: ${code ?? signal}`)
      })
      return ((await Promise.race([answer, early])) as [Answer])[0]
    },
    async signal(name) {
      child.kill(name)
      if (name === 'SIGKILL') await ended
    },
  }
}
