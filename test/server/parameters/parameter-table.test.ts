/** The table as a whole: names, options, and what a row must say. */
import { expect, test } from 'vitest'
import {
  PARAMETERS,
  parameterNamed,
  parameterOfAnyName,
  SHOWN_NAMES,
} from '../../../src/server/parameters/parameter-table.ts'

test('every name is written as Redis writes names, and every option as a field is', () => {
  for (const { name, option, aliases, shortNames, summary, type } of PARAMETERS) {
    for (const word of [name, ...aliases, ...shortNames]) expect(word).toMatch(/^[a-z][a-z0-9_-]*$/)
    expect(option).toMatch(/^[a-z][A-Za-z0-9]*$/)
    expect(summary).toMatch(/^[A-Z].*\.$/)
    expect(summary.length).toBeLessThanOrEqual(110)
    expect(type.allowed).not.toBe('')
    expect(type.placeholder).not.toBe('')
  }
})

test('an option is its name in camel case', () => {
  const plain = (word: string): string => word.replaceAll(/[-_]/g, '').toLowerCase()
  for (const { name, option } of PARAMETERS) expect(plain(option)).toBe(plain(name))
})

test('all names lead to their parameter, whatever their case', () => {
  for (const parameter of PARAMETERS) {
    const { name, option, aliases, shortNames, isDirective } = parameter
    for (const word of [name, option, ...aliases, ...shortNames]) {
      expect(parameterOfAnyName(word.toUpperCase())).toBe(parameter)
    }
    expect(parameterNamed(name.toUpperCase())).toBe(isDirective ? undefined : parameter)
    for (const word of shortNames) expect(parameterNamed(word)).toBeUndefined()
  }
  expect(parameterNamed('requirePass')?.name).toBe('requirepass')
  expect(parameterOfAnyName('tlsCertFile')?.name).toBe('tls-cert-file')
})

test('what is a secret is known to be one', () => {
  const secrets = PARAMETERS.filter(({ isSecret }) => isSecret).map(({ name }) => name)
  expect(secrets.sort()).toEqual([
    'masterauth',
    'masteruser',
    'requirepass',
    'tls-client-key-file-pass',
    'tls-key-file-pass',
    'user',
  ])
})

test('CONFIG knows no directives', () => {
  expect(SHOWN_NAMES).not.toContain('user')
  expect(SHOWN_NAMES).toContain('slave-priority')
})
