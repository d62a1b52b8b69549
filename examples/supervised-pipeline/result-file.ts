/**
 * The output on disk: one line of JSON per job, each id once.
 *
 * Exactly once, here: a line is looked for by its id before it is written, so that a retry never writes
 * twice; the ids are read back from the file at each start; a line that was cut off by a crash is dropped,
 * which is right, since nobody was told that it was written. `append` resolves after `fdatasync`. All lines
 * that come while one sync is under way share the next one (group commit).
 *
 * A start copies what it has read and renames the copy into place. A write that a former run had handed to
 * the system just before its end then lands in a file that has no name any more, instead of behind the ids.
 *
 * Tests: test/examples/supervised-pipeline.test.ts
 */
import { randomUUID } from 'node:crypto'
import { type FileHandle, open, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Result } from './job.ts'

/** What became of a line. */
export type Appended = 'written' | 'already_written'

/** A line that waits for its sync. */
interface Waiting {
  readonly line: string
  resolve(): void
  reject(error: unknown): void
}

/** The file that results are appended to. */
export class ResultFile {
  /** How often the disk was waited for. */
  syncs = 0
  readonly #file: FileHandle
  /** By id: when its line is safe. */
  readonly #lines: Map<string, Promise<void>>
  #waiting: Waiting[] = []
  #isSyncing = false
  #closing: Promise<void> | undefined

  private constructor(file: FileHandle, ids: readonly string[]) {
    this.#file = file
    this.#lines = new Map(ids.map((id) => [id, Promise.resolve()]))
  }

  /** Opens the file, or makes it; goes on behind its last whole line. */
  static async open(path: string): Promise<ResultFile> {
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return ''
      throw error
    })
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    const copy = `${path}.${randomUUID()}`
    await writeFile(copy, whole, { flush: true })
    await rename(copy, path)
    await syncFolder(dirname(path))
    const lines = whole.split('\n').filter((line) => line !== '')
    const ids = lines.map((line) => (JSON.parse(line) as Result).id)
    return new ResultFile(await open(path, 'a'), ids)
  }

  get count(): number {
    return this.#lines.size
  }

  has(id: string): boolean {
    return this.#lines.has(id)
  }

  /** Resolves when the line is on disk, whoever has written it. */
  async append(result: Result): Promise<Appended> {
    const known = this.#lines.get(result.id)
    if (known !== undefined) {
      await known
      return 'already_written'
    }
    const safe = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ line: `${JSON.stringify(result)}\n`, resolve, reject })
    })
    this.#lines.set(result.id, safe)
    void this.#sync()
    await safe
    return 'written'
  }

  /** Closes it when everything that was given to it is on disk. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      await Promise.allSettled(this.#lines.values())
      await this.#file.close()
    })()
    return this.#closing
  }

  async #sync(): Promise<void> {
    if (this.#isSyncing) return
    this.#isSyncing = true
    while (this.#waiting.length > 0) {
      const group = this.#waiting
      this.#waiting = []
      try {
        await this.#file.appendFile(group.map(({ line }) => line).join(''))
        await this.#file.datasync()
        this.syncs++
        for (const { resolve } of group) resolve()
      } catch (error) {
        // What is on disk now is not known. The ids stay taken, until a new run has read the file.
        for (const { reject } of group) reject(error)
      }
    }
    this.#isSyncing = false
  }
}

/** A rename is safe when its folder is. */
async function syncFolder(path: string): Promise<void> {
  // Windows opens no folders, and keeps their order by itself.
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  await folder.sync()
  await folder.close()
}
