import type { Output } from './command.ts';

const WIDTH = 28;
const REDRAW_MS = 100;

/** One line on a terminal that is drawn again and again; on anything else nothing. */
export class Progress {
  readonly #output: Output;
  #drawnAt = 0;
  #open = false;

  constructor(output: Output) {
    this.#output = output;
  }

  /** `share` 0..1, or undefined where the end is not known. */
  show(label: string, share: number | undefined, note = ''): void {
    const now = Date.now();
    if (!this.#output.interactive || (now - this.#drawnAt < REDRAW_MS && share !== 1)) return;
    this.#drawnAt = now;
    const filled = Math.round(Math.min(1, Math.max(0, share ?? 0)) * WIDTH);
    const bar =
      share === undefined
        ? ''
        : ` ${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)} ${String(Math.floor(share * 100)).padStart(3)} %`;
    this.#output.err(`\r\x1b[2K${label}${bar}${note === '' ? '' : `  ${note}`}`);
    this.#open = true;
  }

  /** Ends the line, so that what is printed next stands alone. */
  done(): void {
    if (this.#open) this.#output.err('\r\x1b[2K');
    this.#open = false;
  }
}

export const formatCount = (count: number): string => count.toLocaleString('en-US');
export const formatBytes = (bytes: number): string =>
  bytes >= 1e9
    ? `${(bytes / 1e9).toFixed(1)} GB`
    : bytes >= 1e6
      ? `${(bytes / 1e6).toFixed(1)} MB`
      : `${Math.round(bytes / 1e3)} KB`;
