/** A program that ends in one of several ways, named by its argument: run by close.race.test.ts. */
import { createRuntime } from 'shardloom'

const scenario = process.argv[2]
const runtime = await createRuntime({ threads: 1 })
const ref = await runtime.spawn(new URL('./actors/tester.mjs', import.meta.url), { export: 'tester' })

switch (scenario) {
  case 'close':
    await runtime.close()
    console.log('closed')
    break
  case 'idle':
    break
  case 'router': {
    const router = await runtime.router(new URL('./actors/tester.mjs', import.meta.url), {
      export: 'tester',
      size: 2,
    })
    await router.ref()
    runtime.watch(ref, { unref: true }).then(({ type }) => console.log(type))
    break
  }
  case 'watching':
    ref.tell('stopAfter', 200)
    console.log((await runtime.watch(ref)).type)
    break
  case 'told': {
    const counter = runtime.counter('handled')
    for (let i = 0; i < 100; i++) ref.tell('count1', 'handled')
    process.on('exit', () => console.log('handled', counter.value()))
    break
  }
  case 'waiting':
    ref.ask('sleep', 200).then((ms) => console.log('answered', ms))
    break
  case 'slow':
    process.exitCode = 7
    ref.tell('nap', 0.8)
    setTimeout(async () => {
      const report = await runtime.close({ timeoutMs: 100 })
      console.log('lost', report.lostThreads.length)
    }, 50)
    break
  case 'uninterruptible':
    process.exitCode = 7
    ref.tell('nap', 30)
    setTimeout(async () => {
      const report = await runtime.close({ timeoutMs: 400 })
      console.log('lost', report.lostThreads.length)
    }, 50)
    break
  case 'throws':
    throw new Error('the program failed')
}
