/**
 * The pipeline: which subsystems there are, what depends on what, and what each may use up.
 *
 *     clients ─► intake ─► scheduler ─► worker-1 … worker-N
 *                              └──────► writer ─► results.jsonl
 *
 * Tests: test/examples/supervised-pipeline.test.ts
 */
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Runtime, Subsystem, SubsystemOptions } from 'shardloom'
import { type BridgeRef, bridgeActor } from './bridge.ts'
import type { IntakeArgs } from './intake.ts'
import type { Mischief } from './mischief.ts'
import type { SchedulerApi, SchedulerArgs } from './scheduler.ts'
import type { WriterArgs } from './writer.ts'

/** What the pipeline is started with. */
export interface PipelineOptions {
  readonly workers: number
  /** 0: any that is free. */
  readonly port: number
  /** The file of results. */
  readonly path: string
  /** Whether many restarts are expected. */
  readonly chaos: boolean
}

/** A pipeline that runs. */
export interface Pipeline {
  readonly url: string
  readonly workers: readonly string[]
  /** By name, in the order of starting. */
  readonly subsystems: ReadonlyMap<string, Subsystem<Mischief>>
  readonly scheduler: Subsystem<SchedulerApi>
}

const PLACES = 48
const MIB = 1024 * 1024
const LIMITS = {
  messageMs: 1000,
  heartbeatMs: 1000,
  memory: { arrayBufferBytes: 32 * MIB },
  profileMs: 0,
}
const HEALTH = { everyMs: 1000, timeoutMs: 1500, failures: 3 }
/** Chaos ends a subsystem more often than anything else should. */
const CHAOS_RESTARTS = { intensity: 1000, periodMs: 10_000, backoff: { firstMs: 20, maxMs: 200 } }
const RESTARTS = { intensity: 5, periodMs: 10_000 }

/** Starts everything; resolves when requests may come. */
export async function startPipeline(runtime: Runtime, options: PipelineOptions): Promise<Pipeline> {
  const port = options.port === 0 ? await freePort() : options.port
  const workers = Array.from({ length: options.workers }, (_, i) => `worker-${i + 1}`)
  const subsystems = new Map<string, Subsystem<Mischief>>()
  const bridge = (await runtime.spawn(bridgeActor(subsystems))) as BridgeRef
  const common = {
    limits: LIMITS,
    health: HEALTH,
    restart: options.chaos ? CHAOS_RESTARTS : RESTARTS,
  } satisfies Partial<SubsystemOptions>
  const writer: WriterArgs = { path: options.path }
  const scheduler: SchedulerArgs = { bridge, workers, places: PLACES }
  const intake: IntakeArgs = { bridge, port }
  const started = await runtime.subsystems([
    { ...common, name: 'writer', module: new URL('./writer.js', import.meta.url), args: writer },
    ...workers.map((name) => ({ ...common, name, module: new URL('./worker.js', import.meta.url) })),
    {
      ...common,
      name: 'scheduler',
      module: new URL('./scheduler.js', import.meta.url),
      args: scheduler,
      dependsOn: ['writer', ...workers],
    },
    {
      ...common,
      name: 'intake',
      module: new URL('./intake.js', import.meta.url),
      args: intake,
      dependsOn: ['scheduler', 'writer'],
    },
  ])
  for (const [name, one] of Object.entries(started)) subsystems.set(name, one as Subsystem<Mischief>)
  return {
    url: `http://127.0.0.1:${port}`,
    workers,
    subsystems,
    scheduler: started['scheduler'] as Subsystem<SchedulerApi>,
  }
}

/** Each run of the intake listens on the same port, so that it is chosen before the first one. */
async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
