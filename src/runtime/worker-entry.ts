/**
 * Starts a worker thread on our entry module, also where a bundler has moved us.
 *
 * webpack and Vite understand the literal `new Worker(new URL(…, import.meta.url))` and emit the file. esbuild, and
 * Vite when it builds for Node, leave the URL as it is, and the file is not there: then the same code, built into
 * one text, is run instead. It is loaded only in that case.
 * Tests: test/package/package.test.ts builds and runs all of them.
 */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker, type WorkerOptions } from 'node:worker_threads'

/** Starts the worker; never resolves to one without an entry. */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  if (isEntryPresent()) {
    return new Worker(new URL('../../workers/thread-main.js', import.meta.url), options)
  }
  const { threadMainSource } = await import('../../workers/thread-main-inline.js')
  return new Worker(threadMainSource, { ...options, eval: true })
}

function isEntryPresent(): boolean {
  try {
    return existsSync(fileURLToPath(new URL('../../workers/thread-main.js', import.meta.url)))
  } catch {
    // No `import.meta.url` in a CommonJS bundle, or one that is no file.
    return false
  }
}
