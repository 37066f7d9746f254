/** What a shell gives for a program that Ctrl-C ended. */
const INTERRUPTED = 130;
/** Ctrl-C under npm comes twice at once: from the terminal, and handed on by npm. The second time a person means it. */
const SAME_SIGNAL_MS = 500;

export interface Signalled {
  readonly signal: AbortSignal;
  readonly signalled: Promise<void>;
}

/** Resolves at the first SIGINT, SIGTERM or SIGHUP; the second ends the process at once. */
export const untilSignalled = (): Signalled => {
  const controller = new AbortController();
  const signalled = new Promise<void>((resolve) => {
    let firstAt = 0;
    const onSignal = (): void => {
      if (controller.signal.aborted) {
        if (performance.now() - firstAt > SAME_SIGNAL_MS) process.exit(INTERRUPTED);
        return;
      }
      firstAt = performance.now();
      controller.abort();
      resolve();
    };
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal);
  });
  return { signal: controller.signal, signalled };
};
