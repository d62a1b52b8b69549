/**
 * Values of several numbers or letters, each with rules of its own: limits of output buffers, classes of
 * events, percentiles, times of saving.
 *
 * Tests: test/server/parameters/types.prop.test.ts, test/server/parameters/redis-texts.test.ts
 */
import { type ByteString, bytesOfText, isInteger64, textOfBytes } from '../../keyspace/engine/index.ts'
import { memoryBytes, memoryText } from './number-types.ts'
import { type ParameterType, refused, splitWords } from './parameter-type.ts'

/** Bytes at which a client is cut off at once, and at which it is after so many seconds; 0: never. */
export type BufferLimit = readonly [hardBytes: number, softBytes: number, softSeconds: number]

/** A limit for each class of clients. `slave` is Redis' word, and that of its tools. */
export interface BufferLimits {
  readonly [kind: string]: BufferLimit
  readonly normal: BufferLimit
  readonly slave: BufferLimit
  readonly pubsub: BufferLimit
}

const KINDS = ['normal', 'slave', 'pubsub'] as const

/** No buffer is larger; beyond it a number would not be printed as it was read. */
function exact(bytes: bigint): number {
  return Math.min(Number(bytes), Number.MAX_SAFE_INTEGER)
}

/** `client-output-buffer-limit`: classes that are not named keep what they have. */
export function bufferLimits(): ParameterType<BufferLimits> {
  return {
    parse: (words, before) => {
      const given = words.length === 1 && words[0] === '' ? [] : words.flatMap((word) => word.split(' '))
      if (given.length % 4 !== 0) {
        return refused('Wrong number of arguments in buffer limit configuration.')
      }
      const limits: Record<string, BufferLimit> = { ...before }
      for (let i = 0; i < given.length; i += 4) {
        const name = given[i]!.toLowerCase()
        const kind = KINDS.find((one) => one === (name === 'replica' ? 'slave' : name))
        if (kind === undefined)
          return refused('Invalid client class specified in buffer limit configuration.')
        const [hard, soft] = [memoryBytes(given[i + 1]!), memoryBytes(given[i + 2]!)]
        const seconds = given[i + 3]!
        if (hard === undefined || soft === undefined || !/^\d{1,10}$/.test(seconds)) {
          return refused('Error in hard, soft or soft_seconds setting in buffer limit configuration.')
        }
        limits[kind] = [exact(hard), exact(soft), Number(seconds)]
      }
      return { value: limits as BufferLimits }
    },
    print: (value) => KINDS.map((kind) => `${kind} ${value[kind].join(' ')}`).join(' '),
    lines: (value) =>
      KINDS.map((kind) => {
        const [hard, soft, seconds] = value[kind]
        // Redis' own file has the newer word.
        return [kind === 'slave' ? 'replica' : kind, memoryText(hard), memoryText(soft), String(seconds)]
      }),
    allowed: 'class hard soft seconds, class: normal | replica | pubsub',
    placeholder: '"CLASS HARD SOFT SECONDS"',
    isCumulative: true,
  }
}

const EVENT_LETTERS = 'g$lshzxetd'
/** In the order in which they are printed after the classes. */
const EVENT_MARKS = 'KEmn'

/** `notify-keyspace-events`: letters of classes, `A` for the common ones. */
export function eventLetters(): ParameterType<ByteString> {
  return {
    parse: (words) => {
      const letters = new Set(splitWords(words).join(''))
      for (const letter of letters) {
        if (letter !== 'A' && !EVENT_LETTERS.includes(letter) && !EVENT_MARKS.includes(letter)) {
          return refused("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")
        }
      }
      const hasAll = letters.has('A') || [...EVENT_LETTERS].every((letter) => letters.has(letter))
      const classes = hasAll ? 'A' : [...EVENT_LETTERS].filter((letter) => letters.has(letter)).join('')
      return { value: classes + [...EVENT_MARKS].filter((letter) => letters.has(letter)).join('') }
    },
    print: (value) => value,
    allowed: 'letters of Ag$lshzxeKEtmdn',
    placeholder: 'LETTERS',
  }
}

