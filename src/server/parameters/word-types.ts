/**
 * Words: yes and no, one or several of a list, texts, secrets, and lists of any words.
 *
 * Tests: test/server/parameters/types.prop.test.ts, test/server/parameters/redis-texts.test.ts
 */
import { type ByteString, bytesOfText, textOfBytes } from '../../keyspace/engine/index.ts'
import { joinWords, type ParameterType, refused, splitWords } from './parameter-type.ts'

/** `yes` or `no`. */
export function yesNo(): ParameterType<boolean> {
  return {
    parse: (words) => {
      const word = joinWords(words).toLowerCase()
      if (word !== 'yes' && word !== 'no') return refused("argument must be 'yes' or 'no'")
      return { value: word === 'yes' }
    },
    print: (value) => (value ? 'yes' : 'no'),
    allowed: 'yes | no',
    placeholder: 'yes|no',
    choices: ['yes', 'no'],
    isYesNo: true,
  }
}

/** One of some words, in the order in which Redis lists them. */
export function oneOf<T extends string>(...choices: readonly T[]): ParameterType<T> {
  return {
    parse: (words) => {
      const word = joinWords(words).toLowerCase()
      const found = choices.find((choice) => choice === word)
      return found === undefined ? notOneOf(choices) : { value: found }
    },
    print: (value) => value,
    allowed: choices.join(' | '),
    placeholder: choices.length > 4 ? 'WORD' : choices.join('|'),
    choices,
    ...(choices.includes('yes' as T) && { isYesNo: true as const }),
  }
}

/** Some of some words; as Redis, at least one of them, unless none is the default. */
export function someOf(choices: readonly string[], min: 0 | 1 = 1): ParameterType<readonly string[]> {
  return {
    parse: (words) => {
      const given = splitWords(words).map((word) => word.toLowerCase())
      const found = choices.filter((choice) => given.includes(choice.toLowerCase()))
      const isFit = found.length >= min && new Set(given).size === found.length
      return isFit ? { value: found } : notOneOf(choices)
    },
    print: (value) => value.join(' '),
    lines: (value) => [value.length === 0 ? [''] : value],
    allowed: `some of ${choices.join(' ')}`,
    placeholder: 'WORDS',
    choices,
  }
}

function notOneOf(choices: readonly string[]): { readonly refusal: string } {
  return refused(`argument(s) must be one of the following: ${choices.join(', ')}`)
}

/** Any text. */
export function text(placeholder = 'TEXT', allowed = 'text'): ParameterType<string> {
  return {
    parse: (words) => ({ value: textOfBytes(joinWords(words)) }),
    print: bytesOfText,
    allowed,
    placeholder,
  }
}

/** The name of a file. */
export function path(): ParameterType<string> {
  return {
    parse: (words) => {
      const value = textOfBytes(joinWords(words))
      return value.includes('\0') ? refused('argument must not contain a zero byte') : { value }
    },
    print: bytesOfText,
    allowed: 'name of a file',
    placeholder: 'FILE',
  }
}

/** The name of a file without a folder. */
export function fileName(): ParameterType<string> {
  return {
    ...text('NAME', 'name of a file, without a folder'),
    parse: (words) => {
      const value = textOfBytes(joinWords(words))
      return value.includes('/') ? refused("can't be a path, just a filename") : { value }
    },
  }
}

/** Any bytes, kept as they are. */
export function bytes(placeholder = 'SECRET'): ParameterType<ByteString> {
  return {
    parse: (words) => ({ value: joinWords(words) }),
    print: (value) => value,
    allowed: 'any bytes',
    placeholder,
  }
}

/** Words, in their order. */
export function wordList(
  placeholder: string,
  allowed: string,
  countMax = 1024,
  tooMany = 'Too many words specified.',
): ParameterType<readonly string[]> {
  return {
    parse: (words) => {
      const value = splitWords(words).map(textOfBytes)
      return value.length > countMax ? refused(tooMany) : { value }
    },
    print: (value) => bytesOfText(value.join(' ')),
    lines: (value) => [value.map(bytesOfText)],
    allowed,
    placeholder,
  }
}

/** Lines, each of which is kept as it was written; a file may have several. */
export function lineList(placeholder: string, allowed: string): ParameterType<readonly ByteString[]> {
  return {
    parse: (words, before) => {
      const line = splitWords(words)
      if (words.length > 1 && words.some((word) => word.includes(' '))) {
        return refused('words of a line must not contain blanks')
      }
      return { value: [...before, line.join(' ')] }
    },
    print: (value) => value.join('\n'),
    lines: (value) => value.map((line) => line.split(' ')),
    allowed,
    placeholder,
    isCumulative: true,
  }
}
