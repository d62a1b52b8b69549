/**
 * What follows from the users and commands that parameters name, without a server: where it would listen, and
 * what is wrong with them. Tests: test/cli/serve/serve-command.test.ts
 */
import type { ParameterStore } from './parameters/index.ts'

/** Makes parameters say where would be listened. @throws SHL_OPTION_INVALID, SHL_ACL_FILE */
export async function settleParameters(parameters: ParameterStore): Promise<void> {
  const [{ settleUsers }, { serverCommands }, { catalogOf }, { checkSelectors }] = await Promise.all([
    import('./commands/first-users.ts'),
    import('./commands/table.ts'),
    import('./thread/server-thread.ts'),
    import('./catalog/index.ts'),
  ])
  const catalog = catalogOf(serverCommands)
  checkSelectors(parameters.get('auditLogCommands'), catalog)
  await settleUsers(parameters, catalog)
}
