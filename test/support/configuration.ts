/** Files of configuration that are in memory. */
import { dirname } from 'node:path'
import type { ConfigurationFiles } from '../../src/host/configuration-files.ts'

/** Files by their names. What is written is seen by whoever reads. */
export function filesOf(texts: Readonly<Record<string, string>>): ConfigurationFiles {
  const all = new Map(
    Object.entries(texts).map(([name, text]) => [name, Buffer.from(text).toString('latin1')]),
  )
  return {
    read: (file) => all.get(file),
    list: (folder) =>
      [...all.keys()].filter((file) => dirname(file) === folder).map((file) => file.slice(folder.length + 1)),
    write: (file, text) => void all.set(file, text),
  }
}
