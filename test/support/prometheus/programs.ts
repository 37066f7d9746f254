import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const PACKAGES: Readonly<Record<string, string>> = {
  prometheus: 'prometheus',
  promtool: 'prometheus',
  amtool: 'prometheus-alertmanager',
  alertmanager: 'prometheus-alertmanager',
};
const START_TIMEOUT_MS = 20_000;
const KILL_AFTER_MS = 5_000;

/** As Debian calls it, lest it be taken for another one. */
const OTHER_NAMES: Readonly<Record<string, string>> = { alertmanager: 'prometheus-alertmanager' };

/** Where a program lies that this machine may have or not. */
export const findProgram = (name: string): string | undefined =>
  [name, OTHER_NAMES[name] ?? name]
    .flatMap((each) => (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, each)))
    .find((path) => existsSync(path));

/** `describe` where every program is there; else the tests are skipped, and it is said what would run them. */
export const describeWith = (programs: readonly string[], title: string, tests: () => void): void => {
  const missing = programs.filter((name) => findProgram(name) === undefined);
  if (missing.length === 0) describe(title, tests);
  else {
    const packages = [...new Set(missing.map((name) => PACKAGES[name] ?? name))].join(' ');
    const why = `${missing.join(', ')} not found; on Debian: apt-get install ${packages}`;
    // Of a file that is skipped as a whole jest shows no titles.
    process.stderr.write(`skipped: ${title} (${why})\n`);
    describe.skip(`${title} (${why})`, tests);
  }
};

/** Runs a tool to its end. */
export const runTool = (name: string, ...args: string[]): { status: number | null; text: string } => {
  const { status, stdout, stderr } = spawnSync(findProgram(name) ?? name, args, { encoding: 'utf8' });
  return { status, text: stdout + stderr };
};

export interface Server {
  readonly url: string;
  /** What it has logged so far. */
  log(): string;
  stop(): Promise<void>;
}

/** It listens before it can answer. */
const isReady = (address: string): Promise<boolean> =>
  fetch(`http://${address}/-/ready`).then(
    async (response) => {
      await response.body?.cancel();
      return response.ok;
    },
    () => false,
  );

const LISTENING = /msg="Listening on" .*address=(127\.0\.0\.1:\d+)/;

/** Starts Prometheus or Alertmanager on a port that it chooses itself and tells in its log. */
export const startServer = async (name: string, args: readonly string[]): Promise<Server> => {
  const program = findProgram(name) ?? name;
  const child: ChildProcess = spawn(program, [...args, '--web.listen-address=127.0.0.1:0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  // However this process ends, nothing is left behind.
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const stop = async (): Promise<void> => {
    process.off('exit', kill);
    child.kill('SIGTERM');
    const patience = setTimeout(kill, KILL_AFTER_MS);
    await ended;
    clearTimeout(patience);
  };
  const until = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const address = LISTENING.exec(log)?.[1];
    if (address !== undefined && (await isReady(address))) return { url: `http://${address}`, log: () => log, stop };
    if (child.exitCode !== null || Date.now() > until) {
      await stop();
      throw new Error(`${program} did not start:\n${log}`);
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
};
