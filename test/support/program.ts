import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');
const START_TIMEOUT_MS = 25_000;

interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** The command line in a process of its own, from the sources, with nothing of this environment but the path. */
export class Program {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  out = '';
  err = '';

  constructor(args: readonly string[], environment: Record<string, string>) {
    const { PATH = '', HOME = '' } = process.env;
    this.child = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts', ...args], {
      cwd: ROOT,
      env: { PATH, HOME, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.out += text;
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.err += text;
    });
    this.ended = new Promise((resolve) => {
      this.child.once('close', (status) => resolve({ status, out: this.out, err: this.err }));
    });
  }

  /** The first line of its output that matches. */
  async says(pattern: RegExp, where: 'out' | 'err' = 'out'): Promise<string> {
    const until = Date.now() + START_TIMEOUT_MS;
    for (;;) {
      const found = pattern.exec(this[where]);
      if (found !== null) return found[1] ?? found[0];
      if (this.child.exitCode !== null || Date.now() > until)
        throw new Error(`it never said ${String(pattern)}: ${this.out}${this.err}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
