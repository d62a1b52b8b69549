/** The types of random-client.mjs. */
export function now(): number
