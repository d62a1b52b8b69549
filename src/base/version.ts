/**
 * The version of this package, which a bundle has no package.json to read from.
 *
 * Invariant: it is that of package.json.
 * Tests: test/base/version.test.ts
 */

export const VERSION = '0.4.0'
