/** Stand-in, to be replaced whole: which keys expire when, as a plain heap. */
export class ExpiryIndex {
  #entries: { atMs: number; hash: number; db: number }[] = []
  schedule(atMs: number, hash: number, db: number): void {
    let i = this.#entries.length
    this.#entries.push({ atMs, hash, db })
    while (i > 0) {
      const p = (i - 1) >> 1
      if (this.#entries[p]!.atMs <= this.#entries[i]!.atMs) break
      ;[this.#entries[p], this.#entries[i]] = [this.#entries[i]!, this.#entries[p]!]
      i = p
    }
  }
  nextMs(): number {
    return this.#entries[0]?.atMs ?? Number.POSITIVE_INFINITY
  }
  takeDue(nowMs: number, limit: number, visit: (hash: number, db: number, atMs: number) => void): number {
    let count = 0
    while (count < limit && this.nextMs() <= nowMs) {
      const first = this.#entries[0]!
      const last = this.#entries.pop()!
      if (this.#entries.length > 0) {
        this.#entries[0] = last
        let i = 0
        for (;;) {
          let c = 2 * i + 1
          if (c >= this.#entries.length) break
          if (c + 1 < this.#entries.length && this.#entries[c + 1]!.atMs < this.#entries[c]!.atMs) c++
          if (this.#entries[i]!.atMs <= this.#entries[c]!.atMs) break
          ;[this.#entries[i], this.#entries[c]] = [this.#entries[c]!, this.#entries[i]!]
          i = c
        }
      }
      visit(first.hash, first.db, first.atMs)
      count++
    }
    return count
  }
  noteStale(): void {}
  get needsSweep(): boolean {
    return false
  }
  sweep(_budget: number, _isLive: (hash: number, db: number) => boolean): boolean {
    return false
  }
}
