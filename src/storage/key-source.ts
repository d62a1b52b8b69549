/**
 * Where keys come from: options that say so, checked, and what they lead to, read.
 *
 *     key           the key itself, from whoever has it in memory
 *     keyFile       a file that holds it, e.g. a secret that is mounted
 *     keyCommand    a program that prints it
 *
 * A key is 32 bytes: as they are, or as text, 64 hexadecimal digits or base64. It is never made of a
 * password: whoever has the files can try those, as many as they like. No value of an option is in an error,
 * since it may be a key in the wrong place; and a source is named by its option, not by its content.
 *
 * Tests: test/storage/key-source.test.ts
 */
import * as fs from 'node:fs/promises'
import { type Clock, checkKnownOptions, ShardloomError, systemClock } from '../base/index.ts'
import { type KeyCommand, runKeyCommand } from './key-command.ts'
import { KEY_BYTES, KeyRing, LogKey } from './log-key.ts'

/** A key, in one of three ways. */
export interface KeyOptions {
  /** 32 bytes, or their text: 64 hexadecimal digits, or base64. */
  readonly key?: string | Uint8Array
  /** The path of a file that holds a key: its text, or its 32 bytes. */
  readonly keyFile?: string
  /** What prints a key, within 30 seconds: a line for the shell, or a program and its arguments. */
  readonly keyCommand?: string | readonly string[]
}

/** How files are encrypted. */
export interface EncryptionOptions extends KeyOptions {
  /** Keys that files may still be encrypted with. Without a key, what is written is in the clear. */
  readonly previousKeys?: readonly KeyOptions[]
  /**
   * Files in the clear are refused. Default false, so that a directory can be encrypted that was not; true
   * when it is: then nobody without the key can add anything to it.
   */
  readonly onlyEncrypted?: boolean
}

/** A key that can be had. */
interface KeySource {
  /** The option. */
  readonly name: string
  load(context: LoadContext): Promise<LogKey>
}

interface LoadContext {
  readonly clock: Clock
  readonly warn: (text: string) => void
}

/** Keys that can be had. */
export interface KeySources {
  readonly current: KeySource | undefined
  readonly previous: readonly KeySource[]
  readonly onlyEncrypted: boolean
}

const KEY_OPTIONS = ['key', 'keyFile', 'keyCommand'] as const
const PREVIOUS_MAX = 100
const FILE_BYTES_MAX = 4096
const HIDDEN = '(not shown)'

/** Checks options; `where` is their name. @throws SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN */
export function keySources(where: string, options: EncryptionOptions): KeySources {
  if (!isObject(options)) refuse(where, 'an object of options')
  checkKnownOptions(where, options, [...KEY_OPTIONS, 'previousKeys', 'onlyEncrypted'])
  const { previousKeys = [], onlyEncrypted = false } = options
  if (!Array.isArray(previousKeys) || previousKeys.length > PREVIOUS_MAX) {
    refuse(`${where}.previousKeys`, `an array of no more than ${PREVIOUS_MAX} keys`)
  }
  if (typeof onlyEncrypted !== 'boolean') refuse(`${where}.onlyEncrypted`, 'true or false')
  const current = keySource(where, options)
  const previous = previousKeys.map((one, i) => {
    const name = `${where}.previousKeys[${i}]`
    if (!isObject(one)) refuse(name, 'an object with one of key, keyFile, keyCommand')
    checkKnownOptions(name, one, KEY_OPTIONS)
    return keySource(name, one) ?? refuse(name, 'one of key, keyFile, keyCommand')
  })
  if (current === undefined && previous.length === 0)
    refuse(where, 'one of key, keyFile, keyCommand, previousKeys')
  if (current === undefined && onlyEncrypted) refuse(`${where}.onlyEncrypted`, 'true together with a key')
  return { current, previous, onlyEncrypted }
}

/** Has the keys. @throws SHL_KEY_UNAVAILABLE */
export async function loadKeys(
  { current, previous, onlyEncrypted }: KeySources,
  warn: (text: string) => void = () => undefined,
  clock: Clock = systemClock(),
): Promise<KeyRing> {
  const context = { clock, warn }
  // One after the other: a command may ask for something that only one can have.
  const first = await current?.load(context)
  const others: LogKey[] = []
  for (const source of previous) others.push(await source.load(context))
  return new KeyRing(first, others, onlyEncrypted)
}

