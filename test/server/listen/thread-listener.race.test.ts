/** Real threads that accept on one socket: evenly, and whatever becomes of one of them. */
import { spawn } from 'node:child_process'
import { connect, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { afterEach, expect, test } from 'vitest'
import { type Listener, openListener } from '../../../src/server/listen/listener.ts'

const THREAD = new URL('../../support/listen-thread.mjs', import.meta.url)
const CONNECTIONS = process.env['SHL_SOAK'] ? 1000 : 60

let listener: Listener
const workers: Worker[] = []
const sockets: Socket[] = []

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()))
  await listener.close()
})

async function start(threads: number): Promise<void> {
  listener = await openListener({ type: 'tcp', host: '127.0.0.1', port: 0, backlog: 511 }, threads)
  await Promise.all(Array.from({ length: threads }, (_, seat) => startThread(seat)))
}

function startThread(seat: number): Promise<unknown> {
  const worker = new Worker(THREAD, { workerData: { grant: listener.grant(seat), name: `thread-${seat}` } })
  workers[seat] = worker
  return answerOf(worker)
}

function answerOf(worker: Worker): Promise<unknown> {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
}

function ask(seat: number, question: string): Promise<unknown> {
  const worker = workers[seat] as Worker
  const answer = answerOf(worker)
  worker.postMessage(question)
  return answer
}

function port(): number {
  return (listener.address as { port: number }).port
}

/** A connection of this process, when it was greeted: by whom. */
function greeting(): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: port() })
    sockets.push(socket)
    socket.on('data', (chunk: Buffer) => resolve(chunk.toString().trim()))
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('closed without a greeting')))
  })
}

/** Opens many connections at once from another process, and says how many each thread got. */
async function burst(count: number): Promise<Record<string, number>> {
  const program = `
    const net = require('node:net')
    const got = {}
    let left = ${count}
    for (let i = 0; i < ${count}; i++) {
      net.connect(${port()}, '127.0.0.1').on('data', (chunk) => {
        const name = String(chunk).trim()
        got[name] = (got[name] ?? 0) + 1
        if (--left === 0) process.stdout.write(JSON.stringify(got), () => process.exit())
      })
    }`
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  for await (const chunk of child.stdout) text += chunk
  return JSON.parse(text)
}

test.each([2, 4])('many connections at once fall evenly on %d threads', async (threads) => {
  await start(threads)
  const got = await burst(CONNECTIONS)
  const counts = Array.from({ length: threads }, (_, seat) => got[`thread-${seat}`] ?? 0)
  expect(counts.reduce((sum, count) => sum + count)).toBe(CONNECTIONS)
  // Left alone, one thread often gets nearly all, or another none. A machine that is busy may blur it.
  expect(Math.min(...counts)).toBeGreaterThan(CONNECTIONS / threads / 10)
  await expect.poll(() => listener.openConnections).toEqual(counts.map(() => 0))
})

test('connections that come one by one fall evenly', async () => {
  await start(2)
  const names: string[] = []
  for (let i = 0; i < 20; i++) names.push(await greeting())
  const first = names.filter((name) => name === 'thread-0').length
  expect(first).toBeGreaterThanOrEqual(6)
  expect(first).toBeLessThanOrEqual(14)
  expect(listener.openConnections).toEqual([first, 20 - first])
})

test('a thread that is lost takes nobody with it, and who takes its place accepts', async () => {
  await start(2)
  await workers[0]!.terminate()
  for (let i = 0; i < 5; i++) expect(await greeting()).toBe('thread-1')
  await startThread(0)
  const names = new Set<string>()
  for (let i = 0; i < 8; i++) names.add(await greeting())
  expect([...names].sort()).toEqual(['thread-0', 'thread-1'])
})

test('while no thread is there, whoever comes waits', async () => {
  await start(1)
  await workers[0]!.terminate()
  const waiting = greeting()
  await new Promise((resolve) => setTimeout(resolve, 20))
  await startThread(0)
  expect(await waiting).toBe('thread-0')
})

test('a thread that stands still is not waited for', async () => {
  await start(2)
  await ask(0, 'block')
  await new Promise((resolve) => setTimeout(resolve, 20))
  const names = await Promise.all([greeting(), greeting(), greeting(), greeting(), greeting(), greeting()])
  expect(new Set(names)).toEqual(new Set(['thread-1']))
})

test('a thread that pauses leaves all to the others, until it resumes', async () => {
  await start(2)
  await ask(1, 'pause')
  expect(await ask(1, 'state')).toMatchObject({ isListening: false })
  for (let i = 0; i < 5; i++) expect(await greeting()).toBe('thread-0')
  await ask(1, 'resume')
  await ask(0, 'pause')
  for (let i = 0; i < 5; i++) expect(await greeting()).toBe('thread-1')
  await ask(0, 'close')
  await ask(0, 'resume')
  expect(await ask(0, 'state')).toMatchObject({ isListening: false })
})
