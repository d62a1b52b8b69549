/** The locks example as a program: with a fence every invoice is paid once, and without one it is not. */
import { describe, expect, test } from 'vitest'
import { runExample } from './run-example.ts'

describe('locks', () => {
  test('a holder that was paused is refused, and each invoice is paid once', async () => {
    const { code, stdout, stderr } = await runExample('locks', [])
    expect([code, stderr]).toEqual([0, ''])
    const [, invoice, token] = /Bo has invoice (\d+), with token (\d+)\n/.exec(stdout)!
    expect(stdout).toContain("Bo's thread stands still for 1500 ms")
    const other = new RegExp(`(?:Ada|Cy|Di) has invoice ${invoice}, with token (\\d+)\\n`).exec(stdout)!
    expect(Number(other[1])).toBeGreaterThan(Number(token))
    const late = stdout.indexOf(`Bo goes on, and pays invoice ${invoice} with token ${token}`)
    expect(late).toBeGreaterThan(other.index)
    expect(stdout.indexOf(`Bo is refused: invoice ${invoice} `)).toBeGreaterThan(late)
    expect(stdout.trimEnd()).toMatch(/\n8 invoices, each paid once; \d+ refused because it came too late$/)
  })

  test('without a fence it pays a second time, and the program says so', async () => {
    const { code, stdout } = await runExample('locks', ['--no-fence'])
    expect(code).toBe(1)
    expect(stdout.trimEnd()).toMatch(/\ninvoice \d+ was paid 2 times: by (Ada|Cy|Di) and Bo$/)
  })

  test('an unknown flag is one line and exit code 2', async () => {
    const { code, stdout, stderr } = await runExample('locks', ['--bogus'])
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })

  test('--help', async () => {
    const { code, stdout } = await runExample('locks', ['--help'])
    expect(code).toBe(0)
    expect(stdout).toContain('--no-fence')
  })
})
