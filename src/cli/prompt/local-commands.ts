/**
 * What a prompt does by itself: words that no server sees.
 *
 * Tests: test/cli/prompt/interactive.test.ts
 */

/** Words that a line may begin with. */
export const LOCAL_COMMANDS: readonly string[] = ['help', 'exit', 'clear', 'connect', 'history', ':set']

export const LOCAL_HELP = `shardloom cli
  help COMMAND          explains a command
  help @GROUP           lists the commands of a group, such as @string
  TAB                   completes a command, a subcommand or a word of its syntax
  N COMMAND             runs a command N times
  Ctrl-C                ends what is running, or discards the line; on an empty line: leaves
  connect HOST PORT     goes to another server
  history               prints what was typed before
  clear                 empties the screen
  exit                  leaves

  :set hints | nohints  shows what a command takes while it is typed
  :set FORM             in which form replies are printed: standard, raw, csv, json, quoted-json
`
