/** What the rest of the server may use of the audit log. */
export { AuditFile, checkAuditFile } from './audit-file.ts'
export { AuditTrail } from './audit-trail.ts'
