/** The HTTP example: its demo as a program, and its server with a renderer of the test's. */
import { ShardloomError } from 'shardloom'
import { describe, expect, test } from 'vitest'
import { renderTile } from '../../examples/http-offload/mandelbrot.ts'
import { startServer } from '../../examples/http-offload/server.ts'
import type { Render } from '../../examples/http-offload/tiles.ts'
import { runExample } from './run-example.ts'

describe('http-offload', () => {
  test('the demo prints all ways to serve and what the keyspace did, and ends', async () => {
    const { code, stdout } = await runExample('http-offload', ['--seconds', '0.3', '--threads', '1'])
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /\/health p50 .*\ninline .* ms .*\nwith Shardloom .* ms .*\nand its keyspace .* ms /,
    )
    const [, hits, shared, computed, tiles] =
      /cache: (\d+) hits, (\d+) waited for another's work, (\d+) computed: (\d+) tiles, each once/
        .exec(stdout)!
        .map(Number)
    expect(computed).toBe(tiles)
    expect(hits! + shared!).toBeGreaterThan(0)
    expect(stdout).toMatch(/limits: \d+ requests of eight clients .*, \d+ of a greedy one\nsessions: 9,/)
  })

  test('an unknown flag is one line and exit code 2', async () => {
    const { code, stdout, stderr } = await runExample('http-offload', ['--bogus'])
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })
})

describe('the server', () => {
  async function withServer(render: Render, use: (url: string) => Promise<void>): Promise<void> {
    const server = await startServer({ render }, 0)
    try {
      await use(server.url)
    } finally {
      await server.stop()
    }
  }

  test('answers with what was rendered', async () => {
    const render: Render = async (size) => renderTile(size, () => false)
    await withServer(render, async (url) => {
      expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: 'ok' })
      const tile = await (await fetch(`${url}/work?n=20`)).json()
      expect(tile).toEqual(renderTile(20, () => false))
    })
  })

  test.each(['n=0', 'n=x', 'n=1e9'])('refuses ?%s', async (query) => {
    await withServer(
      async () => undefined,
      async (url) => expect((await fetch(`${url}/work?${query}`)).status).toBe(400),
    )
  })

  test('says when to try again, when there is no room', async () => {
    const full = new ShardloomError('SHL_MAILBOX_FULL', { actor: 'worker', depth: 1 })
    await withServer(
      () => Promise.reject(full),
      async (url) => {
        const response = await fetch(`${url}/work`)
        expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
      },
    )
  })

  test('takes the work back when its client goes away', async () => {
    let onAborted: () => void = () => undefined
    const aborted = new Promise<void>((resolve) => {
      onAborted = resolve
    })
    const client = new AbortController()
    const render: Render = (_size, signal) => {
      signal.addEventListener('abort', () => onAborted())
      client.abort()
      return aborted.then(() => undefined)
    }
    await withServer(render, async (url) => {
      await expect(fetch(`${url}/work`, { signal: client.signal })).rejects.toThrow('aborted')
      await aborted
    })
  })

  test('a cancelled tile is not rendered to its end', () => {
    let rows = 0
    expect(renderTile(100, () => ++rows > 3)).toBeUndefined()
    expect(rows).toBe(4)
  })
})
