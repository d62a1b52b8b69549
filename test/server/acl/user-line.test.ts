import { describe, expect, test } from 'vitest'
import { hashOfPassword } from '../../../src/server/acl/password.ts'
import { mergeSelectors, userLine, withoutPasswords } from '../../../src/server/acl/user-line.ts'
import { makeUser } from '../../support/acl/acl-lab.ts'

describe('selectors of several words', () => {
  test('are put together', () => {
    expect(mergeSelectors(['on', '(~x', '+get)', '(', ')', '(~y)', '~z)'])).toEqual([
      ...['on', '(~x +get)', '( )', '(~y)', '~z)'],
    ])
    expect(mergeSelectors([])).toEqual([])
  })

  test('are told by the word that opens them, where none closes them', () => {
    expect(mergeSelectors(['on', '(~x', '+get'])).toEqual({ open: '(~x' })
    expect(mergeSelectors(['('])).toEqual({ open: '(' })
  })
})

test('rules travel without passwords', () => {
  const hash = hashOfPassword('pass word')
  expect(withoutPasswords(['on', '', '>pass word', '<pass word', `#${hash}`, '~a'])).toEqual([
    ...['on', `#${hash}`, `!${hash}`, `#${hash}`, '~a'],
  ])
})

test('a user is a line', () => {
  const user = makeUser('on >x rate:7 ~a %R~b &c +@read -get (~d +set)')
  expect(userLine(user)).toBe(
    `user u on #${hashOfPassword('x')} rate:7 ~a %R~b resetchannels &c -@all +@read -get ` +
      '(~d resetchannels -@all +set)',
  )
})
