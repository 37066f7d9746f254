import type { Machine } from '../machine.ts';
import type { Spread } from '../spread.ts';
import type { Findings, Own } from './findings.ts';

/** Everything that a run finds out beside the rows of the JSON, as it is written to a file. */
export interface Details {
  readonly machine: Machine;
  readonly commandLine: readonly string[];
  readonly users: number;
  /** Ours by work. */
  readonly own: Readonly<Record<string, Own>>;
  /** By work and peer. */
  readonly peers: Readonly<Record<string, Spread>>;
  readonly figures: Readonly<Record<string, number>>;
  /** By work and peer: whether the members were equal. */
  readonly agreements: Readonly<Record<string, boolean>>;
  /** By peer. */
  readonly setup: Readonly<Record<string, readonly string[]>>;
  /** Peers that could not be had, and why. */
  readonly skipped: Readonly<Record<string, string>>;
  /** The most that the server process took, by what was going on. */
  readonly memoryMiB: Readonly<Record<string, number>>;
}

export const detailsOf = (
  findings: Findings,
  more: Pick<Details, 'machine' | 'commandLine' | 'setup' | 'skipped' | 'memoryMiB'>,
): Details => ({
  ...more,
  users: findings.users,
  own: Object.fromEntries(findings.own),
  peers: Object.fromEntries(findings.peers),
  figures: Object.fromEntries(findings.figures),
  agreements: Object.fromEntries(findings.agreements),
});

/** @throws where the text is no such file */
export const readDetails = (text: string): Details => {
  const details = JSON.parse(text) as Partial<Details>;
  if (typeof details.users !== 'number' || typeof details.own !== 'object')
    throw new Error('it has neither "users" nor "own"');
  return details as Details;
};

/** `bench.json` has its details in `bench.details.json`. */
export const detailsPath = (json: string): string => `${json.replace(/\.json$/, '')}.details.json`;
