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
  if (path !== undefined) return new Worker(path, { ...options, ...inheritedFlags() })
  const { threadMainSource } = await import('../../workers/thread-main-inline.ts')
  return new Worker(threadMainSource, { ...options, ...inheritedFlags(), eval: true })
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

/**
 * For a program that stands on the command line: its workers must not inherit what says so. Otherwise nothing
 * is given, because what Node inherits by itself may hold flags that it refuses when they are given.
 */
function inheritedFlags(): { readonly execArgv?: string[] } {
  const isInput = (flag: string): boolean => /^(-e|-p|-pe|--eval|--print|--input-type)(=|$)/.test(flag)
  if (!process.execArgv.some(isInput)) return {}
  // The program's text follows its flag.
  const isText = (i: number): boolean => /^(-e|-p|-pe|--eval|--print)$/.test(process.execArgv[i - 1] ?? '')
  return { execArgv: process.execArgv.filter((flag, i) => !isInput(flag) && !isText(i)) }
}
