/**
 * A file that holds the id of this process while it runs.
 *
 * It tells scripts whom to signal and is no lock: the directory of the data has one. A file that another
 * process has left is replaced; one that another has written since is left to it.
 *
 * Tests: test/host/pid-file.test.ts
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { unusableFile } from './unusable-file.ts'

/** Writes it; what is returned removes it. @throws SHL_CONFIGURATION_FILE */
export function writePidFile(file: string, pid: number = process.pid): () => void {
  const text = `${pid}\n`
  try {
    writeFileSync(file, text)
  } catch (error) {
    throw unusableFile(file, error, 'choose another with --pidfile')
  }
  return () => {
    try {
      if (readFileSync(file, 'utf8') === text) rmSync(file)
    } catch {
      // Whoever has taken it away has done what is done here.
    }
  }
}
