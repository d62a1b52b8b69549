/** The types of case-runner.mjs, which is plain JavaScript because run-cases.mjs runs it on Node 20. */

export interface CompatCase {
  readonly name: string
  readonly command: readonly string[]
  readonly result: readonly unknown[]
  readonly since: string
  readonly sort_result?: boolean
  readonly command_binary?: boolean
}

export interface GroupRow {
  readonly group: string
  readonly passed: number
  readonly all: number
  readonly outOfScope: number
}

export interface CaseResults {
  readonly groups: readonly GroupRow[]
  readonly failures: readonly { readonly name: string; readonly failure: string }[]
}

interface CaseSession {
  call(argv: readonly string[]): Promise<unknown>
  close?(): void
}

/** Whatever gives sessions, at once or later. */
export interface Sessions {
  session(): CaseSession | Promise<CaseSession>
}

/** Why a case of these lines is not run; undefined: it is. */
export type ReasonOf = (lines: readonly (readonly string[])[]) => string | undefined

export const OUT_OF_SCOPE: Readonly<Record<string, readonly string[]>>
export const reasonOfKeyspace: ReasonOf
export function splitLine(text: string, isBinary?: boolean): string[]
export function runCases(
  keyspace: Sessions,
  cases: readonly CompatCase[],
  groupOf: (command: string) => string | undefined,
  reasonOf?: ReasonOf,
): Promise<CaseResults>
export function tableOf(results: CaseResults): string
