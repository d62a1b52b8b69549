/** What a runtime loads when it has a keyspace. */
export { type DataDirectory, openDirectory } from './data-directory.ts'
export { KeyspaceHost } from './keyspace-host.ts'
export { keyspaceSettings } from './keyspace-options.ts'
