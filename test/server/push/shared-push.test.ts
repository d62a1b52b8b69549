/** A push that many clients get is turned into bytes once for each version of the protocol. */
import { expect, it } from 'vitest'
import { SharedPush } from '../../../src/server/push/shared-push.ts'
import { ReplyWriter } from '../../../src/server/resp/index.ts'

function written(push: SharedPush, resp: 2 | 3): string {
  const writer = new ReplyWriter()
  writer.resp = resp
  writer.reply(push.in(resp))
  return Buffer.concat(writer.take()).toString('latin1')
}

it('is the same bytes for all, in their version', () => {
  const push = new SharedPush(['message', 'news', null])
  expect(push.in(2)).toBe(push.in(2))
  expect(push.in(3)).toBe(push.in(3))
  expect(written(push, 2)).toBe('*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$-1\r\n')
  expect(written(push, 3)).toBe('>3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n_\r\n')
})

it('does not copy what is large', () => {
  const large = new Uint8Array(200_000).fill(65)
  const push = new SharedPush(['message', 'c', large])
  expect(push.in(3).chunks.some((chunk) => chunk.buffer === large.buffer)).toBe(true)
  expect(push.in(3).sizeBytes).toBe(written(push, 3).length)
})
