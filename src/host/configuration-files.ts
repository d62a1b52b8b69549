/**
 * The files that configuration is read from, and written to by `CONFIG REWRITE`.
 *
 * A file is replaced as a whole: written beside it, synced, renamed. Whoever reads it meanwhile, and whoever
 * loses power, has the old one or the new one. Its mode stays; a new secret is not for everybody to read.
 *
 * Tests: test/host/configuration-files.test.ts
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import type { ByteString } from '../keyspace/engine/index.ts'
import { unusableFile } from './unusable-file.ts'

/** Files by their names; what is in them is bytes. */
export interface ConfigurationFiles {
  /** Undefined: there is none. @throws SHL_CONFIGURATION_FILE when it cannot be read */
  read(file: string): ByteString | undefined
  /** Names in a folder, sorted; none where there is no folder. */
  list(folder: string): readonly string[]
  /** Replaces a file. @throws SHL_CONFIGURATION_FILE */
  write(file: string, text: ByteString): void
}

/** The files of this machine. */
export const systemFiles: ConfigurationFiles = {
  read(file) {
    try {
      return readFileSync(file, 'latin1')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw unusableFile(file, error)
    }
  },
  list(folder) {
    return existsSync(folder) ? readdirSync(folder).sort() : []
  },
  write(file, text) {
    try {
      // A link stays one: what it leads to is replaced.
      replaceFile(existsSync(file) ? realpathSync(file) : file, text)
    } catch (error) {
      throw unusableFile(file, error)
    }
  },
}

function replaceFile(file: string, text: ByteString): void {
  const mode = existsSync(file) ? statSync(file).mode & 0o777 : 0o600
  const beside = `${file}.${process.pid}.new`
  try {
    const descriptor = openSync(beside, 'w', mode)
    try {
      writeFileSync(descriptor, text, 'latin1')
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    renameSync(beside, file)
  } catch (error) {
    rmSync(beside, { force: true })
    throw error
  }
}
