/**
 * The worker entry as a string: what a thread is started from when a bundler has lost the file.
 *
 * This is the stub that the type checker and the tests on sources see. The build (`setup.mjs`) writes over it
 * in `dist/`: there it holds `thread-main.ts` with all that it imports, bundled as CommonJS for an evaluated
 * worker. Empty therefore means "not built": the file must be there.
 *
 * Tests: test/package/package.test.ts
 */
export const threadMainSource: string = ''
