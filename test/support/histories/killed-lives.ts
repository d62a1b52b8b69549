/** Lives of real processes that are killed one after the other, with all that their clients have noted. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Line, notesOf } from '../consistency/notes.mjs'
import { now } from './line-writer.mjs'
import type { Life } from './lives.ts'

const CHILD = fileURLToPath(new URL('./history-child.mjs', import.meta.url))
const MODULE = import.meta.resolve('shardloom')

/** What a child is given. */
export interface ChildPlan {
  readonly dir: string
  readonly level: 'memory' | 'os' | 'fsync'
  /** Counted from 0. */
  readonly life: number
  readonly isLast: boolean
  /** From when it has opened the directory to its end. */
  readonly loadMs: number
}

/** Runs one child until it is killed. */
export async function killedLife({ dir, level, life, isLast, loadMs }: ChildPlan): Promise<Life> {
  const startAt = now()
  const argv = [CHILD, MODULE, join(dir, 'data'), level, String(life), String(isLast)]
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] })
  const text = collect(child.stdio[3] as NodeJS.ReadableStream)
  const errors = collect(child.stderr!)
  child.stdout!.once('data', () => setTimeout(() => child.kill('SIGKILL'), loadMs))
  let endAt = 0
  child.once('exit', () => {
    endAt = now()
  })
  await new Promise<void>((resolve) => void child.once('close', () => resolve()))
  // What it was about to say when it was killed may be cut short.
  const lines = (await text).split('\n').slice(0, -1)
  const unexpected = (await errors)
    .split('\n')
    .filter((one) => !/^$|were cut off the end|trace-warnings/.test(one))
  if (unexpected.length > 0) throw new Error(unexpected.join('\n'))
  return { startAt, endAt, notes: notesOf(lines.map((line) => JSON.parse(line) as Line)), watched: [] }
}

function collect(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => void chunks.push(chunk))
  return new Promise((resolve) => void stream.once('close', () => resolve(Buffer.concat(chunks).toString())))
}
