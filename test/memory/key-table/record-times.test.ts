/** Revisions and expiries of records: any number below 2^53 follows any other, seen by readers or not yet. */
import { expect, test } from 'vitest'
import { KeyTableWriter } from '../../../src/memory/index.ts'

const OPTIONS = { segmentBytes: 65_536, pageBytes: 1024, stripes: 8 }
const TIMES = [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 1.7e12, 1.7e12 + 1, Number.MAX_SAFE_INTEGER]

test.each(['x64', 'arm64'])(
  'each follows each, and is a write for readers only when both words change (%s)',
  (arch) => {
    const table = new KeyTableWriter({ ...OPTIONS, arch })
    const ref = table.putString('k', 'v')
    const words = new Int32Array(table.directory)
    const sequences = (): number =>
      words.slice(16, 16 + 8 * 4).reduce((sum, word, i) => sum + (i % 4 ? 0 : word), 0)
    for (const first of TIMES) {
      for (const second of TIMES) {
        table.setRevision(ref, first)
        table.setExpireAt(ref, second)
        expect([table.revision(ref), table.expireAt(ref)]).toEqual([first, second])
        const before = sequences()
        table.setRevision(ref, second)
        const isOneWord = Math.floor(first / 2 ** 32) === Math.floor(second / 2 ** 32)
        expect([table.revision(ref), sequences() - before]).toEqual([second, isOneWord ? 0 : 2])
      }
    }
    for (const value of [-1, 2 ** 53]) expect(() => table.setRevision(ref, value)).toThrow('assertion failed')
    table.checkTable()
  },
)
