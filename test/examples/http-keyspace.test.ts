/** What the HTTP example keeps in the keyspace: sessions, tiles that are rendered once, and limits. */
import { createRuntime, type Runtime, ShardloomError } from 'shardloom'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { renderTile } from '../../examples/http-offload/mandelbrot.ts'
import { type Site, startServer } from '../../examples/http-offload/server.ts'
import { sessionKey } from '../../examples/http-offload/sessions.ts'
import type { Render } from '../../examples/http-offload/tiles.ts'

const HOUR_MS = 3_600_000
const COOKIE = /^sid=([\w-]{24}); Path=\/; Max-Age=1800; HttpOnly; SameSite=Lax$/

let runtime: Runtime
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1, keyspace: { shards: 2 } })
})
beforeEach(() => runtime.keyspace.clear())
afterAll(() => runtime.close())

const render: Render = async (size) => renderTile(size, () => false)

async function withServer(site: Partial<Site>, use: (url: string) => Promise<void>): Promise<void> {
  const server = await startServer({ render, keyspace: runtime.keyspace, ...site }, 0)
  try {
    await use(server.url)
  } finally {
    await server.stop()
  }
}

/** A client that keeps its cookie. */
class Client {
  readonly #url: string
  cookie = ''

  constructor(url: string) {
    this.#url = url
  }

  get id(): string {
    return this.cookie.slice('sid='.length)
  }

  async ask(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = this.cookie === '' ? {} : { cookie: this.cookie }
    const response = await fetch(`${this.#url}${path}`, { ...init, headers })
    this.cookie = response.headers.get('set-cookie')?.split(';')[0] ?? this.cookie
    return response
  }

  async session(): Promise<unknown> {
    return (await this.ask('/session')).json()
  }
}

describe('sessions', () => {
  test('a client without one gets one, in a cookie that scripts and other sites cannot use', async () => {
    await withServer({}, async (url) => {
      const response = await fetch(`${url}/session`)
      const [, id] = COOKIE.exec(response.headers.get('set-cookie') ?? '')!
      expect(await response.json()).toEqual({ isNew: true, requests: 1 })
      expect(await runtime.keyspace.hash(sessionKey(id!)).get('requests')).toBe('1')
      expect(runtime.keyspace.ttlSync(sessionKey(id!))).toBeLessThanOrEqual(HOUR_MS / 2)
    })
  })

  test('it goes on with its cookie, and lives longer by being used', async () => {
    await withServer({}, async (url) => {
      const client = new Client(url)
      await client.session()
      const { id } = client
      await runtime.keyspace.expire(sessionKey(id), HOUR_MS / 12)
      expect(await client.session()).toEqual({ isNew: false, requests: 2 })
      expect(runtime.keyspace.ttlSync(sessionKey(id))).toBeGreaterThan(HOUR_MS / 4)
      expect(client.id).toBe(id)
    })
  })

  test('one that is over is not revived, and the client gets another', async () => {
    await withServer({}, async (url) => {
      const client = new Client(url)
      await client.session()
      const { id } = client
      await runtime.keyspace.delete(sessionKey(id))
      expect(await client.session()).toEqual({ isNew: true, requests: 1 })
      expect(client.id).not.toBe(id)
      expect(runtime.keyspace.hasSync(sessionKey(id))).toBe(false)
    })
  })

  test('DELETE ends it', async () => {
    await withServer({}, async (url) => {
      const client = new Client(url)
      await client.session()
      const { id } = client
      expect((await client.ask('/session', { method: 'DELETE' })).headers.get('set-cookie')).toMatch(/^sid=;/)
      expect(runtime.keyspace.hasSync(sessionKey(id))).toBe(false)
    })
  })

  test.each(['sid=', 'sid=short', `sid=${'x'.repeat(25)}`, `sid=${'*'.repeat(24)}`, `sid=${'x'.repeat(24)}`])(
    'the cookie %s is nobody',
    async (cookie) => {
      await withServer({}, async (url) => {
        const response = await fetch(`${url}/session`, { headers: { cookie } })
        expect(await response.json()).toEqual({ isNew: true, requests: 1 })
      })
    },
  )

  test('without a keyspace there are none', async () => {
    const server = await startServer({ render }, 0)
    const response = await fetch(`${server.url}/session`)
    expect([response.status, response.headers.get('set-cookie')]).toEqual([404, null])
    await server.stop()
  })
})

