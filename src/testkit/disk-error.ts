/**
 * Errors of a simulated disk: they look like Node's, since those are what storage has to understand.
 *
 * Tests: test/testkit/simulated-disk.test.ts
 */
import type { DiskMode } from '../base/index.ts'
import { SimulatedFile } from './simulated-file.ts'

const MESSAGES: Readonly<Record<string, string>> = {
  EBADF: 'bad file descriptor',
  EEXIST: 'file already exists',
  EIO: 'i/o error',
  EISDIR: 'illegal operation on a directory',
  ENOENT: 'no such file or directory',
  ENOSPC: 'no space left on device',
  ENOTDIR: 'not a directory',
}

/** An error with a `code`. */
export class DiskError extends Error {
  readonly code: string
  readonly syscall: string
  readonly path: string

  constructor(code: string, syscall: string, path: string) {
    super(`${code}: ${MESSAGES[code] ?? 'failed'}, ${syscall} '${path}'`)
    this.name = 'Error'
    this.code = code
    this.syscall = syscall
    this.path = path
  }
}

/** @throws DiskError unless what a name stands for can be opened in this way */
export function checkMode(path: string, mode: DiskMode, node: object | undefined): void {
  if (mode === 'create' && node !== undefined) throw new DiskError('EEXIST', 'open', path)
  if (mode !== 'create' && node === undefined) throw new DiskError('ENOENT', 'open', path)
  if (node !== undefined && !(node instanceof SimulatedFile)) throw new DiskError('EISDIR', 'open', path)
}