/** `latency-tracking-info-percentiles`. */
export function percentiles(): ParameterType<readonly number[]> {
  const name = 'latency-tracking-info-percentiles'
  return {
    parse: (words) => {
      const given = splitWords(words)
      const value = given.map(Number)
      if (!value.every(Number.isFinite)) return refused(`Invalid ${name} parameters`)
      if (!value.every((one) => one >= 0 && one <= 100)) {
        return refused(`${name} parameters should sit between [0.0,100.0]`)
      }
      return { value }
    },
    print: (value) => value.join(' '),
    lines: (value) => [value.map(String)],
    allowed: 'numbers 0..100',
    placeholder: '"P P …"',
  }
}

/** `save`: seconds and changes, in pairs; nothing: never. */
export function savePoints(): ParameterType<readonly number[]> {
  return {
    parse: (words, before) => {
      const given = splitWords(words)
      if (given.length === 0) return { value: [] }
      const value = given.map(Number)
      const isFit = given.every(isInteger64) && given.length % 2 === 0
      if (!isFit || value.some((one, i) => one < (i % 2 === 0 ? 1 : 0))) {
        return refused('Invalid save parameters')
      }
      // A line of a file is a pair that is added; a client gives all of them.
      return { value: words.length === 2 && given.length === 2 ? [...before, ...value] : value }
    },
    print: (value) => value.join(' '),
    lines: (value) => {
      const pairs: string[][] = []
      for (let i = 0; i < value.length; i += 2) pairs.push([String(value[i]), String(value[i + 1])])
      return pairs.length === 0 ? [['']] : pairs
    },
    allowed: 'seconds and changes, in pairs',
    placeholder: '"SECONDS CHANGES"',
    isCumulative: true,
  }
}

/** A fingerprint, or a name as it stands in a certificate. */
const CERTIFICATE = /^(?:(?:SHA256:)?(?:[0-9a-fA-F]{2}:?){32}|(?:CN|DNS|URI|email):.+)$/
const CERTIFICATE_USERS_MAX = 4096

/** `tls-auth-clients-map`: certificates and users, in pairs. */
export function certificateUsers(): ParameterType<readonly string[]> {
  return {
    parse: (words) => {
      const value = splitWords(words).map(textOfBytes)
      if (value.length % 2 !== 0) return refused('argument must be pairs of a certificate and a user')
      const wrong = value.find((word, i) => i % 2 === 0 && !CERTIFICATE.test(word))
      if (wrong !== undefined) {
        return refused('a certificate is SHA256:FINGERPRINT, CN:NAME, DNS:NAME, URI:NAME or email:NAME')
      }
      const isTooMany = value.length > 2 * CERTIFICATE_USERS_MAX
      return isTooMany ? refused('Too many certificates specified.') : { value }
    },
    print: (value) => bytesOfText(value.join(' ')),
    lines: (value) => [value.length === 0 ? [''] : value.map(bytesOfText)],
    allowed: 'certificates (SHA256:…, CN:…, DNS:…, URI:…, email:…) and users, in pairs',
    placeholder: '"CERTIFICATE USER …"',
  }
}

/** `oom-score-adj-values`. */
export function oomScores(): ParameterType<readonly number[]> {
  const refusal = 'Invalid oom-score-adj-values, elements must be between -2000 and 2000.'
  return {
    parse: (words) => {
      const given = splitWords(words)
      if (given.length !== 3) return refused('wrong number of arguments')
      const value = given.map(Number)
      const isFit = given.every(isInteger64) && value.every((one) => one >= -2000 && one <= 2000)
      return isFit ? { value } : refused(refusal)
    },
    print: (value) => value.join(' '),
    lines: (value) => [value.map(String)],
    allowed: 'three integers -2000..2000',
    placeholder: '"A B C"',
  }
}
