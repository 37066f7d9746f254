import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Details, readDetails } from './report/details.ts';
import { PEERS, type PeerName } from './peers/peer.ts';
import { QUERIES, type Query } from './works/conditions.ts';

/** In the order in which they are measured: what changes the data comes after what only reads it. */
export const GROUPS = [
  'small',
  'query',
  'count',
  'index',
  'changed',
  'mixed',
  'morning',
  'cold',
  'import',
  'batch',
] as const;
export type Group = (typeof GROUPS)[number];

export interface Options {
  readonly users: number;
  readonly groups: readonly Group[];
  /** What the group `query` measures. */
  readonly queries: readonly Query[];
  readonly peers: readonly PeerName[];
  /** Calculations on our side of each work. */
  readonly runs: number;
  /** In so many turns, each with one run of each peer. */
  readonly rounds: number;
  /** A peer that has taken longer sits the other rounds of a work out. */
  readonly peerSeconds: number;
  readonly mixedSeconds: number;
  readonly batchSeconds: number;
  readonly smallSeconds: number;
  readonly seed: number;
  readonly directory: string | undefined;
  readonly database: string | undefined;
  readonly fromSource: boolean;
  readonly json: string | undefined;
  /** An earlier run with another number of users. */
  readonly compare: Details | undefined;
}

/** ClickHouse takes 546 MB. */
const USUAL_PEERS = PEERS.filter((peer) => peer !== 'clickhouse');

export const HELP = `npm run bench -- [options]

Generates users and events, calculates segments through the real server (a process of its own, reached by HTTP), does the
same by what could be picked instead, compares the members, and says which of the bars of docs/benchmarking.md are reached.

What
  --users N           users (1000000)
  --only LIST         of ${GROUPS.join(', ')},
                      or single works: ${QUERIES.map((query) => `${query}.store`).join(', ')} (everything)
  --peers LIST        of ${PEERS.join(', ')}; or none
                      (${USUAL_PEERS.join(',')}; clickhouse installs 546 MB)
  --json FILE         writes the works beside their peers there, and everything else to FILE.details.json
  --compare FILE      the .details.json of a run with another number of users: says how times grow

How long
  --runs N            calculations a work (200)
  --rounds N          turns in which they and the peers' runs alternate (20)
  --peer-seconds N    time of one peer for one work, after which it sits out, with at least 3 runs (60)
  --mixed-seconds N   of each part of mixed (30)
  --batch-seconds N   of batch, each side (60)
  --small-seconds N   of each of the small things (2)

Where
  --seed N            of the generated users and events (1)
  --directory DIR     where the embedded PostgreSQL keeps its data (a new directory in the system's, removed afterwards).
                      What an earlier run left there is used again
  --database URL      an empty database, or one of an earlier run, instead of the embedded PostgreSQL
  --from-source       runs the service from src/ by tsx instead of building it: for trying the bench itself
  --help
`;

const STRINGS = {
  users: '1000000',
  only: GROUPS.join(','),
  peers: USUAL_PEERS.join(','),
  runs: '200',
  rounds: '20',
  'peer-seconds': '60',
  'mixed-seconds': '30',
  'batch-seconds': '60',
  'small-seconds': '2',
  seed: '1',
} as const;

/** What is wrong with the command line, in one line. */
export class BadOptions extends Error {}

/** @returns undefined where help was asked for @throws BadOptions */
export const readOptions = (args: readonly string[]): Options | undefined => {
  const values = parse(args);
  if (values['help'] === true) return undefined;
  const text = (name: keyof typeof STRINGS): string => {
    const value = values[name];
    return typeof value === 'string' ? value : STRINGS[name];
  };
  const optional = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === 'string' ? value : undefined;
  };
  const number = (name: keyof typeof STRINGS, least = 1): number => {
    const value = Number(text(name));
    if (!Number.isFinite(value) || value < least) throw new BadOptions(`--${name} takes a number from ${least} up`);
    return value;
  };
  const whole = (name: keyof typeof STRINGS, least = 1): number => {
    const value = number(name, least);
    if (!Number.isSafeInteger(value)) throw new BadOptions(`--${name} takes a whole number, not ${text(name)}`);
    return value;
  };
  const only = listOf(text('only'));
  const compare = optional('compare');
  return {
    users: whole('users'),
    ...workOf(only),
    peers: text('peers') === 'none' ? [] : listOf(text('peers')).map((name) => oneOf(PEERS, name, '--peers')),
    runs: whole('runs'),
    rounds: whole('rounds'),
    peerSeconds: number('peer-seconds', 0),
    mixedSeconds: number('mixed-seconds'),
    batchSeconds: number('batch-seconds'),
    smallSeconds: number('small-seconds', 0.1),
    seed: whole('seed', 0),
    directory: optional('directory'),
    database: optional('database'),
    fromSource: values['from-source'] === true,
    json: optional('json'),
    compare: compare === undefined ? undefined : detailsFrom(compare),
  };
};

const parse = (args: readonly string[]) => {
  const texts = [...Object.keys(STRINGS), 'directory', 'database', 'json', 'compare'];
  try {
    return parseArgs({
      args: [...args],
      options: {
        ...Object.fromEntries(texts.map((name) => [name, { type: 'string' as const }])),
        'from-source': { type: 'boolean' as const },
        help: { type: 'boolean' as const },
      },
    }).values as Readonly<Record<string, string | boolean | undefined>>;
  } catch (error) {
    throw new BadOptions((error as Error).message);
  }
};

const detailsFrom = (path: string): Details => {
  try {
    return readDetails(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new BadOptions(`--compare takes the .details.json of an earlier run: ${(error as Error).message}`);
  }
};

const listOf = (text: string): string[] => text.split(',').filter((one) => one !== '');

const oneOf = <T extends string>(all: readonly T[], name: string, option: string): T => {
  const found = all.find((one) => one === name);
  if (found === undefined) throw new BadOptions(`${option}: there is no "${name}"; there are ${all.join(', ')}`);
  return found;
};

/** Names of works that are a group of their own, or a part of one. */
const WORKS: Readonly<Record<string, Group>> = { 'is_set.count': 'count', 'changed.store': 'changed' };

const workOf = (only: readonly string[]): { readonly groups: readonly Group[]; readonly queries: readonly Query[] } => {
  const groups = new Set<Group>();
  const queries = new Set<Query>();
  for (const name of only) {
    const query = QUERIES.find((one) => name === `${one}.store`);
    if (query !== undefined) queries.add(query);
    else groups.add(WORKS[name] ?? oneOf(GROUPS, name, '--only'));
  }
  if (groups.has('query')) for (const query of QUERIES) queries.add(query);
  if (queries.size > 0) groups.add('query');
  return {
    groups: GROUPS.filter((group) => groups.has(group)),
    queries: QUERIES.filter((query) => queries.has(query)),
  };
};
