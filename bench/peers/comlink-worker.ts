/** Comlink's other side: exposes one function. */
import { parentPort } from 'node:worker_threads'
import { expose } from 'comlink'
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs'

if (parentPort !== null) expose({ increment: (n: number) => n + 1 }, nodeEndpoint(parentPort))
