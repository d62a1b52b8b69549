/** The types of wrap-comments.mjs, which is plain JavaScript because `npm run format` runs it on Node 20. */
export function wrapComments(text: string): string
