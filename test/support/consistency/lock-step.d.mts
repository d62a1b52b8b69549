/** The types of lock-step.mjs. */

/** How long a lease runs. */
export const LEASE_MS: number
