/**
 * Commands as `audit-log-commands` selects them: by name, by that of their container, by category, or all.
 * Tests: test/server/catalog/selected-names.test.ts
 */
import { ShardloomError } from '../../base/index.ts'
import type { CommandCatalog } from './command-catalog.ts'
import type { CommandInfo } from './command-info.ts'

/** Whether one of the words selects a command. */
export function isSelected(words: readonly string[], { name, container, categories }: CommandInfo): boolean {
  return words.map(normal).some((word) => {
    if (isAll(word)) return true
    if (word.startsWith('@')) return categories.includes(word.slice(1))
    return word === name || word === container
  })
}

/** The first word that selects nothing that there is: it is written wrong. */
export function unknownSelector(words: readonly string[], catalog: CommandCatalog): string | undefined {
  return words.find((given) => {
    const word = normal(given)
    if (isAll(word)) return false
    if (word.startsWith('@')) return catalog.inCategory(word.slice(1)).length === 0
    return catalog.get(word) === undefined
  })
}

/** @throws SHL_OPTION_INVALID when one selects nothing: what it was meant for would not be audited */
export function checkSelectors(words: readonly string[], catalog: CommandCatalog): void {
  const value = unknownSelector(words, catalog)
  if (value === undefined) return
  const allowed = 'names of commands that there are, and categories such as @write; @all for all'
  throw new ShardloomError('SHL_OPTION_INVALID', { option: 'audit-log-commands', value, allowed })
}

/** `"config set"` is `config|set`. */
function normal(word: string): string {
  return word.toLowerCase().replace(' ', '|')
}

function isAll(word: string): boolean {
  return word === 'all' || word === '@all'
}
