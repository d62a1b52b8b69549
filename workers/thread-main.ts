/** The entry of every worker thread: takes what the runtime handed over and leaves the rest to it. */
import { workerData } from 'node:worker_threads'
import { bootstrapThread, type ThreadStart } from '../src/runtime/thread-bootstrap.ts'

await bootstrapThread((workerData as { shardloom: ThreadStart }).shardloom)
