/** What `shardloom/server` names: for programs that pass servers around, or make one of a runtime. */
export type { BoundAddress } from './listen/index.ts'
export type { ParameterOption, ParameterOptions, ParameterValues } from './parameters/index.ts'
export { ParameterStore } from './parameters/index.ts'
export { RespServer, type ServeOptions, serve } from './serve.ts'
export { ServingRuntime } from './serving-runtime.ts'
