/** Which commands words select, and which words select none. */
import { expect, test } from 'vitest'
import { isSelected, unknownSelector } from '../../../src/server/catalog/index.ts'
import { serverCommands } from '../../../src/server/commands/table.ts'
import { catalogOf } from '../../../src/server/thread/server-thread.ts'

const catalog = catalogOf(serverCommands)

test.each([
  [['set'], ['set'], ['get', 'config|set']],
  [['CONFIG'], ['config|set', 'config|get'], ['set']],
  [['config set'], ['config|set'], ['config|get']],
  [['@write'], ['set', 'lpush'], ['get']],
  [['all'], ['get', 'set', 'config|get'], []],
])('%s', (words, selected, others) => {
  for (const name of selected) expect(isSelected(words, catalog.get(name)!), name).toBe(true)
  for (const name of others) expect(isSelected(words, catalog.get(name)!), name).toBe(false)
  expect(unknownSelector(words, catalog)).toBeUndefined()
})

test('a word that names nothing is found, whatever stands before it', () => {
  for (const word of ['@wriite', 'nosuch', 'config|nosuch', '@', '']) {
    expect(unknownSelector(['@write', word], catalog)).toBe(word)
  }
})
