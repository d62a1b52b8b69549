/**
 * Starts a worker thread on our entry module, also where a bundler has moved us and left the module behind.
 *
 * Losing the worker's file in a bundle is the classic fault of libraries like this one. Here the path is made
 * in a way that no bundler tries to follow; where the file is, it is started; where it is not, the same code,
 * built into one text, is run instead. The text is loaded only in that case.
 * Tests: test/package/package.test.ts bundles with Vite, webpack and esbuild, and runs each bundle.
 */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker, type WorkerOptions } from 'node:worker_threads'

const WORKERS = join('..', '..', 'workers')

/** Starts the worker; never resolves to one without an entry. */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const path = workerFile('thread-main.js')
  if (path !== undefined) return new Worker(path, { ...options, execArgv: inheritedFlags() })
  const { threadMainSource } = await import('../../workers/thread-main-inline.ts')
  return new Worker(threadMainSource, { ...options, execArgv: inheritedFlags(), eval: true })
}

/** Where a file of `workers/` lies; undefined where a bundler has lost it. */
export function workerFile(name: string): string | undefined {
  try {
    const path = join(dirname(fileURLToPath(import.meta.url)), WORKERS, name)
    return existsSync(path) ? path : undefined
  } catch {
    // No `import.meta.url` in a CommonJS bundle, or one that is no file.
    return undefined
  }
}

/** The flags of this process, without those that say what program it runs. */
function inheritedFlags(): string[] {
  const flags: string[] = []
  for (let i = 0; i < process.execArgv.length; i++) {
    const flag = process.execArgv[i]!
    if (/^(-e|-p|-pe|--eval|--print)$/.test(flag)) i++
    else if (!/^--(input-type|eval|print)(=|$)/.test(flag)) flags.push(flag)
  }
  return flags
}