/** The key of some bytes that somebody else has made; undefined: they are none. */
export function parseKey(given: string | Uint8Array): LogKey | undefined {
  const bytes = typeof given === 'string' ? Buffer.from(given, 'latin1') : Buffer.from(given)
  // As text it would be half a key.
  const isText = bytes.every((byte) => byte >= 0x20 && byte < 0x7f)
  if (typeof given !== 'string' && bytes.length === KEY_BYTES && !isText) return new LogKey(bytes)
  const text = bytes.toString('latin1').trim()
  if (/^[0-9a-f]{64}$/i.test(text)) return new LogKey(Buffer.from(text, 'hex'))
  if (!/^[\w+/-]{43}=?$/.test(text)) return undefined
  return new LogKey(Buffer.from(text, 'base64'))
}

function keySource(where: string, options: KeyOptions): KeySource | undefined {
  const given = KEY_OPTIONS.filter((name) => options[name] !== undefined)
  if (given.length > 1) refuse(where, `one of ${given.join(', ')}`)
  const { key, keyFile, keyCommand } = options
  if (key !== undefined) return ofKey(`${where}.key`, key)
  if (keyFile !== undefined) return ofFile(`${where}.keyFile`, keyFile)
  return keyCommand === undefined ? undefined : ofCommand(`${where}.keyCommand`, keyCommand)
}

function ofKey(name: string, given: string | Uint8Array): KeySource {
  const isBytes = given instanceof Uint8Array
  // Whoever passes bytes means them, also if they could be text.
  const isWhole = isBytes && given.length === KEY_BYTES
  const key = isWhole ? new LogKey(given) : typeof given === 'string' ? parseKey(given) : undefined
  if (key === undefined) refuse(name, '32 bytes, or 64 hexadecimal digits, or base64 of 32 bytes')
  return { name, load: async () => key }
}

function ofFile(name: string, path: string): KeySource {
  if (typeof path !== 'string' || path === '') refuse(name, 'the path of a file')
  return {
    name,
    async load({ warn }) {
      const { bytes, mode } = await contentOf(name, path)
      if ((mode & 0o077) !== 0 && process.platform !== 'win32') {
        warn(`shardloom: the file of ${name} can be read by others than its owner: chmod 600 keeps them out`)
      }
      return keyIn(name, bytes, 'the file holds no key')
    },
  }
}

function ofCommand(name: string, command: KeyCommand): KeySource {
  const words = typeof command === 'string' ? [command] : command
  const isWhole = Array.isArray(words) && words.every((word) => typeof word === 'string')
  if (!isWhole || (words[0] ?? '').trim() === '')
    refuse(name, 'a line for the shell, or a program and its arguments')
  return {
    name,
    async load({ clock }) {
      return keyIn(name, await runKeyCommand(command, name, clock), 'the command prints no key')
    },
  }
}

function keyIn(source: string, bytes: Uint8Array, otherwise: string): LogKey {
  const key = parseKey(bytes)
  if (key !== undefined) return key
  throw new ShardloomError('SHL_KEY_UNAVAILABLE', { source, reason: otherwise })
}

async function contentOf(source: string, path: string): Promise<{ bytes: Buffer; mode: number }> {
  try {
    const file = await fs.open(path, 'r')
    try {
      const { mode } = await file.stat()
      // A pipe is read, too, as of a shell's <(…): its size says nothing.
      const bytes = Buffer.alloc(FILE_BYTES_MAX)
      let length = 0
      for (;;) {
        const { bytesRead } = await file.read(bytes, length, bytes.length - length, null)
        if (bytesRead === 0) return { bytes: bytes.subarray(0, length), mode }
        length += bytesRead
      }
    } finally {
      await file.close()
    }
  } catch (cause) {
    const { code = 'unknown' } = cause as { readonly code?: string }
    const reason = `the file cannot be read: ${code}`
    throw new ShardloomError('SHL_KEY_UNAVAILABLE', { source, reason }, { cause })
  }
}

function isObject(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  )
}

/** @throws SHL_OPTION_INVALID, without the value */
function refuse(option: string, allowed: string): never {
  throw new ShardloomError('SHL_OPTION_INVALID', { option, value: HIDDEN, allowed })
}
