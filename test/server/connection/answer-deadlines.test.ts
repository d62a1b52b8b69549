/** How long commands of several threads are waited for. */
import { expect, test } from 'vitest'
import { ErrorReply } from '../../../src/keyspace/engine/index.ts'
import { serverCommands } from '../../../src/server/commands/table.ts'
import { AnswerDeadlines, leavesUnknown } from '../../../src/server/connection/answer-deadlines.ts'
import { CommandIndex } from '../../../src/server/thread/command-index.ts'
import { catalogOf } from '../../../src/server/thread/server-thread.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const commands = new CommandIndex(catalogOf(serverCommands), serverCommands)

function lab() {
  const clock = new ManualClock()
  const answers = new AnswerDeadlines(clock, 1000)
  const late: string[] = []
  const never = new Promise<string>(() => undefined)
  const ask = (name: string, done: Promise<string> = never): Promise<unknown> =>
    answers.within(commands.get(name)!, done, () => late.push(name))
  return { clock, ask, late, answers }
}

test('what comes in time is given as it is, and what fails fails', async () => {
  const { clock, ask, late } = lab()
  const failing = ask('mget', Promise.reject(new Error('broken')))
  await expect(failing).rejects.toThrow('broken')
  expect(await ask('mget', Promise.resolve('OK'))).toBe('OK')
  clock.advance(5000)
  expect(late).toEqual([])
})

test('what does not is an error that says what is not known', async () => {
  const { clock, ask, late } = lab()
  const asked = [ask('flushall'), ask('config|set')]
  clock.advance(999)
  expect(late).toEqual([])
  clock.advance(1)
  const [first, second] = (await Promise.all(asked)) as ErrorReply[]
  expect(first).toBeInstanceOf(ErrorReply)
  expect(first!.text).toMatch(/^TIMEOUT no answer within 1000 ms.* what became of FLUSHALL is not known$/)
  expect(second!.text).toContain('CONFIG SET')
  expect(late).toEqual(['flushall', 'config|set'])
})

test.each(['blpop', 'debug', 'shutdown', 'lock.acquire', 'watchrev'])('%s may take its time', (name) => {
  const { clock, ask, late } = lab()
  void ask(name)
  clock.advance(10_000)
  expect(late).toEqual([])
})

test('who does not know its own state is closed', () => {
  const isClosed = (name: string): boolean => leavesUnknown(commands.get(name)!)
  expect(['subscribe', 'exec', 'auth', 'monitor'].map(isClosed)).toEqual([true, true, true, true])
  expect(['flushall', 'mget', 'config|set', 'acl|setuser'].map(isClosed)).toEqual([
    false,
    false,
    false,
    false,
  ])
})
