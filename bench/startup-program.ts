/**
 * One start, timed from the first line: run by startup.ts in a process of its own. Prints time and answer.
 */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

const startMs = performance.now()
if (process.argv[2] === 'shardloom') {
  const { createRuntime } = await import('shardloom')
  const runtime = await createRuntime({ threads: 1 })
  const ref = await runtime.spawn<typeof import('./echo-actor.ts').echo>(
    new URL('./echo-actor.js', import.meta.url),
  )
  const answer = await ref.ask('increment', 41)
  process.stdout.write(`${performance.now() - startMs} ${answer}\n`)
  await runtime.close()
} else {
  const worker = new Worker(new URL('./peers/post-message-worker.js', import.meta.url))
  worker.postMessage(41)
  const [answer] = (await once(worker, 'message')) as [number]
  process.stdout.write(`${performance.now() - startMs} ${answer}\n`)
  await worker.terminate()
}
