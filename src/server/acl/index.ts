/** What the rest of the server may use of its users. */
export { type AclFile, aclFileOf } from './acl-file.ts'
export { type AclLogEntry, headOf, LOGGED_NAME_BYTES, mergeLogs } from './acl-log.ts'
export {
  type AclHost,
  aclCat,
  aclDeleteUsers,
  aclDryRun,
  aclGenPass,
  aclGetUser,
  aclHelp,
  aclList,
  aclLoad,
  aclLog,
  aclSave,
  aclSetUser,
  aclUsers,
  aclWhoAmI,
} from './acl-requests.ts'
export {
  type AclChange,
  type AclClient,
  AclStore,
  type AclStoreOptions,
  type RightsMoment,
} from './acl-store.ts'
export { AclUser } from './acl-user.ts'
export { CertificateUsers, type CertificateUsersOptions } from './certificate-users.ts'
export { FailedLogins } from './failed-logins.ts'
export { RateCells } from './rate-cells.ts'
export { redactedRequest } from './redacted.ts'
