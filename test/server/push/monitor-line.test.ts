/** Lines of MONITOR; that they are those of Redis is tested against one. */
import { expect, it } from 'vitest'
import { monitorLine, quoted } from '../../../src/server/push/monitor-line.ts'

const TCP = { address: '127.0.0.1:60866', isUnix: false }

it('shows time, database, address and words', () => {
  expect(monitorLine(TCP, 0, ['keys', '*'], 1339518083107.412)).toBe(
    '1339518083.107412 [0 127.0.0.1:60866] "keys" "*"',
  )
  expect(monitorLine({ address: '/tmp/s.sock:0', isUnix: true }, 9, ['ping'], 1000)).toBe(
    '1.000000 [9 unix:/tmp/s.sock] "ping"',
  )
})

it('shows bytes so that they stand on one line, and says what it leaves out', () => {
  expect(quoted('a\x00b"\\\r\n\t\x07\b\xff')).toBe('"a\\x00b\\"\\\\\\r\\n\\t\\a\\b\\xff"')
  expect(quoted(new Uint8Array([65, 10]))).toBe('"A\\n"')
  const long = quoted('x'.repeat(20_000))
  expect(long.length).toBeLessThan(17_000)
  expect(long).toMatch(/x\.\.\. \(3616 more bytes\)"$/)
})

it('shows no secrets', () => {
  const line = monitorLine(TCP, 0, ['CONFIG', 'SET', 'requirepass', 'hidden', 'maxmemory', '1'], 0)
  expect(line).toContain('"requirepass" "(redacted)" "maxmemory" "1"')
  expect(monitorLine(TCP, 0, ['auth', 'hidden'], 0)).toContain('"auth" "(redacted)"')
})
