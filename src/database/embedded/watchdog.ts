import { spawn } from 'node:child_process';

/**
 * Waits for the service's end of the pipe to close, which the kernel does however the service ends (also by `kill -9`),
 * then asks the server for a fast shutdown. A line through the pipe sends it away instead.
 */
const SCRIPT = `
trap '' INT TERM HUP
if read -r _; then exit 0; fi
read -r pid <"$1" && kill -INT "$pid"
`;

/** Sees to it that no server outlives this process. `dismiss` ends the watch. */
export const watchOver = (postmasterFile: string): { dismiss(): void } => {
  // A session of its own: Ctrl-C in a terminal reaches every process of the terminal's group.
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'evenkeel-watchdog', postmasterFile], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: '/',
  });
  child.on('error', () => undefined);
  child.stdin.on('error', () => undefined);
  child.unref();
  (child.stdin as unknown as { unref(): void }).unref();
  return { dismiss: () => child.stdin.end('done\n') };
};
