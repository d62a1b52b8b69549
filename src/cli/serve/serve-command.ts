/**
 * `shardloom serve`: reads the configuration, and then helps, checks, or serves.
 *
 * Exit codes: those of the process that serves (`host/daemon.ts`); 2 for a configuration that is wrong.
 * Tests: test/cli/serve/serve-command.test.ts, test/host/daemon.race.test.ts
 */
import { ShardloomError } from '../../base/index.ts'
import {
  type Configuration,
  checkText,
  type DaemonProcess,
  loadConfiguration,
  runDaemon,
  serveHelp,
} from '../../host/index.ts'
import type { StorageOutput } from '../storage/figures.ts'

/** Runs the words behind `serve`; the exit code. */
export async function serveCommand(
  argv: readonly string[],
  output: Pick<StorageOutput, 'out' | 'err' | 'isTerminal'>,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<number> {
  let configuration: Configuration
  try {
    configuration = loadConfiguration({ argv, env })
  } catch (error) {
    return refused(error, output)
  }
  if (configuration.task === 'help') {
    output.out(serveHelp())
    return 0
  }
  if (configuration.task === 'check') {
    for (const warning of configuration.warnings) output.err(`shardloom: ${warning}\n`)
    const { settleParameters } = await import('../../server/index.ts')
    try {
      await settleParameters(configuration.store)
    } catch (error) {
      return refused(error, output)
    }
    output.out(checkText(configuration))
    return 0
  }
  return await runDaemon(configuration, thisProcess(output))
}

/** Says what is wrong with a configuration; the exit code. */
function refused(error: unknown, { err }: Pick<StorageOutput, 'err'>): number {
  if (!(error instanceof ShardloomError)) throw error
  err(`shardloom: ${error.message}\n`)
  return 2
}

/** This process, as the daemon uses it. */
function thisProcess({ err, isTerminal }: Pick<StorageOutput, 'err' | 'isTerminal'>): DaemonProcess {
  return {
    err,
    isTerminal,
    exit: (code) => process.exit(code),
    on(event, listener) {
      // Node would print it as well, between the lines of the log.
      if (event === 'warning') process.removeAllListeners(event)
      process.on(event, listener)
      return () => void process.off(event, listener)
    },
  }
}
