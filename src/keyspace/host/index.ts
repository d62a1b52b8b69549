/** What a runtime loads when it has a keyspace. */
export { KeyspaceHost } from './keyspace-host.ts'
export { keyspaceSettings } from './keyspace-options.ts'
