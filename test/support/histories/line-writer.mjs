/**
 * Lines of notes for whoever has started this process, and outlives it. What is written is in the hands of
 * the system at once: a kill takes nothing of it back. All threads of the process may write.
 */
import { writeSync } from 'node:fs'

const OUTPUT = 3

/** One clock for all threads, and for all processes of the machine: milliseconds. */
export const now = () => Number(process.hrtime.bigint()) / 1e6

/** Writes a line of JSON. */
export function writeLine(line) {
  const bytes = Buffer.from(`${JSON.stringify(line)}\n`)
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(OUTPUT, bytes, done)
    } catch (error) {
      // The reader is slow.
      if (error.code !== 'EAGAIN') throw error
    }
  }
}
