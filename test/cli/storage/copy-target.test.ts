/** Folders in each other, as they are named, and as they are. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { checkApart } from '../../../src/cli/storage/copy-target.ts'

const folder = mkdtempSync(join(tmpdir(), 'shardloom-target-'))
const data = join(folder, 'data')
mkdirSync(join(data, 'shard-0000'), { recursive: true })
symlinkSync(data, join(folder, 'link'), 'junction')

afterAll(() => rmSync(folder, { recursive: true, force: true }))

test.each([
  ['itself', '', 'in the directory'],
  ['in it', 'in', 'in the directory'],
  ['deep in it', 'shard-0000/a/b', 'in the directory'],
  ['around it', '..', 'holds the directory'],
  ['in it, behind a link', '../link/in', 'in the directory'],
])('a target %s is refused', async (_, way, found) => {
  for (const to of [join(data, way), relative(process.cwd(), join(data, way))]) {
    await expect(checkApart(data, to)).rejects.toMatchObject({
      code: 'SHL_COPY_TARGET',
      details: { to, found: expect.stringContaining(found) },
    })
  }
})

test('a target beside it is taken, whatever it is called', async () => {
  for (const name of ['data2', 'dat', '..data', 'new/data/in']) await checkApart(data, join(folder, name))
  await checkApart(join(folder, 'nothing'), join(folder, 'nowhere', 'deep'))
})
