/**
 * What handlers are given beside their arguments: `Call`, over the engine that runs them.
 * Tests: test/keyspace/engine/shard-engine.test.ts
 */
import type { Argument } from './byte-string.ts'
import type { BlockRequest, Call, Caller, CommandSpec } from './command.ts'
import type { CommandTable } from './command-table.ts'
import type { Effect } from './commit.ts'
import type { Database } from './database.ts'
import type { EngineServices } from './engine-services.ts'
import { ErrorReply, type Reply } from './reply.ts'

/** What a call needs of its engine. */
export interface EngineCallHost extends EngineServices {
  readonly commands: CommandTable
  logEffect(effect: Effect): void
  /** Runs a handler. @throws ErrorReply */
  handle(spec: CommandSpec, call: Call, argv: readonly Argument[]): Reply
}

/** What handlers are given; one for all commands of an engine, since they never overlap. */
export class EngineCall implements Call {
  readonly engine: EngineCallHost
  db!: Database
  caller!: Caller
  canBlock = false
  hasChanged = false
  isLogged = false
  /** What is logged in the place of the arguments. */
  logged: readonly Argument[] | undefined
  request: BlockRequest | undefined

  constructor(engine: EngineCallHost) {
    this.engine = engine
  }

  begin(caller: Caller, canBlock: boolean): void {
    this.caller = caller
    this.db = this.engine.database(caller.db)
    this.canBlock = canBlock
    this.hasChanged = false
    this.isLogged = false
    this.logged = undefined
  }

  database(index: number): Database {
    return this.engine.database(index)
  }

  effect(...argv: Argument[]): void {
    this.isLogged = true
    this.engine.logEffect({ db: this.db.index, argv })
  }

  runInstead(argv: readonly Argument[]): Reply {
    const { engine } = this
    const spec = engine.commands.find(argv)
    if (spec instanceof ErrorReply) throw spec
    this.canBlock = false
    this.logged = argv
    return engine.handle(spec, this, argv)
  }

  block(request: BlockRequest): Reply {
    if (this.canBlock) this.request = request
    return request.onTimeout
  }
}
