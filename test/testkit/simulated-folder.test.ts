/** Names on a simulated disk: what is undone by a power cut, and what is not. */
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/base/index.ts'
import { SimulatedFile } from '../../src/testkit/simulated-file.ts'
import { SimulatedFolder } from '../../src/testkit/simulated-folder.ts'

const fileOf = (byte: number): SimulatedFile => new SimulatedFile(Uint8Array.of(byte))

/** What power cuts leave, as `name=first byte`, each once. */
function cuts(folder: SimulatedFolder): string[] {
  const random = seededRandom(3)
  const seen = new Set<string>()
  for (let i = 0; i < 300; i++) seen.add(textOf(folder.cut(random, [0, 0.5, 1][i % 3]!)))
  return [...seen].sort()
}

function textOf(folder: SimulatedFolder): string {
  const texts = folder.names.map((name) => {
    const node = folder.get(name)
    return node instanceof SimulatedFile ? `${name}=${node.bytes[0]}` : `${name}/`
  })
  return texts.sort().join(' ')
}

test('what was created is there or not, each file by itself', () => {
  const folder = new SimulatedFolder()
  folder.set('a', fileOf(1))
  folder.set('b', fileOf(2))
  expect(cuts(folder)).toEqual(['', 'a=1', 'a=1 b=2', 'b=2'])
  folder.sync(folder.moment)
  expect(cuts(folder)).toEqual(['a=1 b=2'])
})

test('what was removed may come back', () => {
  const folder = new SimulatedFolder()
  folder.set('a', fileOf(1))
  folder.sync(folder.moment)
  folder.set('a', undefined)
  expect(folder.names).toEqual([])
  expect(cuts(folder)).toEqual(['', 'a=1'])
})

test('a name that is given to another file has one of the two, always', () => {
  const folder = new SimulatedFolder()
  folder.set('a', fileOf(1))
  folder.sync(folder.moment)
  folder.set('a', fileOf(2))
  expect(cuts(folder)).toEqual(['a=1', 'a=2'])
})

test('a sync that began before a change does nothing for it', () => {
  const folder = new SimulatedFolder()
  folder.set('a', fileOf(1))
  const { moment } = folder
  folder.set('b', fileOf(2))
  folder.sync(moment)
  expect(cuts(folder)).toEqual(['a=1', 'a=1 b=2'])
})

test('a folder goes with all that is in it', () => {
  const folder = new SimulatedFolder()
  const inner = new SimulatedFolder()
  folder.set('inner', inner)
  inner.set('a', fileOf(1))
  inner.sync(inner.moment)
  expect(cuts(folder)).toEqual(['', 'inner/'])
  folder.sync(folder.moment)
  const left = folder.cut(seededRandom(1), 0).get('inner') as SimulatedFolder
  expect(textOf(left)).toBe('a=1')
})

test('a file that is left under two names is one file', () => {
  const folder = new SimulatedFolder()
  const file = fileOf(1)
  folder.set('a', file)
  folder.sync(folder.moment)
  folder.set('b', file)
  folder.set('a', undefined)
  const random = seededRandom(5)
  const all = Array.from({ length: 50 }, () => folder.cut(random, 0))
  const both = all.find((left) => left.names.length === 2)
  expect(both?.get('a')).toBe(both?.get('b'))
  expect(both).toBeDefined()
  const copy = folder.copy()
  expect(copy.get('b')).not.toBe(file)
  expect(cuts(copy)).toEqual(cuts(folder))
})
