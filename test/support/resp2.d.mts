/** The types of resp2.mjs, which is plain JavaScript because programs run it on Node 20. */

/** A reply in the RESP2 view. */
export type Resp2Form = string | readonly Resp2Form[]

export function resp2Form(reply: unknown, command?: string): Resp2Form
export function isSameReply(one: Resp2Form, other: Resp2Form): boolean