describe('the cache', () => {
  test('clients that ask at once have one rendering between them; later ones have none', async () => {
    let renderings = 0
    let start: () => void = () => undefined
    const started = new Promise<void>((resolve) => {
      start = resolve
    })
    const slow: Render = async (size, signal) => {
      renderings++
      await started
      return render(size, signal)
    }
    await withServer({ render: slow }, async (url) => {
      const asked = Array.from({ length: 6 }, () => fetch(`${url}/work?n=20`))
      // All are in: each has its session.
      await expect.poll(() => runtime.keyspace.size()).toBeGreaterThanOrEqual(7)
      start()
      const answers = await Promise.all(asked)
      const sources = answers.map(({ headers }) => headers.get('x-cache'))
      expect(sources.filter((source) => source === 'miss')).toHaveLength(1)
      const tile = renderTile(20, () => false)
      for (const answer of answers) expect(await answer.json()).toEqual(tile)
      const later = await fetch(`${url}/work?n=20`)
      expect([later.headers.get('x-cache'), await later.json()]).toEqual(['hit', tile])
      expect(renderings).toBe(1)
      expect(runtime.keyspace.ttlSync('tile:20')).toBeLessThanOrEqual(60_000)
      expect((await fetch(`${url}/work?n=21`)).headers.get('x-cache')).toBe('miss')
    })
  })

  test('a rendering whose client goes away is given up, and nothing is kept of it', async () => {
    const client = new AbortController()
    let onAborted: () => void = () => undefined
    const aborted = new Promise<void>((resolve) => {
      onAborted = resolve
    })
    const stuck: Render = (_size, signal) => {
      signal.addEventListener('abort', () => onAborted())
      client.abort()
      return aborted.then(() => undefined)
    }
    await withServer({ render: stuck }, async (url) => {
      await expect(fetch(`${url}/work?n=20`, { signal: client.signal })).rejects.toThrow('aborted')
      await aborted
      expect(runtime.keyspace.hasSync('tile:20')).toBe(false)
    })
    await withServer({}, async (url) => {
      expect((await fetch(`${url}/work?n=20`)).headers.get('x-cache')).toBe('miss')
    })
  })

  test('what rendering refuses is not kept either', async () => {
    const full = new ShardloomError('SHL_MAILBOX_FULL', { actor: 'worker', depth: 1 })
    await withServer({ render: () => Promise.reject(full) }, async (url) => {
      const response = await fetch(`${url}/work?n=20`)
      expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
      expect(await response.json()).toEqual({ error: 'SHL_MAILBOX_FULL' })
    })
    expect(runtime.keyspace.hasSync('tile:20')).toBe(false)
  })
})

describe('limits', () => {
  // So slow that nothing is given back while the test runs.
  const few = { burst: 2, count: 1, periodMs: HOUR_MS }

  test('a session that asks for too much is told when to come again; others are not concerned', async () => {
    await withServer({ requestLimit: few }, async (url) => {
      const [one, other] = [new Client(url), new Client(url)]
      await one.session()
      const left: (string | null)[] = []
      for (let i = 0; i < 3; i++) left.push((await one.ask('/session')).headers.get('x-ratelimit-remaining'))
      expect(left).toEqual(['2', '1', '0'])
      const response = await one.ask('/work?n=5')
      expect(response.status).toBe(429)
      const { retryAfterMs } = (await response.json()) as { retryAfterMs: number }
      expect(Number(response.headers.get('retry-after'))).toBe(Math.ceil(retryAfterMs / 1000))
      expect(retryAfterMs).toBeGreaterThan(HOUR_MS / 2)
      expect(await other.session()).toEqual({ isNew: true, requests: 1 })
      expect((await other.ask('/work?n=5')).status).toBe(200)
      expect((await one.ask('/health')).status).toBe(200)
    })
  })

  test('nobody gets around by throwing the cookie away', async () => {
    await withServer({ sessionLimit: few }, async (url) => {
      const statuses: number[] = []
      for (let i = 0; i < 5; i++) statuses.push((await fetch(`${url}/work?n=5`)).status)
      expect(statuses).toEqual([200, 200, 200, 429, 429])
      let sessions = 0
      for await (const _ of runtime.keyspace.scan({ match: 'session:*' })) sessions++
      expect(sessions).toBe(3)
    })
  })
})
