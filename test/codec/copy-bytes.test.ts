import { expect, test } from 'vitest'
import { copyBytes } from '../../src/codec/copy-bytes.ts'

test('every length, by a loop and by native code, and nothing beside', () => {
  const source = new Uint8Array(300).map((_, i) => i)
  for (let count = 0; count <= 260; count++) {
    const target = new Uint8Array(270).fill(7)
    copyBytes(source, 3, count, target, 5)
    expect(target.slice(5, 5 + count)).toEqual(source.slice(3, 3 + count))
    expect([target[4], target[5 + count]]).toEqual([7, 7])
  }
})
