/** What is found in a tree, in which order, and how it is cut. */
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cutBatches, findFiles } from '../../examples/code-search/walk.ts'
import { makeFolder } from './run-example.ts'

test('source files below a folder, sorted; neither links nor what is no source, empty or too big', () => {
  const folder = makeFolder({
    'b.ts': 'b',
    'a/z.d.mts': 'z',
    'a/B.md': 'B',
    'a.json': '{}',
    'image.png': 'p',
    'empty.js': '',
    'big.js': 'x'.repeat(2 ** 20 + 1),
    '.git/config.js': 'g',
  })
  symlinkSync(join(folder, 'a'), join(folder, 'linked'))
  symlinkSync(join(folder, 'b.ts'), join(folder, 'linked.ts'))
  expect(findFiles(folder).map((file) => file.path)).toEqual(['a.json', 'a/B.md', 'a/z.d.mts', 'b.ts'])
})

test('a folder that is not there is an error', () => {
  expect(() => findFiles(join(makeFolder({}), 'nothing'))).toThrow('ENOENT')
})

test('batches have at most 32 files and about a megabyte, and leave nothing out', () => {
  const files = Array.from({ length: 100 }, (_, i) => ({ path: `${i}.ts`, bytes: i < 4 ? 600_000 : 10 }))
  const batches = cutBatches(files)
  expect(batches.flat()).toEqual(files)
  expect(batches.map((batch) => batch.length)).toEqual([1, 1, 1, 32, 32, 32, 1])
})
