/** What programs and other folders may use of the server. */
export type { HubOptions, Rewritten } from './hub.ts'
export type { RespServer, ServeOptions } from './serve.ts'
export { createRuntime, ServingRuntime } from './serving-runtime.ts'
export { settleParameters } from './settle-parameters.ts'
