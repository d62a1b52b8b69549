/**
 * With what keys a command reads and writes files: its arguments, and the environment.
 *
 * A key itself is no argument, since everybody on the machine sees those of everybody. Where arguments name a
 * key, those of the environment are not looked at.
 *
 * Tests: test/cli/storage/key-arguments.test.ts
 */
import {
  type EncryptionOptions,
  type KeyOptions,
  type KeyRing,
  keySources,
  type LogKey,
  loadKeys,
  NO_KEYS,
} from '../../keyspace/durability/offline/index.ts'
import type { StorageOutput } from './figures.ts'

/** What `parseArgs` gives. */
export type ArgumentValues = Readonly<Record<string, string | boolean | readonly string[] | undefined>>

type Environment = Readonly<Record<string, string | undefined>>

/** What every command has. */
export const HELP_ARGUMENT = { help: { type: 'boolean', short: 'h' } } as const

/** As `parseArgs` takes them. */
export const KEY_ARGUMENTS = {
  'key-file': { type: 'string' },
  'key-command': { type: 'string' },
  'previous-key-file': { type: 'string', multiple: true },
  'previous-key-command': { type: 'string', multiple: true },
} as const

/** Of commands that write a copy. */
export const NEW_KEY_ARGUMENTS = {
  'new-key-file': { type: 'string' },
  'new-key-command': { type: 'string' },
  decrypt: { type: 'boolean' },
} as const

export const KEY_USAGE = `
    --key-file FILE   the key of files that are encrypted; or the environment: SHARDLOOM_KEY_FILE,
    --key-command C   SHARDLOOM_KEY_COMMAND, SHARDLOOM_KEY
    --previous-key-file FILE, --previous-key-command C
                      another key that some of them may have, as often as needed`

export const NEW_KEY_USAGE = `
    --new-key-file FILE, --new-key-command C
                      the key of the copy; otherwise it has the same
    --decrypt         the copy is in the clear`

/** How files are encrypted; undefined: nobody says so. */
export function encryptionOf(values: ArgumentValues, env: Environment): EncryptionOptions | undefined {
  const current =
    optionsOf(textOf(values, 'key-file'), textOf(values, 'key-command')) ??
    optionsOf(env['SHARDLOOM_KEY_FILE'], env['SHARDLOOM_KEY_COMMAND'], env['SHARDLOOM_KEY'])
  const previousKeys = [
    ...textsOf(values, 'previous-key-file').map((keyFile) => ({ keyFile })),
    ...textsOf(values, 'previous-key-command').map((keyCommand) => ({ keyCommand })),
  ]
  if (current === undefined && previousKeys.length === 0) return undefined
  return { ...current, previousKeys }
}

/** The keys for reading. @throws SHL_OPTION_INVALID, SHL_KEY_UNAVAILABLE */
export async function ringOf(
  values: ArgumentValues,
  env: Environment,
  output: Pick<StorageOutput, 'err'>,
): Promise<KeyRing> {
  const options = encryptionOf(values, env)
  if (options === undefined) return NO_KEYS
  return loadKeys(keySources('encryption', options), (text) => output.err(`${text}\n`))
}

/** What a copy is encrypted with; undefined: what it is a copy of. @throws SHL_KEY_UNAVAILABLE */
export async function targetOf(
  values: ArgumentValues,
  output: Pick<StorageOutput, 'err'>,
): Promise<{ readonly key: LogKey | undefined } | undefined> {
  if (values['decrypt'] === true) return { key: undefined }
  const options = optionsOf(textOf(values, 'new-key-file'), textOf(values, 'new-key-command'))
  if (options === undefined) return undefined
  const warn = (text: string): void => output.err(`${text}\n`)
  return { key: (await loadKeys(keySources('newKey', options), warn)).current }
}

/** What is empty was not said. */
function optionsOf(keyFile = '', keyCommand = '', key = ''): KeyOptions | undefined {
  if (keyFile === '' && keyCommand === '' && key === '') return undefined
  return {
    ...(keyFile !== '' && { keyFile }),
    ...(keyCommand !== '' && { keyCommand }),
    ...(key !== '' && { key }),
  }
}

function textOf(values: ArgumentValues, name: string): string | undefined {
  const value = values[name]
  return typeof value === 'string' ? value : undefined
}

function textsOf(values: ArgumentValues, name: string): readonly string[] {
  const value = values[name]
  return Array.isArray(value) ? value : []
}
