/**
 * Strategies: who is stopped and started again when one child has failed.
 *
 *     one_for_one     the failed child
 *     one_for_all     all of them: none can do without the others
 *     rest_for_one    the failed child and those that were started after it, which may depend on it
 *
 * Pure. Stopping goes in the reverse order of starting.
 * Source: OTP's supervisor behaviour. Tests: test/supervise/policy/strategy.test.ts
 */
import { choiceOption } from '../../base/index.ts'

const STRATEGIES = ['one_for_one', 'one_for_all', 'rest_for_one'] as const

/** Who shares the fate of a failed child. */
export type Strategy = (typeof STRATEGIES)[number]

/** Checks the option; `one_for_one` by default. @throws SHL_OPTION_INVALID */
export function strategyOption(value: unknown): Strategy {
  return choiceOption('strategy', value, 'one_for_one', STRATEGIES)
}

/**
 * The children to be restarted when `failed` has failed, in the order of starting; `order` is that of all.
 */
export function affectedBy(strategy: Strategy, order: readonly string[], failed: string): readonly string[] {
  switch (strategy) {
    case 'one_for_one':
      return order.includes(failed) ? [failed] : []
    case 'one_for_all':
      return order.includes(failed) ? order : []
    case 'rest_for_one': {
      const first = order.indexOf(failed)
      return first === -1 ? [] : order.slice(first)
    }
  }
}
