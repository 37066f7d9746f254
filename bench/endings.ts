/** What was started and must be ended, whatever happens: the last first. */
export class Endings {
  readonly #waiting: (() => unknown)[] = [];
  #ending: Promise<void> | undefined;

  /** `end` runs once; a failure of it is said and keeps nothing else from ending. */
  add(end: () => unknown): void {
    this.#waiting.push(end);
  }

  /** Ends everything; a second call waits for the first. */
  run(): Promise<void> {
    this.#ending ??= this.#run();
    return this.#ending;
  }

  async #run(): Promise<void> {
    for (let end = this.#waiting.pop(); end !== undefined; end = this.#waiting.pop())
      try {
        await end();
      } catch (error) {
        process.stderr.write(`bench: could not end everything: ${(error as Error).message}\n`);
      }
  }

  /** Ctrl-C and the like end everything and then the process; a second one ends it at once. */
  onSignals(): void {
    for (const [signal, status] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
      ['SIGHUP', 129],
    ] as const) {
      let asked = false;
      process.on(signal, () => {
        if (asked) process.exit(status);
        asked = true;
        process.stderr.write('\nbench: stopping\n');
        void this.run().finally(() => process.exit(status));
      });
    }
  }
}
