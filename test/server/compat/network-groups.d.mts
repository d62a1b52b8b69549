export function groupOf(command: string): string | undefined
