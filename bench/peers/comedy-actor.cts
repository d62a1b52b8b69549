/** comedy's actor: it loads definitions with `require`, so this one is CommonJS. */
class Incrementer {
  increment(n: number): number {
    return n + 1
  }
}

module.exports = Incrementer
