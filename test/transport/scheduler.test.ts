/** The scheduler of Node: what runs before what, and what becomes of errors. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { systemScheduler } from '../../src/transport/scheduler.ts'

test('soon runs before the next turn of the event loop; a cancelled turn does not come', async () => {
  const order: string[] = []
  const cancelled = systemScheduler.atNextTurn(() => order.push('cancelled'))
  await new Promise<void>((resolve) => {
    systemScheduler.atNextTurn(() => {
      order.push('turn')
      resolve()
    })
    systemScheduler.soon(() => order.push('soon'))
    systemScheduler.cancelTurn(cancelled)
    order.push('now')
  })
  expect(order).toEqual(['now', 'soon', 'turn'])
})

test('an error that is thrown uncaught is no rejection', async () => {
  const url = new URL('../../dist/src/transport/index.js', import.meta.url).href
  const program = `
    import { systemScheduler } from ${JSON.stringify(url)}
    process.on('uncaughtException', (error, origin) => console.log(origin, error.message))
    process.on('unhandledRejection', () => console.log('a rejection'))
    systemScheduler.throwUncaught(new Error('broken'))
  `
  const run = promisify(execFile)
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program])
  expect(stdout.trim()).toBe('uncaughtException broken')
})
